import { type Answer, html, json } from "./answer.ts";
import type { Fault } from "./faults.ts";

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
      send(quotaSpent(fault.resetAt, fault.eventType));
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

/** Django REST Framework's text and header (inferred; the Python client reads `Retry-After`). */
function throttled(retryAfterSeconds: number): Answer {
  const unit = retryAfterSeconds === 1 ? "second" : "seconds";
  return json(
    429,
    { detail: `Request was throttled. Expected available in ${retryAfterSeconds} ${unit}.` },
    { "retry-after": String(retryAfterSeconds) },
  );
}

/** The body as at least five accounts have seen it (live observation, 2026): no `Retry-After`, no other header. */
function quotaSpent(resetAt: string, eventType: string): Answer {
  const quota = eventType === "ADD" ? 10_000 : 1_000;
  return json(429, {
    error:
      "Usage quota exceeded for this billing period. Please upgrade your plan at https://app.mem0.ai/dashboard/billing.",
    event_type: eventType,
    quota_limit: quota,
    quota_used: quota,
    quota_reset: resetAt,
  });
}
