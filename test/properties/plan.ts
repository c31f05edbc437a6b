import fc from "fast-check";
import type { FaultOrder } from "../../src/emulator/faults.ts";

/** A tenant to sign up: what is in its place, and whether it is off-boarded when it is ACTIVE. */
export interface PlannedTenant {
  readonly hasSettings: boolean;
  readonly hasMember: boolean;
  readonly hasWebhook: boolean;
  readonly leaves: boolean;
}

/** What happens to a process, or what somebody does, so many turns after what happened before. */
export interface PlannedEvent {
  readonly after: number;
  readonly what:
    | "a process dies"
    | "a process is taken over from"
    | "sweep"
    | "abort"
    | "off-board"
    | "retry";
  /** Which process, or which tenant. */
  readonly whom: number;
}

/** All that is drawn by lot, but for the order in which runs go on. */
export interface Plan {
  readonly tenants: readonly PlannedTenant[];
  readonly faults: readonly Pick<FaultOrder, "match" | "fault" | "skip">[];
  readonly events: readonly PlannedEvent[];
}

const organizations = "/api/v1/orgs/organizations";

/** The requests that change something, and the list that a look reads. */
const requests = [
  { method: "POST", path: `${organizations}/` },
  { method: "POST", path: `${organizations}/*/projects/` },
  { method: "POST", path: `${organizations}/*/members/` },
  { method: "PATCH", path: `${organizations}/*/projects/*/` },
  { method: "POST", path: "/api/v1/webhooks/projects/*/" },
  { method: "DELETE", path: `${organizations}/*/` },
  { method: "DELETE", path: `${organizations}/*/projects/*/` },
  { method: "DELETE", path: "/api/v1/webhooks/*/" },
  { method: "GET", path: `${organizations}/` },
  { method: "GET", path: `${organizations}/*/` },
] as const;

/** What Mem0 says where it just refuses. */
export const refusalWord = "Refused for no reason.";

/** What Mem0 or the net may do to one of them. */
const faults = [
  { kind: "drop" },
  { kind: "do-then-drop" },
  { kind: "do-then-500" },
  { kind: "fail-500" },
  { kind: "garbage", done: true },
  { kind: "wrong-shape", done: true },
  { kind: "html-502", done: false },
  { kind: "throttle", retryAfterSeconds: 0 },
  { kind: "refuse", status: 400, body: { message: refusalWord } },
  // Within the settle delay, and after it.
  { kind: "drop-then-do", afterMs: 10 },
  { kind: "drop-then-do", afterMs: 100 },
] as const satisfies readonly FaultOrder["fault"][];

/** Plans of up to three tenants at once. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  tenants: fc.array(
    fc.record({
      hasSettings: fc.boolean(),
      hasMember: fc.boolean(),
      hasWebhook: fc.boolean(),
      leaves: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  faults: fc.array(
    fc.record({
      match: fc.constantFrom(...requests),
      fault: fc.constantFrom(...faults),
      skip: fc.nat({ max: 2 }),
    }),
    { maxLength: 5 },
  ),
  events: fc.array(
    fc.record({
      after: fc.nat({ max: 25 }),
      what: fc.constantFrom(
        "a process dies",
        "a process dies",
        "a process is taken over from",
        "a process is taken over from",
        "sweep",
        "abort",
        "off-board",
        "retry",
      ),
      whom: fc.nat({ max: 5 }),
    }),
    { maxLength: 8 },
  ),
});
