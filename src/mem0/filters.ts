import { filledList } from "./arguments.ts";
import {
  type Clause,
  ConditionBudget,
  categoriesField,
  dateField,
  entityField,
  givenEntries,
  keywordsField,
  memoryIdsField,
  metadataField,
  type ReadField,
} from "./filter-clauses.ts";
import { InvalidArgument } from "./invalid-argument.ts";

/** What a user's, agent's, app's or run's name must be. All that is given must hold. */
export interface EntityCondition {
  readonly eq?: string;
  /** True also of memories that have none: guard it with `isPresent`. */
  readonly ne?: string;
  readonly in?: readonly string[];
  /** Whether the memory has any at all. */
  readonly isPresent?: boolean;
}

/** What a date must be: days `YYYY-MM-DD`, or ISO dates and times; without an offset they are UTC. All must hold. */
export interface DateCondition {
  readonly eq?: string;
  readonly ne?: string;
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  /** A day is its midnight: to have the whole of it, say `lt` the next one (inferred). */
  readonly lte?: string;
  readonly in?: readonly string[];
}

/** What the categories must be: any of `in`; `contains` looks for a part of a name, in any case. All must hold. */
export interface CategoryCondition {
  readonly in?: readonly string[];
  readonly contains?: string;
}

/** What the value of a key of the metadata must be. All that is given must hold. */
export interface MetadataCondition {
  readonly eq?: string | number | boolean;
  readonly ne?: string | number | boolean;
  readonly contains?: string;
}

/** What the memory's text must contain, minding case or not. Lists only. All that is given must hold. */
export interface KeywordCondition {
  readonly contains?: string;
  readonly icontains?: string;
}

/** Which memories are meant. All keys that are given must hold; names that are not mentioned are not constrained. */
export interface MemoryFilter {
  readonly and?: readonly MemoryFilter[];
  readonly or?: readonly MemoryFilter[];
  /** None of these may hold. */
  readonly not?: readonly MemoryFilter[];
  readonly userId?: EntityCondition;
  readonly agentId?: EntityCondition;
  readonly appId?: EntityCondition;
  readonly runId?: EntityCondition;
  readonly createdAt?: DateCondition;
  readonly updatedAt?: DateCondition;
  readonly timestamp?: DateCondition;
  readonly expirationDate?: DateCondition;
  readonly categories?: CategoryCondition;
  /** By key of the first level: Mem0 looks no deeper. */
  readonly metadata?: Readonly<Record<string, MetadataCondition>>;
  readonly keywords?: KeywordCondition;
  readonly memoryIds?: readonly string[];
}

/** The calls that take a filter; they do not take the same ones. */
export type FilterCall = "list" | "search" | "export";

/** How deep filters may stand in each other, the outermost counted. Mem0 documents no bound. */
const depthMax = 20;

const entityFields = ["user_id", "agent_id", "app_id", "run_id"];

const fields: ReadonlyMap<string, ReadField> = new Map([
  ["userId", entityField("user_id")],
  ["agentId", entityField("agent_id")],
  ["appId", entityField("app_id")],
  ["runId", entityField("run_id")],
  ["createdAt", dateField("created_at")],
  ["updatedAt", dateField("updated_at")],
  ["timestamp", dateField("timestamp")],
  ["expirationDate", dateField("expiration_date")],
  ["categories", categoriesField],
  ["metadata", metadataField],
  ["keywords", keywordsField],
  ["memoryIds", memoryIdsField],
]);

/**
 * The filter in Mem0's language (Mem0 docs on filters; live observations of others). One object never holds two keys, so
 * that what Mem0 reads is what the caller wrote: `and` beside `or`, of which Mem0 would drop the `or` without a word,
 * becomes an AND of both, and so does everything else that stands side by side. NOT is always a list, of one.
 *
 * @throws {InvalidArgument} with the path from `filters` on: for a key or operator that there is not, an empty object,
 * list or text, a date that is none, keywords anywhere but in a list of memories (elsewhere Mem0 answers 500), filters
 * more than 20 deep, more than 1000 conditions, and when no memory's user, agent, app or run is named: somewhere that
 * binds, so neither `ne`, `isPresent` nor anything below `not` counts, while one branch of an `or` is enough.
 */
export function filterOnWire(filter: MemoryFilter, call: FilterCall): Clause {
  const clauses = clausesOf("filters", filter, 1, { call, budget: new ConditionBudget() });
  if (!clauses.some(namesSomebody)) {
    throw new InvalidArgument(
      "filters",
      "At least one of userId, agentId, appId and runId must be given with eq or in, and not below not.",
    );
  }
  // An export takes nothing else (Mem0 OpenAPI).
  return call === "export" ? { AND: clauses } : joined(clauses);
}

interface Reading {
  readonly call: FilterCall;
  readonly budget: ConditionBudget;
}

/** What must hold for a filter to hold, as clauses of one key each. */
function clausesOf(path: string, filter: unknown, depth: number, reading: Reading): Clause[] {
  if (depth > depthMax) throw new InvalidArgument(path, `Filters may stand ${depthMax} deep, not deeper.`);
  return givenEntries(path, filter).flatMap(([key, value]) =>
    entryClauses(`${path}.${key}`, key, value, depth, reading),
  );
}

function entryClauses(path: string, key: string, value: unknown, depth: number, reading: Reading): Clause[] {
  const branches = () =>
    filledList(path, value).map((branch, index) => clausesOf(`${path}.${index}`, branch, depth + 1, reading));
  if (key === "and") return branches().flat();
  if (key === "or") return [{ OR: branches().map(joined) }];
  // What a NOT of several denies, all of them or each, nobody says; one at a time it is certain.
  if (key === "not") return branches().map((branch) => ({ NOT: [joined(branch)] }));
  const read = fields.get(key);
  if (read === undefined) throw new InvalidArgument(path, "There is no such filter.");
  if (key === "keywords" && reading.call !== "list") {
    throw new InvalidArgument(path, "Mem0 takes keywords only when memories are listed.");
  }
  return read(path, value, reading.budget);
}

/** Never called with an empty list: an empty filter is refused. */
function joined(clauses: readonly Clause[]): Clause {
  const [first, ...others] = clauses;
  return first !== undefined && others.length === 0 ? first : { AND: clauses };
}

/** Whether a clause binds memories to somebody by name, as Mem0 demands (Mem0 repository, commit 5b16412db). */
function namesSomebody(clause: Clause): boolean {
  return Object.entries(clause).some(([key, value]) => {
    if (key === "AND" || key === "OR") return Array.isArray(value) && value.some(namesSomebody);
    return entityFields.includes(key) && value !== "*" && !(isObject(value) && "ne" in value);
  });
}

function isObject(value: unknown): value is Clause {
  return typeof value === "object" && value !== null;
}
