import { entityName, filledList, filledObject, text, uuid } from "./arguments.ts";
import { isDayOrDateTime } from "./calendar-dates.ts";
import { InvalidArgument } from "./invalid-argument.ts";

/** A filter, or a part of one, as Mem0 writes it. */
export type Clause = Readonly<Record<string, unknown>>;

/** Makes the clauses of one field of a filter, which must all hold. `path` leads to it from the call's arguments. */
export type ReadField = (path: string, condition: unknown, budget: ConditionBudget) => Clause[];

/** How many values one filter may compare, each element of a list counted. */
const conditionsMax = 1000;

/** Counts the conditions of one filter while it is read, so that a huge one is not read to its end. */
export class ConditionBudget {
  #left = conditionsMax;

  /** @throws {InvalidArgument} when it was one too many */
  spend(path: string): void {
    this.#left -= 1;
    if (this.#left < 0) throw new InvalidArgument(path, `A filter has at most ${conditionsMax} conditions.`);
  }
}

type ReadOperand = (path: string, operand: unknown, budget: ConditionBudget) => Clause[];

/**
 * Reads a condition by a table of its operators. Each gives clauses of its own: that all of them hold is certain then,
 * whatever Mem0 makes of several operators in one object.
 */
function readOperators(operators: ReadonlyMap<string, ReadOperand>): ReadField {
  return (path, condition, budget) =>
    givenEntries(path, condition).flatMap(([name, operand]) => {
      const read = operators.get(name);
      if (read === undefined) throw new InvalidArgument(`${path}.${name}`, "There is no such operator here.");
      return read(`${path}.${name}`, operand, budget);
    });
}

/**
 * What is given in an object of the caller's: the keys whose value is not `undefined`.
 * @throws {InvalidArgument} when there is none
 */
export function givenEntries(path: string, value: unknown): [string, unknown][] {
  const entries = Object.entries(filledObject(path, value)).filter(([, inner]) => inner !== undefined);
  if (entries.length > 0) return entries;
  throw new InvalidArgument(path, "This must be an object that is not empty.");
}

/** The name of a user, agent, app or run. `"*"` is "any at all", and no condition on a name may be taken for it. */
export function entityField(field: string): ReadField {
  return readOperators(
    new Map<string, ReadOperand>([
      ["eq", one(entityName, (name) => ({ [field]: name }))],
      ["ne", one(entityName, (name) => ({ [field]: { ne: name } }))],
      ["in", several(entityName, (names) => ({ [field]: { in: names } }))],
      ["isPresent", one(flag, (isPresent) => (isPresent ? { [field]: "*" } : { NOT: [{ [field]: "*" }] }))],
    ]),
  );
}

/** A date. Mem0 refuses an explicit `eq` here (Mem0 docs on filters), so it is written as the bare value. */
export function dateField(field: string): ReadField {
  const comparisons = ["ne", "gt", "gte", "lt", "lte"].map((name): [string, ReadOperand] => [
    name,
    one(moment, (date) => ({ [field]: { [name]: date } })),
  ]);
  return readOperators(
    new Map<string, ReadOperand>([
      ["eq", one(moment, (date) => ({ [field]: date }))],
      ...comparisons,
      ["in", several(moment, (dates) => ({ [field]: { in: dates } }))],
    ]),
  );
}

/** The categories. */
export const categoriesField: ReadField = readOperators(
  new Map<string, ReadOperand>([
    ["in", several(text, (names) => ({ categories: { in: names } }))],
    ["contains", one(text, (part) => ({ categories: { contains: part } }))],
  ]),
);

/** The memory's text. */
export const keywordsField: ReadField = readOperators(
  new Map<string, ReadOperand>([
    ["contains", one(text, (part) => ({ keywords: { contains: part } }))],
    ["icontains", one(text, (part) => ({ keywords: { icontains: part } }))],
  ]),
);

/** Keys of the metadata's first level. A condition below it has no operator of this table, and is refused. */
export const metadataField: ReadField = (path, condition, budget) =>
  givenEntries(path, condition).flatMap(([key, operators]) => {
    text(path, key);
    return metadataKey(key)(`${path}.${key}`, operators, budget);
  });

function metadataKey(key: string): ReadField {
  return readOperators(
    new Map<string, ReadOperand>([
      ["eq", one(scalar, (value) => ({ metadata: { [key]: value } }))],
      ["ne", one(scalar, (value) => ({ metadata: { [key]: { ne: value } } }))],
      ["contains", one(text, (part) => ({ metadata: { [key]: { contains: part } } }))],
    ]),
  );
}

/** Ids of memories, as a bare list. */
export const memoryIdsField: ReadField = several(uuid, (ids) => ({ memory_ids: ids }));

function one<Value>(
  check: (path: string, operand: unknown) => Value,
  clauseOf: (value: Value) => Clause,
): ReadOperand {
  return (path, operand, budget) => {
    budget.spend(path);
    return [clauseOf(check(path, operand))];
  };
}

function several<Value>(
  check: (path: string, operand: unknown) => Value,
  clauseOf: (values: readonly Value[]) => Clause,
): ReadOperand {
  return (path, operand, budget) => {
    const values = filledList(path, operand).map((value, index) => {
      budget.spend(path);
      return check(`${path}.${index}`, value);
    });
    return [clauseOf(values)];
  };
}

function flag(path: string, operand: unknown): boolean {
  if (typeof operand === "boolean") return operand;
  throw new InvalidArgument(path, "This must be true or false.");
}

function moment(path: string, operand: unknown): string {
  if (typeof operand === "string" && isDayOrDateTime(operand)) return operand;
  throw new InvalidArgument(path, "This must be a day, YYYY-MM-DD, or a date and time as in ISO 8601.");
}

function scalar(path: string, operand: unknown): string | number | boolean {
  if (typeof operand === "boolean" || (typeof operand === "number" && Number.isFinite(operand)))
    return operand;
  if (typeof operand === "string") return text(path, operand);
  throw new InvalidArgument(path, "This must be a text, a number, true or false.");
}
