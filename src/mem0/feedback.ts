import { z } from "zod";
import { text, uuid } from "./arguments.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import { mem0Path } from "./path.ts";
import { type MemoryCallOptions, withOverride } from "./project-override.ts";
import type { Mem0 } from "./request.ts";
import { optionalText, upstreamId } from "./wire-fields.ts";

/** What one can think of a memory, in Mem0's words (Mem0 OpenAPI). */
export const feedbackKinds = ["POSITIVE", "NEGATIVE", "VERY_NEGATIVE"] as const;

/** One of `feedbackKinds`. */
export type FeedbackKind = (typeof feedbackKinds)[number];

/** What somebody thinks of a memory. Nulls take back what was said before (Mem0 docs). */
export interface FeedbackInput {
  readonly memoryId: string;
  readonly feedback: FeedbackKind | null;
  readonly reason: string | null;
}

/** What Mem0 now knows. */
export interface Feedback {
  readonly feedbackId: string;
  readonly feedback: FeedbackKind | null;
  readonly reason: string | null;
}

const feedbackAnswer: z.ZodType<Feedback> = z
  .object({
    id: upstreamId,
    feedback: z.enum(feedbackKinds).nullish(),
    feedback_reason: optionalText,
  })
  .transform((wire) => ({
    feedbackId: wire.id,
    feedback: wire.feedback ?? null,
    reason: wire.feedback_reason,
  }));

/**
 * Tells Mem0 what somebody thinks of a memory; a repeat says the same again. `POST /v1/feedback/`.
 *
 * @throws {InvalidArgument} when the id is not a UUID, the word is none of Mem0's, or the reason is blank.
 * @throws {Mem0Refused} 404 for a memory that the key does not reach (Mem0 CONTRACT notes).
 * @throws {Mem0Unanswered} 500 for the same, by Mem0's docs.
 * @throws {Mem0Limited}
 */
export async function giveFeedback(
  mem0: Mem0,
  input: FeedbackInput,
  options?: MemoryCallOptions,
): Promise<Feedback> {
  const { feedback, reason } = input;
  if (feedback !== null && !feedbackKinds.includes(feedback)) {
    throw new InvalidArgument("feedback", "The feedback must be POSITIVE, NEGATIVE, VERY_NEGATIVE or null.");
  }
  const wire = {
    memory_id: uuid("memoryId", input.memoryId),
    feedback,
    feedback_reason: reason === null ? null : text("reason", reason),
  };
  const body = withOverride(wire, options);
  return mem0.send({
    method: "POST",
    path: mem0Path("/v1/feedback/", {}),
    body,
    answer: feedbackAnswer,
    options,
  });
}
