import { filterRefusal } from "./filter-refusal.ts";
import { isDictionary } from "./memory-fields.ts";
import { shownCategories } from "./memory-reads.ts";
import type { MemoryRow, ScopeField } from "./memory-rows.ts";
import { inPacific, microsecondsOf, parseMoment } from "./moment.ts";
import { defaultSwitches, type Switches } from "./switches.ts";

/** What one field of a filter asks; `isScoped` when it names an entity. */
export interface FieldTest {
  readonly test: (memory: MemoryRow) => boolean;
  readonly isScoped?: boolean;
}

/** Reads the operand of one field. @throws {Refusal} 400 for an operator or value that the field does not take. */
export type FieldRule = (key: string, operand: unknown, switches: Switches) => FieldTest;

/** The fields that a filter may name, in the order in which the real service lists them in its error (seen live). */
export const fieldRules = {
  user_id: entity("user_id"),
  agent_id: entity("agent_id"),
  app_id: entity("app_id"),
  run_id: entity("run_id"),
  created_at: moment((memory) => memory.created_ms),
  updated_at: moment((memory) => memory.updated_ms),
  // What `timestamp` names is not documented; on an add it sets `created_at`, so it is taken for the same (inferred, a switch).
  timestamp: moment((memory, { timestampFilter }) =>
    timestampFilter === "created_at" ? memory.created_ms : memory.updated_ms,
  ),
  expiration_date: moment(({ expiration_date: date }) => (date === null ? null : parseMoment(date))),
  text: substring,
  categories,
  metadata,
  keywords_search: substring,
  memory_ids: memoryIds,
  keywords,
} satisfies Readonly<Record<string, FieldRule>>;

type Operators = Readonly<Record<string, (operand: unknown) => (memory: MemoryRow) => boolean>>;

/** All operators of the object are ANDed. */
function operated(key: string, operand: Readonly<Record<string, unknown>>, operators: Operators): FieldTest {
  const tests = Object.entries(operand).map(([name, value]) => {
    const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
    if (operator === undefined) throw filterRefusal(`Unsupported operator '${name}' for '${key}'`);
    return operator(value);
  });
  if (tests.length === 0) throw filterRefusal(`'${key}' value must not be empty`);
  return { test: (memory) => tests.every((test) => test(memory)) };
}

function entity(field: ScopeField): FieldRule {
  const anyOf = (ids: readonly string[]) => (memory: MemoryRow) => {
    const id = memory[field];
    return id !== null && ids.includes(id);
  };
  const equal = (id: string) => (id === "*" ? (memory: MemoryRow) => memory[field] !== null : anyOf([id]));
  return (key, operand) => {
    const bare = asText(operand);
    if (bare !== null) return { test: equal(bare), isScoped: bare !== "*" };
    if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a string or a dictionary`);
    const { test } = operated(key, operand, {
      eq: (value) => equal(text(key, value)),
      // Null is different from every id (Mem0 docs).
      ne: (value) => {
        const id = text(key, value);
        return (memory) => memory[field] !== id;
      },
      in: (value) => anyOf(texts(key, value)),
    });
    const named = [operand["eq"], ...(Array.isArray(operand["in"]) ? operand["in"] : [])];
    return { test, isScoped: named.some((value) => value !== undefined && value !== "*") };
  };
}

function moment(read: (memory: MemoryRow, switches: Switches) => number | null): FieldRule {
  return (key, operand, switches) => {
    const compared = (holds: (left: number, right: number) => boolean) => (value: unknown) => {
      const right = microseconds(key, value, switches);
      return (memory: MemoryRow): boolean => {
        const left = read(memory, switches);
        return left !== null && holds(microsecondsOf(left), right);
      };
    };
    const isEqual = compared((left, right) => left === right);
    if (operand === "*") return { test: (memory) => read(memory, switches) !== null };
    if (!isDictionary(operand)) return { test: isEqual(operand) };
    return operated(key, operand, {
      gt: compared((left, right) => left > right),
      gte: compared((left, right) => left >= right),
      lt: compared((left, right) => left < right),
      lte: (value) => {
        const laterUs = switches.dateUpperBound === "day-end" && isDay(value) ? dayUs - 1 : 0;
        return compared((left, right) => left <= right + laterUs)(value);
      },
      ne: (value) => {
        const test = isEqual(value);
        return (memory) => !test(memory);
      },
      in: (value) => {
        const tests = list(key, value).map(isEqual);
        return (memory) => tests.some((test) => test(memory));
      },
    });
  };
}

const dayUs = 86_400_000_000;

function isDay(value: unknown): boolean {
  return typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value.trim());
}

/** `eq` and `ne` are told by one of Mem0's documents and denied by its filter docs: a switch. */
function categories(key: string, operand: unknown, switches: Switches): FieldTest {
  if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a dictionary`);
  const anyOf = (wanted: readonly string[]) => (memory: MemoryRow) =>
    (shownCategories(memory) ?? []).some((category) => wanted.includes(category));
  const equality: Operators = {
    eq: (value) => anyOf([text(key, value)]),
    ne: (value) => {
      const isFiled = anyOf([text(key, value)]);
      return (memory) => !isFiled(memory);
    },
  };
  return operated(key, operand, {
    ...(switches.categoriesEquality ? equality : {}),
    in: (value) => anyOf(texts(key, value)),
    contains: (value) => {
      const includes = partOf(text(key, value), "insensitive", switches);
      return (memory) => (shownCategories(memory) ?? []).some(includes);
    },
  });
}

