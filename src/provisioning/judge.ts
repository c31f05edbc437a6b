import { Mem0Error, Mem0Limited } from "../mem0/errors.ts";
import { isDatabaseOutage } from "../tenants/database-outage.ts";
import { NeedsAttention, NotYet, Unsettled } from "./failures.ts";
import type { Timings } from "./provisioning.ts";

/** What to do about a failed attempt at a step. */
export type Verdict =
  | { readonly is: "wait"; readonly ms: number; readonly counts: boolean }
  | { readonly is: "park"; readonly until: Date }
  | { readonly is: "attention" }
  | { readonly is: "failed" };

/** A random wait up to base · 2^(failures−1), bounded: full jitter, so that many sagas do not come back at once. */
function backoffMs(failures: number, timings: Timings): number {
  return Math.random() * Math.min(timings.retryMaxMs, timings.retryBaseMs * 2 ** (failures - 1));
}

/**
 * Judges the error of an attempt. `failures` is the number of attempts of this run that failed and count, this one
 * included. The saga alone retries; what a repeat must look at first is the step's own matter.
 */
export function judge(error: unknown, failures: number, timings: Timings, now: Date): Verdict {
  if (error instanceof NeedsAttention) return { is: "attention" };
  if (error instanceof Unsettled && error.until > now) return waitUntil(error.until, timings, now);
  if (error instanceof Mem0Limited && error.quotaResetAt !== null) {
    return {
      is: "park",
      until: error.quotaResetAt > now ? error.quotaResetAt : new Date(now.getTime() + 60_000),
    };
  }
  // What should have settled by now is looked at again, but not for ever.
  const isWorthRepeating =
    error instanceof Mem0Error
      ? error.retryable
      : error instanceof Unsettled || error instanceof NotYet || isDatabaseOutage(error);
  if (!isWorthRepeating || failures >= timings.attemptsMax) return { is: "failed" };
  if (error instanceof Mem0Limited && error.retryAfterMs !== null) {
    const until = new Date(now.getTime() + error.retryAfterMs + backoffMs(1, timings));
    return { ...waitUntil(until, timings, now), counts: true } as Verdict;
  }
  return { is: "wait", ms: backoffMs(failures, timings), counts: true };
}

function waitUntil(until: Date, timings: Timings, now: Date): Verdict {
  const ms = Math.max(0, until.getTime() - now.getTime());
  return ms <= timings.waitMaxMs ? { is: "wait", ms, counts: false } : { is: "park", until };
}
