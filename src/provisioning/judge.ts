import { Mem0Error, Mem0Limited, Mem0Unanswered } from "../mem0/errors.ts";
import { isDatabaseOutage } from "../tenants/database-outage.ts";
import { NeedsAttention, NotYet, Unsettled } from "./failures.ts";
import type { Timings } from "./provisioning.ts";

/**
 * Why an operation is parked. "quota": until Mem0 renews it, which does not use up deadlines. "unavailable": Mem0, or
 * what it does, could not be had in as many attempts as a run makes; each such park in a row is longer. "told": until
 * a time that Mem0 or the settle delay sets.
 */
export type ParkReason = "quota" | "unavailable" | "told";

/** What to do about a failed attempt at a step. */
export type Verdict =
  | { readonly is: "wait"; readonly until: Date; readonly counts: boolean }
  | { readonly is: "park"; readonly until: Date; readonly because: ParkReason }
  | { readonly is: "attention" }
  | { readonly is: "failed"; readonly isOutOfTime: boolean };

/** How things stand when an attempt has failed. */
export interface Standing {
  /** The attempts of this run that failed and count, this one included. */
  readonly failures: number;
  /** How often in a row the operation was parked for want of Mem0. */
  readonly parks: number;
  /** When a failure begins to be for good: the earlier of the step's and the operation's deadline. */
  readonly deadlineAt: Date;
  readonly now: Date;
}

/** The pause where a spent quota should have been renewed already, or does not say when it will be. */
const quotaPauseMs = 60_000;

/** The longest park for a quota, a little more than a year: what is beyond it is taken for nonsense. */
const quotaMaxMs = 400 * 86_400_000;

/** A random wait up to base · 2^(failures−1), bounded: full jitter, so that many sagas do not come back at once. */
export function backoffMs(failures: number, timings: Timings): number {
  return Math.random() * Math.min(timings.retryMaxMs, timings.retryBaseMs * 2 ** (failures - 1));
}

/** The same for a park, base · 2^parks. */
function spacingMs(parks: number, timings: Timings): number {
  return Math.random() * Math.min(timings.parkMaxMs, timings.parkBaseMs * 2 ** parks);
}

/**
 * Judges the error of an attempt. The saga alone retries; what a repeat must look at first is the step's own matter.
 * What is worth repeating is repeated in this run, then parked and repeated in the next, until the deadline is over.
 */
export function judge(error: unknown, standing: Standing, timings: Timings): Verdict {
  const { failures, deadlineAt, now } = standing;
  const inMs = (ms: number) => new Date(now.getTime() + ms);
  if (error instanceof NeedsAttention) return { is: "attention" };
  // Bounded by itself: the settle delay counts from the moment at which the answer was lost.
  if (error instanceof Unsettled && error.until > now) {
    return isSoon(error.until, standing, timings)
      ? { is: "wait", until: error.until, counts: false }
      : { is: "park", until: error.until, because: "told" };
  }
  const isQuotaSpent = error instanceof Mem0Limited && !error.retryable;
  if (isQuotaSpent && error.quotaResetAt !== null && error.quotaResetAt > now) {
    const until = Math.min(error.quotaResetAt.getTime(), now.getTime() + quotaMaxMs);
    return { is: "park", until: new Date(until), because: "quota" };
  }
  if (!isQuotaSpent && !isWorthRepeating(error)) return { is: "failed", isOutOfTime: false };
  if (deadlineAt <= now) return { is: "failed", isOutOfTime: true };
  if (isQuotaSpent) return { is: "park", until: inMs(quotaPauseMs), because: "told" };
  if (error instanceof Mem0Unanswered && error.retryAfterMs !== null) {
    // All who wait for the same probe are spread over as long again as they wait.
    const until = inMs(error.retryAfterMs * (1 + Math.random()));
    if (isSoon(until, standing, timings)) return { is: "wait", until, counts: false };
    return parkFrom(until, standing, timings);
  }
  if (error instanceof Mem0Limited && error.retryAfterMs !== null) {
    const until = inMs(error.retryAfterMs + backoffMs(failures, timings));
    if (!isSoon(until, standing, timings)) return { is: "park", until, because: "told" };
    if (failures < timings.attemptsMax) return { is: "wait", until, counts: true };
    return parkFrom(until, standing, timings);
  }
  if (failures < timings.attemptsMax) {
    return { is: "wait", until: inMs(backoffMs(failures, timings)), counts: true };
  }
  return parkFrom(now, standing, timings);
}

function isWorthRepeating(error: unknown): boolean {
  // Nobody but this process itself breaks its calls off; so another attempt may be made.
  if (error instanceof Mem0Unanswered) return true;
  if (error instanceof Mem0Error) return error.retryable;
  return error instanceof Unsettled || error instanceof NotYet || isDatabaseOutage(error);
}

/** Whether a run may wait that long in one go. */
function isSoon(until: Date, { now }: Standing, timings: Timings): boolean {
  return until.getTime() - now.getTime() <= timings.waitMaxMs;
}

/** A park of the growing kind, not before `earliest`. The last one ends at the deadline, for one last attempt. */
function parkFrom(earliest: Date, { parks, deadlineAt, now }: Standing, timings: Timings): Verdict {
  const spacedMs = Math.min(now.getTime() + spacingMs(parks, timings), deadlineAt.getTime());
  return {
    is: "park",
    until: new Date(Math.max(spacedMs, earliest.getTime())),
    because: "unavailable",
  };
}
