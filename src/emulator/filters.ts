import { html } from "./answer.ts";
import { pythonType } from "./body-fields.ts";
import { type FieldRule, fieldRules } from "./filter-fields.ts";
import { filterRefusal } from "./filter-refusal.ts";
import { isDictionary } from "./memory-fields.ts";
import { type MemoryRow, scopeFields } from "./memory-rows.ts";
import { Refusal, refusalError } from "./refusal.ts";
import type { Switches } from "./switches.ts";

/** Does this memory pass? */
export type MemoryTest = (memory: MemoryRow) => boolean;

/** Lists and exports read one language, searches another: `text` and `keywords_search` are theirs alone. */
export type FilterUse = "list" | "search";

const searchOnly = ["text", "keywords_search"];

interface Parsed {
  readonly test: MemoryTest;
  /** Whether it names, outside any NOT, an entity that is not a wildcard. */
  readonly isScoped: boolean;
}

interface Language {
  readonly use: FilterUse;
  readonly switches: Switches;
  /** Versions 1 and 2 are content with an id that is a wildcard or excluded; version 3 wants a real one. */
  readonly isOld?: boolean;
}

/**
 * Reads `filters` of a list or search (Mem0 docs, v2-memory-filters, and maintainers' notes): siblings are ANDed, what is
 * not mentioned is not constrained.
 * @throws {Refusal} 400 when they are absent or empty, say what the language has not, or name no entity; 500 for `keywords` in a search, as
 *   the real service does (MEM-5746).
 */
export function parseFilters(filters: unknown, language: Language): MemoryTest {
  if (filters === undefined || filters === null || (isDictionary(filters) && isEmpty(filters))) {
    throw refusalError(
      400,
      "Filters are required and cannot be empty. Please refer to https://docs.mem0.ai/api-reference/memory/search-memories",
    );
  }
  const { test, isScoped } = parseFilter(filters, language);
  const { wildcardOnlyFilters, unmentionedIds } = language.switches;
  if (isScoped || language.isOld === true || wildcardOnlyFilters === "accept") {
    return unmentionedIds === "free" ? test : (memory) => test(memory) && hasNoOtherId(memory, filters);
  }
  throw filterRefusal(
    "filters must include at least one positively-scoped entity ID (user_id, agent_id, app_id, or run_id).",
  );
}

/** Old docs have it that ids which filters do not mention must be null (maintainers' notes: they need not; a switch). */
function hasNoOtherId(memory: MemoryRow, filters: unknown): boolean {
  return scopeFields.every((field) => memory[field] === null || isMentioned(field, filters));
}

function isMentioned(field: string, filters: unknown): boolean {
  if (Array.isArray(filters)) return filters.some((inner) => isMentioned(field, inner));
  if (!isDictionary(filters)) return false;
  return (
    Object.hasOwn(filters, field) || ["AND", "OR", "NOT"].some((key) => isMentioned(field, filters[key]))
  );
}

function parseFilter(filter: unknown, language: Language): Parsed {
  if (!isDictionary(filter)) {
    throw filterRefusal(`Expected a dictionary of items but got type "${pythonType(filter)}".`);
  }
  const parsed = Object.entries(filter).map(([key, operand]) => ({
    key,
    ...parseEntry(key, operand, language),
  }));
  const isDropped = language.switches.andDropsOr && Object.hasOwn(filter, "AND");
  const heeded = parsed.filter(({ key }) => key !== "OR" || !isDropped);
  return {
    test: (memory) => heeded.every(({ test }) => test(memory)),
    isScoped: heeded.some(({ isScoped }) => isScoped),
  };
}

function parseEntry(key: string, operand: unknown, language: Language): Parsed {
  if (key === "AND" || key === "OR" || key === "NOT") return parseLogic(key, operand, language);
  const rule = ruleOf(key, language.use);
  if (rule === undefined) {
    const allowed = ["AND", "OR", "NOT", ...Object.keys(fieldRules)].filter(
      (name) => language.use === "search" || !searchOnly.includes(name),
    );
    const names = allowed.map((name) => `'${name}'`).join(", ");
    throw filterRefusal(`Top-level key must be a logical operator or an allowed field: [${names}].`);
  }
  if (key === "keywords" && language.use === "search") throw new Refusal(html(500, "Server Error (500)"));
  return { isScoped: false, ...rule(key, operand, language.switches) };
}

function ruleOf(key: string, use: FilterUse): FieldRule | undefined {
  const rules: Readonly<Record<string, FieldRule>> = fieldRules;
  if (!Object.hasOwn(rules, key) || (use === "list" && searchOnly.includes(key))) return undefined;
  return rules[key];
}

/** An empty list constrains nothing; NOT excludes what passes any of its filters (both inferred, and switches). */
function parseLogic(key: "AND" | "OR" | "NOT", operand: unknown, language: Language): Parsed {
  const isObjectTaken = key === "NOT" && language.switches.notObjectAccepted && isDictionary(operand);
  const operands: unknown = isObjectTaken ? [operand] : operand;
  if (!Array.isArray(operands)) throw filterRefusal(`'${key}' value must be a list`);
  const parsed = operands.map((inner: unknown) => parseFilter(inner, language));
  const { notExcludes, emptyLogic } = language.switches;
  if (key === "NOT") {
    const isExcluded = (memory: MemoryRow): boolean =>
      notExcludes === "any" || parsed.length === 0
        ? parsed.some(({ test }) => test(memory))
        : parsed.every(({ test }) => test(memory));
    return { test: (memory) => !isExcluded(memory), isScoped: false };
  }
  if (parsed.length === 0 && emptyLogic !== "everything") {
    if (emptyLogic === "refuse") throw filterRefusal(`'${key}' value must not be empty`);
    return { test: () => false, isScoped: false };
  }
  const isScoped = parsed.some((inner) => inner.isScoped);
  if (key === "AND" || parsed.length === 0) {
    return { test: (memory) => parsed.every(({ test }) => test(memory)), isScoped };
  }
  return { test: (memory) => parsed.some(({ test }) => test(memory)), isScoped };
}

function isEmpty(dictionary: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(dictionary).length === 0;
}
