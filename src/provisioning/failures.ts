import { Mem0Error } from "../mem0/errors.ts";
import type { StepError } from "../tenants/operation-steps.ts";

/** The step cannot be done, now or later, as it was asked for. A sign-up is undone; an off-boarding stops. */
export class StepRefused extends Error {
  override readonly name = "StepRefused";
}

/**
 * We cannot tell what is the case upstream, or may not act on it. Nothing is retried or undone: the operation
 * NEEDS_ATTENTION, and the message says to a person why.
 */
export class NeedsAttention extends Error {
  override readonly name = "NeedsAttention";
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
  return { code: "Fault", message: "Something went wrong inside Loci; the log says what.", retryable: false };
}
