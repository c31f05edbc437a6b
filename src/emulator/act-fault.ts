import { type Answer, html, json } from "./answer.ts";
import type { Fault } from "./faults.ts";
import { quotaSpent } from "./quota.ts";
import { throttled } from "./throttle.ts";

/** What a fault can do to an exchange. */
export interface Exchange {
  /** Does the deed and says what would have been answered. */
  perform(): Answer;
  /** Answers. */
  send(answer: Answer): void;
  /** Destroys the connection without an answer. */
  drop(): void;
  /** Runs this some milliseconds from now, unless the emulator is closed before. */
  later(afterMs: number, then: () => void): void;
}

/** Lets the exchange go wrong in the way of the fault. */
export function actFault(fault: Fault, exchange: Exchange): void {
  const { perform, send, drop, later } = exchange;
  switch (fault.kind) {
    case "refuse":
      if (fault.done === true) perform();
      send(refusalOf(fault.status, fault.body));
      break;
    case "do-then-drop":
      perform();
      drop();
      break;
    case "drop-then-do":
      drop();
      later(fault.afterMs, perform);
      break;
    case "drop":
      drop();
      break;
    case "do-then-500":
      perform();
      send(html(500, "Server Error (500)"));
      break;
    case "fail-500":
      send(html(500, "Server Error (500)"));
      break;
    case "throttle":
      send(throttled(fault.retryAfterSeconds));
      break;
    case "quota":
      send(quotaOfFreePlan(fault.resetAt, fault.eventType));
      break;
    case "slow":
      slow(fault.ms, fault.when, exchange);
      break;
    case "garbage":
      if (fault.done) perform();
      send({ ...json(200, null), text: '{"message": "cut off in the midd' });
      break;
    case "html-502":
      if (fault.done) perform();
      send(html(502, "502 Bad Gateway"));
      break;
    case "hang":
      if (fault.done) perform();
      break;
    case "wrong-shape":
      send(wrongShape(fault.done ? perform().status : 200));
      break;
  }
}

function slow(afterMs: number, when: "before" | "after", { perform, send, later }: Exchange): void {
  if (when === "before") {
    later(afterMs, () => send(perform()));
    return;
  }
  const answer = perform();
  later(afterMs, () => send(answer));
}

/** JSON that no operation answers, under the status of the deed if that was a success. */
function wrongShape(status: number): Answer {
  return json(status < 300 ? status : 200, { data: [{ attributes: null }], ok: "yes" });
}

function refusalOf(status: number, body: unknown): Answer {
  if (body === undefined) return json(status, { detail: "Refused by a fault of the emulator." });
  if (typeof body === "string") return { ...html(status, ""), text: body };
  return json(status, body);
}

/** A quota that the fault does not name is that of the free plan (live observations, 2026). */
function quotaOfFreePlan(resetAt: string, eventType: string): Answer {
  const quota = eventType === "ADD" ? 10_000 : 1_000;
  return quotaSpent({ eventType, limit: quota, used: quota, resetAt });
}