/** Top-level keys only; several are ANDed (inferred). Also what a search's own `metadata` asks. */
export function metadata(key: string, operand: unknown, switches: Switches = defaultSwitches): FieldTest {
  if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a dictionary`);
  const tests = Object.entries(operand).map(([name, wanted]) => {
    const read = (memory: MemoryRow): unknown => {
      const kept = memory.metadata;
      return kept !== null && Object.hasOwn(kept, name) ? kept[name] : null;
    };
    const path = `${key}.${name}`;
    if (!isDictionary(wanted)) {
      const value = scalar(path, wanted);
      return (memory: MemoryRow) => read(memory) === value;
    }
    return operated(path, wanted, {
      eq: (given) => {
        const value = scalar(path, given);
        return (memory) => read(memory) === value;
      },
      ne: (given) => {
        const value = scalar(path, given);
        return (memory) => read(memory) !== value;
      },
      contains: (given) => {
        const value = scalar(path, given);
        return (memory) => contains(read(memory), value, switches);
      },
    }).test;
  });
  return { test: (memory) => tests.every((test) => test(memory)) };
}

function contains(kept: unknown, value: unknown, switches: Switches): boolean {
  if (Array.isArray(kept)) return kept.includes(value);
  if (typeof kept !== "string" || typeof value !== "string") return false;
  return partOf(value, "sensitive", switches)(kept);
}

/** Looks for a part of a text; whether capitals count is each field's own (docs contradict each other: a switch). */
function partOf(
  part: string,
  ownCase: "sensitive" | "insensitive",
  { containsCase }: Switches,
): (kept: string) => boolean {
  const isSensitive = (containsCase === "per-field" ? ownCase : containsCase) === "sensitive";
  const lower = part.toLowerCase();
  return (kept) => (isSensitive ? kept.includes(part) : kept.toLowerCase().includes(lower));
}

/** What the search's text fields do is not documented: a part of the text in any case (inferred, a switch). */
function substring(key: string, operand: unknown, switches: Switches): FieldTest {
  const includes = (value: unknown) => {
    const isIn = partOf(text(key, value), "insensitive", switches);
    return (memory: MemoryRow): boolean => isIn(memory.memory);
  };
  if (!isDictionary(operand)) return { test: includes(operand) };
  return operated(key, operand, { contains: includes, icontains: includes });
}

function keywords(key: string, operand: unknown, switches: Switches): FieldTest {
  if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a dictionary`);
  return operated(key, operand, {
    contains: (value) => {
      const isIn = partOf(text(key, value), "sensitive", switches);
      return (memory) => isIn(memory.memory);
    },
    icontains: (value) => {
      const part = text(key, value).toLowerCase();
      return (memory) => memory.memory.toLowerCase().includes(part);
    },
  });
}

function memoryIds(key: string, operand: unknown): FieldTest {
  const anyOf = (value: unknown) => {
    const ids = new Set(texts(key, value).map((id) => id.toLowerCase()));
    return (memory: MemoryRow): boolean => ids.has(memory.memory_id);
  };
  if (!isDictionary(operand)) return { test: anyOf(operand) };
  return operated(key, operand, { in: anyOf });
}

/** A date without a zone is UTC (Mem0's documents for agents; a switch). */
function microseconds(key: string, value: unknown, { naiveDates }: Switches): number {
  const epochMs = naiveDates === "pacific" ? inPacific(value) : parseMoment(value);
  if (epochMs === null) throw filterRefusal(`'${key}' value must be a date or a datetime`);
  return microsecondsOf(epochMs);
}

function asText(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function text(key: string, value: unknown): string {
  const read = asText(value);
  if (read === null) throw filterRefusal(`'${key}' value must be a string`);
  return read;
}

function list(key: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw filterRefusal(`'${key}' value must be a list`);
  return value;
}

function texts(key: string, value: unknown): readonly string[] {
  return list(key, value).map((item) => text(key, item));
}

function scalar(key: string, value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    throw filterRefusal(`'${key}' value must be a string, a number or a boolean`);
  }
  return value;
}
