import { type BodyFields, pythonType } from "./body-fields.ts";
import type { Metadata } from "./memory-rows.ts";
import type { Switches } from "./switches.ts";

/** Longest metadata, serialised (a commit in Mem0's repository, seen live). */
const metadataCharactersMax = 2000;

/** A whole number within bounds; a fault is noted by field. */
export function wholeNumberField(
  fields: BodyFields,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | null {
  const value = fields.raw(name);
  if (value === undefined || value === null) return null;
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) {
    return faulty(fields, name, "A valid integer is required.");
  }
  return withinBounds(fields, name, number, min, max);
}

/** A number within bounds; a fault is noted by field. */
export function numberField(
  fields: BodyFields,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | null {
  const value = fields.raw(name);
  if (value === undefined || value === null) return null;
  if (typeof value !== "number") return faulty(fields, name, "A valid number is required.");
  return withinBounds(fields, name, value, min, max);
}

function withinBounds(
  fields: BodyFields,
  name: string,
  value: number,
  min: number,
  max: number,
): number | null {
  if (value < min) return faulty(fields, name, `Ensure this value is greater than or equal to ${min}.`);
  if (value > max) return faulty(fields, name, `Ensure this value is less than or equal to ${max}.`);
  return value;
}

/** A list of texts; null when it is absent. A fault is noted by field. */
export function textsField(fields: BodyFields, name: string): readonly string[] | null {
  const value = fields.raw(name);
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) {
    return faulty(fields, name, `Expected a list of items but got type "${pythonType(value)}".`);
  }
  const texts: string[] = [];
  for (const item of value) {
    if (typeof item !== "string") return faulty(fields, name, "Not a valid string.");
    texts.push(item);
  }
  return texts;
}

/** A flag that is false when it is absent or null. */
export function flagField(fields: BodyFields, name: string): boolean {
  return fields.raw(name) === null ? false : (fields.flag(name) ?? false);
}

/** A day that exists, `YYYY-MM-DD`; null when it is absent or null. A fault is noted by field. */
export function dayField(fields: BodyFields, name: string): string | null {
  const value = fields.raw(name);
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && isDay(value)) return value;
  return faulty(fields, name, "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.");
}

/** The last day on which a memory shows, or null; what is no day is a fault, or (a switch) kept as it is and never due. */
export function expirationField(fields: BodyFields, switches: Switches): string | null {
  const value = fields.raw("expiration_date");
  const isKept = switches.malformedExpirationDate === "keep" && typeof value === "string";
  return isKept ? value : dayField(fields, "expiration_date");
}

/** Metadata, or null; a fault is noted by field. How its length counts is a switch. */
export function metadataField(fields: BodyFields, switches: Switches): Metadata | null {
  const value = fields.raw("metadata");
  if (value === undefined || value === null) return null;
  if (!isDictionary(value)) {
    return faulty(fields, "metadata", `Expected a dictionary of items but got type "${pythonType(value)}".`);
  }
  const length =
    switches.metadataSize === "compact" ? [...JSON.stringify(value)].length : pythonDump(value).length;
  if (length <= metadataCharactersMax) return value;
  const reason = `Metadata size (${length} chars) exceeds the limit of ${metadataCharactersMax} chars.`;
  return faulty(fields, "metadata", reason);
}

/** Is it a JSON object: neither null nor a list? */
export function isDictionary(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Is it `YYYY-MM-DD`, and a day of the calendar? */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const dayMs = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(dayMs) && new Date(dayMs).toISOString().startsWith(text);
}

/** What Python's `json.dumps` writes: a space after colon and comma, and escapes for all that is not ASCII. */
function pythonDump(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonDump).join(", ")}]`;
  if (isDictionary(value)) {
    const entries = Object.entries(value).map(([key, item]) => `${pythonDump(key)}: ${pythonDump(item)}`);
    return `{${entries.join(", ")}}`;
  }
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function faulty(fields: BodyFields, name: string, reason: string): null {
  return fields.fault(name, reason);
}
