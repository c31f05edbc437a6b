import { Mem0Error } from "../mem0/errors.ts";
import { isDatabaseOutage } from "../tenants/database-outage.ts";
import { type ListProofs, unprovedCodes } from "../tenants/installation.ts";
import type { StartedStep, StepError } from "../tenants/operation-steps.ts";

/** The step cannot be done, now or later, as it was asked for. A sign-up is undone; an off-boarding stops. */
export class StepRefused extends Error {
  override readonly name = "StepRefused";
}

/**
 * We cannot tell what is the case upstream, or may not act on it. Nothing is retried or undone: the operation
 * NEEDS_ATTENTION, and the message says to a person why.
 */
export class NeedsAttention extends Error {
  override readonly name: string = "NeedsAttention";
}

/**
 * A create was lost, and the list that does not show it was never seen to show what our key creates. A person may look; but
 * when the list is seen to, later and by another operation, this one goes on by itself.
 */
export class ListUnproved extends NeedsAttention {
  override readonly name;

  constructor(list: keyof ListProofs, message: string) {
    super(message);
    this.name = unprovedCodes[list];
  }
}

/** Too early to tell: the same step looks again at `until`. Does not count as a failed attempt. */
export class Unsettled extends Error {
  override readonly name = "Unsettled";
  readonly until: Date;

  constructor(until: Date, message: string) {
    super(message);
    this.until = until;
  }
}

/** What was asked for was accepted, but does not show yet. Worth another attempt. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

/** An error as it is written on a step. Messages of faults stay out: they are logged, with the operation's id. */
export function describeError(error: unknown): StepError {
  if (error instanceof Mem0Error) {
    return { code: error.name, message: error.message, retryable: error.retryable };
  }
  if (error instanceof StepRefused || error instanceof NeedsAttention) {
    return { code: error.name, message: error.message, retryable: false };
  }
  if (error instanceof Unsettled || error instanceof NotYet) {
    return { code: error.name, message: error.message, retryable: true };
  }
  if (isDatabaseOutage(error)) {
    return { code: "Fault", message: "Loci's own database was away, or too busy.", retryable: true };
  }
  return { code: "Fault", message: "Something went wrong inside Loci; the log says what.", retryable: false };
}

/** How long a step and its operation may be tried, in milliseconds. */
export interface TimeAllowed {
  readonly stepDeadlineMs: number;
  readonly operationDeadlineMs: number;
}

/**
 * A sentence about a step whose time is over, or its operation's: how long it was tried, how often, and the last error.
 * Time for which it was parked for a quota does not count.
 */
export function outOfTime(last: StepError, started: StartedStep, allowed: TimeAllowed): string {
  const now = Date.now();
  const { attempt, deadlineAt, operationDeadlineAt } = started;
  const attempts = attempt === 1 ? "1 attempt" : `${attempt} attempts`;
  if (operationDeadlineAt === null || deadlineAt.getTime() <= now) {
    const triedMs = now - deadlineAt.getTime() + allowed.stepDeadlineMs;
    return `Given up after ${inWords(triedMs)} and ${attempts}. The last error: ${last.message}`;
  }
  const triedMs = now - operationDeadlineAt.getTime() + allowed.operationDeadlineMs;
  return `Given up after ${attempts}, since the whole operation was tried for ${inWords(triedMs)}. The last error: ${last.message}`;
}

/** A duration for people, rounded: "40 s", "15 min", "2 h". */
function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
