import type { Fault, FaultMatch } from "../faults.ts";
import { ControlInput } from "./control-input.ts";
import type { ControlRoute } from "./control-route.ts";

const countMax = 1_000_000;
/** A day: longer than any test waits. */
const waitMsMax = 86_400_000;

/** Arming faults, and looking at what has become of them. */
export const faultRoutes: readonly ControlRoute[] = [
  {
    method: "POST",
    path: "/_emulator/fail-next",
    handle: ({ faults }, { body }) => {
      const input = new ControlInput(body, ["match", "fault", "count", "skip"]);
      const order = {
        match: readMatch(input),
        fault: readFault(input),
        count: input.has("count") ? input.wholeNumber("count", 1, countMax) : 1,
        skip: input.has("skip") ? input.wholeNumber("skip", 0, countMax) : 0,
      };
      return { id: faults.arm(order) };
    },
  },
  { method: "GET", path: "/_emulator/faults", handle: ({ faults }) => ({ faults: faults.list() }) },
  {
    method: "DELETE",
    path: "/_emulator/faults",
    handle: ({ faults }) => {
      faults.clear();
      return { status: "ok" };
    },
  },
];

function readMatch(input: ControlInput): FaultMatch {
  if (!input.has("match")) return {};
  const match = input.object("match", ["method", "path", "body"]);
  const [method, path, body] = ["method", "path", "body"].map((name) => match.optionalText(name));
  if (path?.startsWith("regex:") === true && !isExpression(path.slice("regex:".length))) {
    throw match.refusal("path", "must be a regular expression after regex:");
  }
  return {
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    ...(body === undefined ? {} : { body }),
  };
}

function isExpression(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

/** Reads the fields of one kind, which are all it may have. `done` has the kind's own default. */
type FaultReader = { readonly fields: readonly string[]; read(input: ControlInput): Fault };

const faultReaders: { readonly [Kind in Fault["kind"]]: FaultReader } = {
  refuse: {
    fields: ["status", "body", "done"],
    read: (input) => ({
      kind: "refuse",
      status: input.wholeNumber("status", 300, 599),
      ...(input.has("done") ? { done: input.flag("done", false) } : {}),
      ...(input.has("body") ? { body: input.raw("body") } : {}),
    }),
  },
  "do-then-drop": { fields: [], read: () => ({ kind: "do-then-drop" }) },
  "drop-then-do": {
    fields: ["afterMs"],
    read: (input) => ({ kind: "drop-then-do", afterMs: input.wholeNumber("afterMs", 0, waitMsMax) }),
  },
  drop: { fields: [], read: () => ({ kind: "drop" }) },
  "do-then-500": { fields: [], read: () => ({ kind: "do-then-500" }) },
  "fail-500": { fields: [], read: () => ({ kind: "fail-500" }) },
  throttle: {
    fields: ["retryAfterSeconds"],
    read: (input) => ({
      kind: "throttle",
      retryAfterSeconds: input.wholeNumber("retryAfterSeconds", 0, waitMsMax / 1000),
    }),
  },
  quota: {
    fields: ["resetAt", "eventType"],
    read: (input) => {
      input.dateMs("resetAt");
      const eventType = input.optionalText("eventType") ?? "ADD";
      return { kind: "quota", resetAt: input.text("resetAt"), eventType };
    },
  },
  slow: {
    fields: ["ms", "when"],
    read: (input) => ({
      kind: "slow",
      ms: input.wholeNumber("ms", 0, waitMsMax),
      when: input.oneOf("when", ["before", "after"]),
    }),
  },
  garbage: {
    fields: ["done"],
    read: (input) => ({ kind: "garbage", done: input.flag("done", true) }),
  },
  "html-502": {
    fields: ["done"],
    read: (input) => ({ kind: "html-502", done: input.flag("done", false) }),
  },
  hang: {
    fields: ["done"],
    read: (input) => ({ kind: "hang", done: input.flag("done", false) }),
  },
  "wrong-shape": {
    fields: ["done"],
    read: (input) => ({ kind: "wrong-shape", done: input.flag("done", true) }),
  },
};

/** The names of all faults, as `fault.kind` has them. */
export const faultKinds: readonly string[] = Object.keys(faultReaders);

function readFault(input: ControlInput): Fault {
  const everyField = Object.values(faultReaders).flatMap(({ fields }) => fields);
  const kind = input.object("fault", ["kind", ...everyField]).oneOf("kind", faultKinds);
  const reader: FaultReader | undefined = Object.entries(faultReaders).find(([name]) => name === kind)?.[1];
  if (reader === undefined) throw input.refusal("fault.kind", "does not exist");
  return reader.read(input.object("fault", ["kind", ...reader.fields]));
}
