import { z } from "zod";

/** The longest reason or evidence, in UTF-16 code units. */
const wordsMax = 2_000;

/** Words of an operator for the audit. What Postgres cannot store is refused: NUL, and halves of surrogate pairs. */
const words = z
  .string()
  .trim()
  .min(1, "Must not be empty.")
  .max(wordsMax, `Must have at most ${wordsMax} characters.`)
  .regex(/^[^\0\p{Cs}]*$/u, "Must not contain NUL or half a character.");

/** Why an operator does something: 1 to 2000 characters. */
export const reasonSchema = words;

/** What an operator goes by who says that a step is not needed: 1 to 2000 characters. */
export const evidenceSchema = words;

/** The reason of a retry that came without one, as callers before reasons were asked for still send it. */
export const noReasonGiven = "No reason was given.";

/** An id of Mem0's, as an operator copies it: 1 to 255 letters, digits, hyphens, underscores. */
export const upstreamIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,255}$/, "Must have 1 to 255 letters, digits, - or _.");

/** The name of a step of any saga. */
export const stepNameSchema = z.string().regex(/^[A-Za-z]{1,100}$/, "Must be the name of a step.");
