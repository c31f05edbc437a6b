import { Mem0Error, Mem0Limited, Mem0Refused, Mem0Unanswered } from "../mem0/errors.ts";
import { InvalidArgument } from "../mem0/invalid-argument.ts";
import {
  UpstreamQuotaSpent,
  UpstreamRefused,
  UpstreamThrottled,
  UpstreamUnavailable,
  UpstreamUnexpectedBody,
} from "../tenants/memory-refusals.ts";
import { InvalidInput, type Refusal } from "../tenants/refusals.ts";

/** What a field that calls Mem0 may answer instead of its result: the `errors.types` of every such field. */
export const mem0Failures = [
  InvalidInput,
  UpstreamRefused,
  UpstreamQuotaSpent,
  UpstreamThrottled,
  UpstreamUnexpectedBody,
  UpstreamUnavailable,
] as const;

/**
 * Makes calls of Mem0 for a field. What goes wrong with them is told as a refusal, with what the caller can do about it; any
 * other error is thrown on. `fieldOf` gives the caller's name of an argument of the client's; by default it is the same.
 * @throws {Refusal} one of `mem0Failures`
 */
export async function answeringMem0<T>(
  call: () => Promise<T>,
  fieldOf?: (argument: string) => string,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw mem0RefusalOf(error, fieldOf) ?? error;
  }
}

/**
 * The refusal that says what went wrong with a call of Mem0; null for an error that is not about such a call. `fieldOf` as
 * for `answeringMem0`.
 */
export function mem0RefusalOf(
  error: unknown,
  fieldOf: (argument: string) => string = (argument) => argument,
): Refusal | null {
  if (error instanceof InvalidArgument) {
    return new InvalidInput([{ field: fieldOf(error.argument), message: error.message }]);
  }
  if (!(error instanceof Mem0Error)) return null;
  const { message } = error;
  if (error instanceof Mem0Refused) {
    const { status, messages, fields } = error;
    const problems = Object.entries(fields).flatMap(([field, texts]) =>
      texts.map((text) => ({ field, message: text })),
    );
    return new UpstreamRefused(message, { status, messages, problems });
  }
  if (error instanceof Mem0Limited) {
    return error.retryable
      ? new UpstreamThrottled(message, error.retryAfterMs)
      : new UpstreamQuotaSpent(message, error.quotaResetAt);
  }
  const mayHaveHappened = error.mayHaveHappened;
  const isUnexpected = error instanceof Mem0Unanswered && error.reason === "unexpected-body";
  return isUnexpected
    ? new UpstreamUnexpectedBody(message, mayHaveHappened)
    : new UpstreamUnavailable(message, mayHaveHappened);
}
