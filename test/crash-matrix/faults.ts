import type { Fault } from "../../src/emulator/faults.ts";
import type { Switches } from "../../src/emulator/switches.ts";
import { defaultTimings, type Timings } from "../../src/provisioning/provisioning.ts";
import type { FaultName, WorldName } from "./cell.ts";

/** The waits of the matrix' workers: short, and each longer than what it has to outlast on a busy machine. */
export const matrixTimings: Timings = {
  ...defaultTimings,
  settleMs: 2_500,
  twinCheckMs: 0,
  // Chores for waiting members are started by the matrix alone.
  memberRetryMs: 3_600_000,
  retryBaseMs: 20,
  retryMaxMs: 200,
  parkBaseMs: 100,
  parkMaxMs: 500,
  sweepMs: 150,
};

/**
 * How long a call may take, and so how long a time-out takes. Long enough for a busy machine: a call that is only slow
 * and is taken for lost makes more calls, and those make it slower.
 */
export const callTimeoutMs = 5_000;

/** Within the settle delay, also where lists show it later still. */
const lateMs = 800;
const listLagMs = 500;
const slowMs = 400;
const quotaMs = 3_000;

/** The fault of this name, as the emulator takes it, armed now. @throws {Error} where there is none */
export function faultOf(name: FaultName | null): Fault {
  switch (name) {
    case "time-out":
      return { kind: "hang", done: true };
    case "reset":
      return { kind: "do-then-drop" };
    case "late-commit":
      return { kind: "drop-then-do", afterMs: lateMs };
    case "throttle":
      return { kind: "throttle", retryAfterSeconds: 1 };
    case "quota":
      return { kind: "quota", resetAt: new Date(Date.now() + quotaMs).toISOString(), eventType: "ADD" };
    case "500-but-done":
      return { kind: "do-then-500" };
    case "500-not-done":
      return failsOnce;
    case "slow":
      return { kind: "slow", ms: slowMs, when: "after" };
    case "garbage":
      return { kind: "garbage", done: true };
    case null:
      throw new Error("A step that asks Mem0 nothing has no fault.");
  }
}

/** What a call is answered by that fails once, and is not done. */
export const failsOnce: Fault = { kind: "fail-500" };

/** The switches of each world, over the defaults. */
export const worldSwitches: Readonly<Record<WorldName, Partial<Switches>>> = {
  plain: {},
  "list-lag": { listLagMs },
  "scoped-list": { listScopedToKey: true },
  "equal-names-refused": { equalNamesRefused: true },
};
