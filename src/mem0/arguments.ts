import { isCalendarDay, isDayOrDateTime } from "./calendar-dates.ts";
import { InvalidArgument } from "./invalid-argument.ts";

/*
 * Checks of what callers hand over, before anything is sent. Each answers the value as it goes over the wire, and
 * throws `InvalidArgument` with the name it was given. What is `undefined` was left out, and stays out of the JSON.
 */

/** The longest metadata of a memory, in characters of its JSON (Mem0 repository, commit 2248623a5). */
const metadataCharactersMax = 2000;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Unix seconds of the years 1 and 9999, the bounds of Mem0's dates (inferred: the service is Python). */
const timestampMin = -62_135_596_800;
const timestampMax = 253_402_300_799;

/** The id of a memory, event or export. @throws {InvalidArgument} when it is not a UUID, which Mem0 answers with 400 */
export function uuid(argument: string, value: unknown): string {
  if (typeof value === "string" && uuidPattern.test(value)) return value;
  throw new InvalidArgument(argument, "This id must be a UUID.");
}

/** A text with something in it. @throws {InvalidArgument} when it is blank, or holds the character NUL */
export function text(argument: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") {
    throw new InvalidArgument(argument, "This must be a text that is not blank.");
  }
  // Postgres, which Mem0 stores in, holds no NUL in its texts (inferred); upstream that would be a 500.
  if (value.includes("\0")) throw new InvalidArgument(argument, "This text must not hold the character NUL.");
  return value;
}

/** A text, when there is one. @throws {InvalidArgument} as `text` */
export function textIfGiven(argument: string, value: unknown): string | undefined {
  return value === undefined ? undefined : text(argument, value);
}

/**
 * The name of a user, agent, app or run.
 * @throws {InvalidArgument} when it is blank, or `*`, which Mem0 takes for all of them
 */
export function entityName(argument: string, value: unknown): string {
  if (value === "*") throw new InvalidArgument(argument, "`*` stands for all, and cannot be a name.");
  return text(argument, value);
}

/** Texts of which none is blank. @throws {InvalidArgument} when there is none at all, too */
export function textsIfGiven(argument: string, values: unknown): readonly string[] | undefined {
  return values === undefined
    ? undefined
    : filledList(argument, values).map((value, index) => text(`${argument}.${index}`, value));
}

/** A list that is not empty. @throws {InvalidArgument} */
export function filledList(argument: string, values: unknown): readonly unknown[] {
  if (Array.isArray(values) && values.length > 0) return values;
  throw new InvalidArgument(argument, "This must be a list that is not empty.");
}

/** An object as JSON has them, not a list. @throws {InvalidArgument} */
export function jsonObject(argument: string, value: unknown): Readonly<Record<string, unknown>> {
  if (isJsonObject(value)) return value;
  throw new InvalidArgument(argument, "This must be an object.");
}

function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object with at least one key. @throws {InvalidArgument} */
export function filledObject(argument: string, value: unknown): Readonly<Record<string, unknown>> {
  const object = jsonObject(argument, value);
  if (Object.keys(object).length > 0) return object;
  throw new InvalidArgument(argument, "This must be an object that is not empty.");
}

/**
 * A memory's metadata, when given. Measured in code points of the shortest JSON, so that nothing is refused which Mem0
 * would take: which way of writing it measures is not known, and a longer one it refuses itself.
 *
 * @throws {InvalidArgument} when it is not an object, not JSON, or longer than `metadataCharactersMax`
 */
export function metadataIfGiven(
  argument: string,
  value: unknown,
): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined;
  const metadata = jsonObject(argument, value);
  const length = Array.from(serialized(argument, metadata)).length;
  if (length <= metadataCharactersMax) return metadata;
  throw new InvalidArgument(
    argument,
    `The metadata has ${length} characters as JSON; at most ${metadataCharactersMax} are allowed.`,
  );
}

function serialized(argument: string, value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // A cycle or a bigint. The error of `JSON.stringify` names keys of the caller's, so it is not kept.
    throw new InvalidArgument(argument, "This cannot be written as JSON.");
  }
}

/** A day, when given. @throws {InvalidArgument} when it is not `YYYY-MM-DD`, or not in the calendar */
export function dayIfGiven(argument: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && isCalendarDay(value)) return value;
  throw new InvalidArgument(argument, "This must be a day of the calendar, as YYYY-MM-DD.");
}

/** Whole Unix seconds, when given. @throws {InvalidArgument} also for milliseconds, which would be after the year 9999 */
export function unixSecondsIfGiven(argument: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  return wholeBetween(argument, value, timestampMin, timestampMax);
}

/** A moment, when given: Unix seconds, parts of them too, or an ISO day or date and time. @throws {InvalidArgument} */
export function momentIfGiven(argument: string, value: unknown): number | string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= timestampMin && value <= timestampMax) return value;
  if (typeof value === "string" && isDayOrDateTime(value)) return value;
  throw new InvalidArgument(argument, "This must be Unix seconds, or a day or date and time as in ISO 8601.");
}

/** A whole number within bounds. @throws {InvalidArgument} */
export function wholeBetween(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgument(argument, `This must be a whole number from ${min} to ${max}.`);
}

/** A number within bounds, which NaN is not. @throws {InvalidArgument} */
export function numberBetween(argument: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new InvalidArgument(argument, `This must be a number from ${min} to ${max}.`);
}
