import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { type MemoryCall, memoryCalls } from "./memory-calls.ts";
import { call, type Inhabited, inhabit, inhabited, keptLog, type OtherProcess, startProcess } from "./rig.ts";

const { log, text } = keptLog();
let world: World;
let process: OtherProcess;
let tenant: Inhabited;

beforeAll(async () => {
  world = await createWorld();
  process = await startProcess(world, { log, timeoutMs: 300 });
  await until(async () => process.isListening(), "the process listens");
  tenant = await inhabited(world);
});
afterAll(async () => {
  await process?.close();
  await world?.close();
});

/** What each fault is told as, and whether it leaves open what was done. */
const faults = [
  [{ kind: "garbage", done: true }, "MEM0_UNEXPECTED_BODY", true],
  [{ kind: "wrong-shape", done: true }, "MEM0_UNEXPECTED_BODY", true],
  [{ kind: "html-502", done: false }, "MEM0_UNAVAILABLE", true],
  [{ kind: "fail-500" }, "MEM0_UNAVAILABLE", true],
  [{ kind: "drop" }, "MEM0_UNAVAILABLE", true],
  [{ kind: "hang", done: false }, "MEM0_UNAVAILABLE", true],
  [{ kind: "quota", resetAt: "2030-01-01T00:00:00+00:00", eventType: "SEARCH" }, "MEM0_QUOTA_SPENT", false],
  [{ kind: "throttle", retryAfterSeconds: 7 }, "MEM0_THROTTLED", false],
] as const;

const cases = faults.flatMap(([fault, code, isOpen]) =>
  memoryCalls.map((one) => ({ one, fault, code, isOpen, title: `${one.title}, ${fault.kind}` })),
);

/** Whose body is what the caller's own schema makes of it: any object is in the shape of such an answer. */
const isOfAnyShape = ({ one, fault }: (typeof cases)[number]) =>
  one.field === "memoryExport" && fault.kind === "wrong-shape";

/** The first problem that a batch tells of one of its items. */
function problemOf(one: MemoryCall, answer: Readonly<Record<string, unknown>> | null) {
  const results = answer?.[`${one.field.charAt(0).toUpperCase()}${one.field.slice(1)}Payload_results`];
  const [item] = Array.isArray(results)
    ? (results as { isDone: unknown; problem: { code?: string } | null }[])
    : [];
  return item;
}

/** Lets a call of Mem0 go wrong, and sees that the answer says so. */
async function expectRefusal(example: (typeof cases)[number]): Promise<void> {
  const { one, fault, code, isOpen } = example;
  if (one.field.startsWith("delete")) tenant = { ...tenant, names: await inhabit(world, world, tenant) };
  await world.emulator.failNext({ match: { path: "/v*/**" }, fault });
  const told = await call(process, world, tenant, one);
  const [armed] = await world.emulator.faults();
  await world.emulator.clearFaults();
  expect(armed).toMatchObject({ fired: 1 });
  // What was good is good again; and no circuit opens over this file.
  const stats = memoryCalls.find(({ field }) => field === "memoryStats");
  if (stats === undefined) throw new Error("There is no call of memoryStats.");
  expect((await call(process, world, tenant, stats)).code).toBeNull();

  if (one.missing === "MANY") {
    const item = problemOf(one, told.answer);
    expect(item, told.body).toMatchObject({ isDone: isOpen ? null : false, problem: { code } });
  } else {
    expect(told.code, told.body).toBe(code);
    const mayHaveHappened = told.answer?.[`${told.typename}_mayHaveHappened`];
    expect(mayHaveHappened).toBe(isOpen ? one.isWrite : undefined);
  }
  expect(told.body).not.toContain(`${tenant.tag} likes`);
}

describe("a call of Mem0 that goes wrong", () => {
  it.each(cases.filter((example) => !isOfAnyShape(example)))(
    "is a refusal of its own type, and never a hole in an answer: $title",
    (example) => expectRefusal(example),
  );

  it("is no fault of ours: nothing of it is in the log", () => {
    const lines = text()
      .split("\n")
      .filter((line) => line !== "");
    expect(lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
    expect(text()).not.toContain(tenant.tag);
  });
});
