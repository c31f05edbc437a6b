import { z } from "zod";

/*
 * The forms of field that several of Mem0's resources have on the wire. They are tolerant where Mem0's own sources
 * disagree (a field may be absent instead of null) and strict about what a caller relies on.
 */

/** A text that may be null or absent. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? null);

/** A yes or no that may be null or absent. */
export const optionalFlag = z
  .boolean()
  .nullish()
  .transform((flag) => flag ?? null);

/**
 * An opaque id, never empty. Numbers become text: Mem0's Python client types webhook ids as int, its documents as
 * string. Only whole numbers that JavaScript holds exactly are taken.
 */
export const upstreamId = z.union([z.string().min(1), z.int().transform(String)]);

/**
 * Reads a date of Mem0's: ISO 8601, with `Z` or any offset (live observation: US Pacific), microseconds cut to
 * milliseconds; without an offset it is taken as UTC (Mem0 docs on filters). Null when it is not a date and time.
 */
export function parseUpstreamDate(text: string): Date | null {
  const match = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i.exec(text);
  if (match === null) return null;
  const date = new Date(match[1] === undefined ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** A date and time that must be there. */
export const requiredDate = z.string().transform((text, context) => {
  const date = parseUpstreamDate(text);
  if (date !== null) return date;
  context.addIssue({ code: "custom", message: "Invalid date and time" });
  return z.NEVER;
});

/** A date and time that may be null or absent. */
export const optionalDate = requiredDate.nullish().transform((date) => date ?? null);

/**
 * A bare array, not paged: as Mem0 lists organizations, projects and webhooks. Unclaimed accounts get `mem0_notice`
 * in the first element (Mem0 CLI source), where it is ignored like any other unknown field; an element that is
 * nothing but the notice is dropped, for it may be all that an empty list holds (inferred).
 */
export function wireList<Item>(item: z.ZodType<Item>): z.ZodType<Item[]> {
  return z.preprocess(
    (value) => (Array.isArray(value) ? value.filter((element) => !isBareNotice(element)) : value),
    z.array(item),
  );
}

function isBareNotice(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && "mem0_notice" in value && Object.keys(value).length === 1
  );
}

/**
 * The answer of a call that returns nothing: any JSON object, whose `message` has been seen in several wordings and
 * means no more than the status. An empty body counts as `{}` (Mem0 CLI source; older documents promise 204).
 */
export const acknowledgement: z.ZodType<void> = z.object({}).transform(() => undefined);
