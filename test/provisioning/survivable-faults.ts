import type { Fault } from "../../src/emulator/faults.ts";

/** What can go wrong with one request without the saga failing: whatever happened, the next attempt finds out. */
export function survivableFaults(settleMs: number): Readonly<Record<string, Fault>> {
  return {
    "the connection breaks before the deed": { kind: "drop" },
    "the deed is done and the connection breaks": { kind: "do-then-drop" },
    "the deed is done and the answer is a 500": { kind: "do-then-500" },
    "the deed is not done and the answer is a 500": { kind: "fail-500" },
    "the deed is done and the answer is no JSON": { kind: "garbage", done: true },
    "the deed is done and the answer has another shape": { kind: "wrong-shape", done: true },
    "the deed is done and no answer comes": { kind: "hang", done: true },
    "a proxy answers 502": { kind: "html-502", done: false },
    "it is throttled": { kind: "throttle", retryAfterSeconds: 0 },
    "the deed is done late, within the settle delay": { kind: "drop-then-do", afterMs: settleMs / 2 },
  };
}

/** A text as a part of a tenant key. */
export function slug(text: string): string {
  return text.replaceAll(/[^a-z0-9]+/gi, "-");
}
