import { isDictionary } from "./memory-fields.ts";
import { scopeFields } from "./memory-rows.ts";

type Filters = Readonly<Record<string, unknown>>;

const operators: readonly string[] = ["AND", "OR", "NOT"];

/**
 * Filters in the one way of writing that all ways with the same meaning share, as far as they differ in the order of
 * keys, or in being flat or below an AND. Null for what is no filter of an export: absent, no object, without any of
 * the four ids, or flat where that is refused (Mem0's OpenAPI file and its docs contradict each other there).
 */
export function canonicalFilters(
  filters: unknown,
  { mustBeStructured }: { readonly mustBeStructured: boolean },
): string | null {
  if (!isDictionary(filters) || !namesAnId(filters)) return null;
  if (mustBeStructured && !Object.keys(filters).every((key) => operators.includes(key))) return null;
  return JSON.stringify(conjunction(filters));
}

/** Do filters name one of the four ids, at any depth and in any way? */
export function namesAnId(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(namesAnId);
  if (!isDictionary(value)) return false;
  return (
    scopeFields.some((field) => Object.hasOwn(value, field)) || operators.some((key) => namesAnId(value[key]))
  );
}

/** Every condition that must hold, each by itself, in an order that does not depend on how they were written. */
function conjunction(filters: Filters): readonly unknown[] {
  const conditions = Object.entries(filters).flatMap(([key, value]): readonly unknown[] => {
    if (key === "AND" && Array.isArray(value) && value.every(isDictionary)) return value.flatMap(conjunction);
    return [{ [key]: sorted(value) }];
  });
  return conditions
    .map((condition) => JSON.stringify(condition))
    .toSorted()
    .map((text): unknown => JSON.parse(text));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isDictionary(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
