import { criticalPath, type LogSelection } from "../request-log.ts";
import { ControlInput } from "./control-input.ts";
import type { ControlRoute } from "./control-route.ts";

/** The request log. */
export const requestRoutes: readonly ControlRoute[] = [
  {
    method: "GET",
    path: "/_emulator/requests",
    handle: ({ log }, { query }) => {
      const requests = log.select(readSelection(query));
      return { requests, criticalPath: criticalPath(requests) };
    },
  },
  {
    method: "DELETE",
    path: "/_emulator/requests",
    handle: ({ log }) => {
      log.clear();
      return { status: "ok" };
    },
  },
];

function readSelection(query: Readonly<Record<string, string>>): LogSelection {
  const input = new ControlInput(query, ["since", "until", "contains"]);
  const contains = input.optionalText("contains");
  return {
    ...(input.has("since") ? { since: readNumber(input, "since") } : {}),
    ...(input.has("until") ? { until: readNumber(input, "until") } : {}),
    ...(contains === undefined ? {} : { contains }),
  };
}

function readNumber(input: ControlInput, name: string): number {
  const number = Number(input.text(name));
  if (!Number.isFinite(number) || number < 0) throw input.refusal(name, "must be a number, zero or more");
  return number;
}
