import { filterRefusal } from "./filter-refusal.ts";
import { isDictionary } from "./memory-fields.ts";
import { shownCategories } from "./memory-reads.ts";
import type { MemoryRow, ScopeField } from "./memory-rows.ts";
import { microsecondsOf, parseMoment } from "./moment.ts";

/** What one field of a filter asks; `isScoped` when it names an entity. */
export interface FieldTest {
  readonly test: (memory: MemoryRow) => boolean;
  readonly isScoped?: boolean;
}

/** Reads the operand of one field. @throws {Refusal} 400 for an operator or value that the field does not take. */
export type FieldRule = (key: string, operand: unknown) => FieldTest;

/** The fields that a filter may name, in the order in which the real service lists them in its error (seen live). */
export const fieldRules = {
  user_id: entity("user_id"),
  agent_id: entity("agent_id"),
  app_id: entity("app_id"),
  run_id: entity("run_id"),
  created_at: moment((memory) => memory.created_ms),
  updated_at: moment((memory) => memory.updated_ms),
  // What `timestamp` names is not documented; on an add it sets `created_at`, so it is taken for the same (inferred).
  timestamp: moment((memory) => memory.created_ms),
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

function moment(read: (memory: MemoryRow) => number | null): FieldRule {
  const compared = (key: string, holds: (left: number, right: number) => boolean) => (value: unknown) => {
    const right = microseconds(key, value);
    return (memory: MemoryRow): boolean => {
      const left = read(memory);
      return left !== null && holds(microsecondsOf(left), right);
    };
  };
  const equal = (left: number, right: number): boolean => left === right;
  return (key, operand) => {
    if (operand === "*") return { test: (memory) => read(memory) !== null };
    if (!isDictionary(operand)) return { test: compared(key, equal)(operand) };
    return operated(key, operand, {
      gt: compared(key, (left, right) => left > right),
      gte: compared(key, (left, right) => left >= right),
      lt: compared(key, (left, right) => left < right),
      lte: compared(key, (left, right) => left <= right),
      ne: (value) => {
        const isEqual = compared(key, equal)(value);
        return (memory) => !isEqual(memory);
      },
      in: (value) => {
        const tests = list(key, value).map(compared(key, equal));
        return (memory) => tests.some((test) => test(memory));
      },
    });
  };
}

function categories(key: string, operand: unknown): FieldTest {
  if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a dictionary`);
  return operated(key, operand, {
    in: (value) => {
      const wanted = texts(key, value);
      return (memory) => (shownCategories(memory) ?? []).some((category) => wanted.includes(category));
    },
    contains: (value) => {
      const part = text(key, value).toLowerCase();
      return (memory) =>
        (shownCategories(memory) ?? []).some((category) => category.toLowerCase().includes(part));
    },
  });
}

/** Top-level keys only; several are ANDed (inferred). Also what a search's own `metadata` asks. */
export function metadata(key: string, operand: unknown): FieldTest {
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
        return (memory) => contains(read(memory), value);
      },
    }).test;
  });
  return { test: (memory) => tests.every((test) => test(memory)) };
}

function contains(kept: unknown, value: unknown): boolean {
  if (Array.isArray(kept)) return kept.includes(value);
  return typeof kept === "string" && typeof value === "string" && kept.includes(value);
}

/** What the search's text fields do is not documented: a part of the text in any case (inferred). */
function substring(key: string, operand: unknown): FieldTest {
  const includes = (value: unknown) => {
    const part = text(key, value).toLowerCase();
    return (memory: MemoryRow): boolean => memory.memory.toLowerCase().includes(part);
  };
  if (!isDictionary(operand)) return { test: includes(operand) };
  return operated(key, operand, { contains: includes, icontains: includes });
}

function keywords(key: string, operand: unknown): FieldTest {
  if (!isDictionary(operand)) throw filterRefusal(`'${key}' value must be a dictionary`);
  return operated(key, operand, {
    contains: (value) => {
      const part = text(key, value);
      return (memory) => memory.memory.includes(part);
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

function microseconds(key: string, value: unknown): number {
  const epochMs = parseMoment(value);
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
