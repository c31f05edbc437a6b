import type { MemoryFilter, MetadataCondition } from "../mem0/filters.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { given } from "./given.ts";
import { type IdScope, mem0IdOf } from "./memory-ids.ts";

const EntityConditionInput = builder.inputType("EntityConditionInput", {
  description: "What the name of a user, agent, app or run must be. All that is given must hold.",
  fields: (t) => ({
    eq: t.string(),
    ne: t.string({ description: "Holds for memories without any, too: add `isPresent: true` against that." }),
    in: t.stringList(),
    isPresent: t.boolean({ description: "Whether the memory has any at all." }),
  }),
});

const DateConditionInput = builder.inputType("DateConditionInput", {
  description:
    "What a date must be: a day `YYYY-MM-DD`, or an ISO 8601 date and time; in UTC where it has no offset. All that is " +
    "given must hold.",
  fields: (t) => ({
    eq: t.string(),
    ne: t.string(),
    gt: t.string(),
    gte: t.string(),
    lt: t.string(),
    lte: t.string({ description: "A day is its midnight: to have the whole of it, say `lt` the next one." }),
    in: t.stringList(),
  }),
});

const CategoryConditionInput = builder.inputType("CategoryConditionInput", {
  description: "What its categories must be. All that is given must hold.",
  fields: (t) => ({
    in: t.stringList({ description: "It has any of these." }),
    contains: t.string({ description: "A part of a category's name, in any case." }),
  }),
});

const MetadataConditionInput = builder.inputType("MetadataConditionInput", {
  description: "What the value of one key of its metadata must be. All that is given must hold.",
  fields: (t) => ({
    key: t.string({ required: true, description: "A key of the first level: Mem0 looks no deeper." }),
    eq: t.field({ type: "MetadataValue" }),
    ne: t.field({ type: "MetadataValue" }),
    contains: t.string(),
  }),
});

const KeywordConditionInput = builder.inputType("KeywordConditionInput", {
  description: "What its text must contain. For lists only: Mem0 fails over it in a search.",
  fields: (t) => ({
    contains: t.string({ description: "Minding upper and lower case." }),
    icontains: t.string({ description: "In any case." }),
  }),
});

/** A filter as GraphQL hands it over. */
export interface AskedFilter {
  and?: AskedFilter[] | null | undefined;
  or?: AskedFilter[] | null | undefined;
  not?: AskedFilter[] | null | undefined;
  userId?: typeof EntityConditionInput.$inferInput | null | undefined;
  agentId?: typeof EntityConditionInput.$inferInput | null | undefined;
  appId?: typeof EntityConditionInput.$inferInput | null | undefined;
  runId?: typeof EntityConditionInput.$inferInput | null | undefined;
  createdAt?: typeof DateConditionInput.$inferInput | null | undefined;
  updatedAt?: typeof DateConditionInput.$inferInput | null | undefined;
  timestamp?: typeof DateConditionInput.$inferInput | null | undefined;
  expirationDate?: typeof DateConditionInput.$inferInput | null | undefined;
  categories?: typeof CategoryConditionInput.$inferInput | null | undefined;
  metadata?: (typeof MetadataConditionInput.$inferInput)[] | null | undefined;
  keywords?: typeof KeywordConditionInput.$inferInput | null | undefined;
  memoryIds?: string[] | null | undefined;
}

/** Which memories are meant, in GraphQL. */
export const MemoryFilterInput = builder.inputRef<AskedFilter>("MemoryFilterInput").implement({
  description:
    "Which memories are meant. All that is given must hold; what is not mentioned is not constrained. At least one user, " +
    "agent, app or run must be named by `eq` or `in`, in one branch of an `or` at least: Mem0 shows nobody's memories " +
    "without.",
  fields: (t) => ({
    and: t.field({ type: [MemoryFilterInput] }),
    or: t.field({ type: [MemoryFilterInput] }),
    not: t.field({ type: [MemoryFilterInput], description: "None of these may hold." }),
    userId: t.field({ type: EntityConditionInput }),
    agentId: t.field({ type: EntityConditionInput }),
    appId: t.field({ type: EntityConditionInput }),
    runId: t.field({ type: EntityConditionInput }),
    createdAt: t.field({ type: DateConditionInput }),
    updatedAt: t.field({ type: DateConditionInput }),
    timestamp: t.field({ type: DateConditionInput }),
    expirationDate: t.field({ type: DateConditionInput }),
    categories: t.field({ type: CategoryConditionInput }),
    metadata: t.field({ type: [MetadataConditionInput] }),
    keywords: t.field({ type: KeywordConditionInput }),
    memoryIds: t.idList({ description: "Memories of this tenant; another tenant's are none." }),
  }),
});

/** Well-formed, and nobody's: what stands in a filter for an id that means nothing in the tenant. */
const noMemory = "00000000-0000-0000-0000-000000000000";

/**
 * A filter in the words of the client. `path` is where it stands.
 * @throws {InvalidInput} for a key of metadata that is there twice
 */
export function memoryFilterOf(scope: IdScope, asked: AskedFilter, path = "filter"): MemoryFilter {
  const { and, or, not, metadata, memoryIds, ...conditions } = given(asked);
  const branches = (name: string, filters: readonly AskedFilter[]) =>
    filters.map((filter, index) => memoryFilterOf(scope, filter, `${path}.${name}.${index}`));
  const {
    userId,
    agentId,
    appId,
    runId,
    createdAt,
    updatedAt,
    timestamp,
    expirationDate,
    categories,
    keywords,
  } = conditions;
  return {
    ...(and === undefined ? {} : { and: branches("and", and) }),
    ...(or === undefined ? {} : { or: branches("or", or) }),
    ...(not === undefined ? {} : { not: branches("not", not) }),
    ...(userId === undefined ? {} : { userId: given(userId) }),
    ...(agentId === undefined ? {} : { agentId: given(agentId) }),
    ...(appId === undefined ? {} : { appId: given(appId) }),
    ...(runId === undefined ? {} : { runId: given(runId) }),
    ...(createdAt === undefined ? {} : { createdAt: given(createdAt) }),
    ...(updatedAt === undefined ? {} : { updatedAt: given(updatedAt) }),
    ...(timestamp === undefined ? {} : { timestamp: given(timestamp) }),
    ...(expirationDate === undefined ? {} : { expirationDate: given(expirationDate) }),
    ...(categories === undefined ? {} : { categories: given(categories) }),
    ...(keywords === undefined ? {} : { keywords: given(keywords) }),
    ...(metadata === undefined ? {} : { metadata: metadataOf(metadata, `${path}.metadata`) }),
    ...(memoryIds === undefined
      ? {}
      : {
          memoryIds: memoryIds.map((id) => mem0IdOf(scope.sealer, "Memory", scope.tenantId, id) ?? noMemory),
        }),
  };
}

function metadataOf(
  asked: NonNullable<AskedFilter["metadata"]>,
  path: string,
): Readonly<Record<string, MetadataCondition>> {
  const conditions = new Map<string, MetadataCondition>();
  for (const [index, condition] of asked.entries()) {
    const { key, ...rest } = given(condition);
    if (conditions.has(key)) {
      throw new InvalidInput([{ field: `${path}.${index}.key`, message: "This key is there already." }]);
    }
    conditions.set(key, rest);
  }
  return Object.fromEntries(conditions);
}

/**
 * Where a caller wrote what the client calls `filters…`: `filters.and.0.metadata.trip.eq` is
 * `filter.and.0.metadata.2.eq`. Every other argument has the caller's name already.
 */
export function filterFieldOf(asked: AskedFilter): (argument: string) => string {
  return (argument) => {
    const rest = /^filters(?:$|\.(?<rest>.*))/s.exec(argument);
    if (rest === null) return argument;
    return ["filter", ...fieldIn(asked, rest.groups?.["rest"] ?? "")].filter((part) => part !== "").join(".");
  };
}

function fieldIn(asked: AskedFilter, path: string): string[] {
  const {
    word,
    index = "",
    rest = "",
  } = /^(?<word>and|or|not)\.(?<index>\d+)(?:$|\.(?<rest>.*))/s.exec(path)?.groups ?? {};
  if (word === "and" || word === "or" || word === "not") {
    const branch = asked[word]?.[Number(index)];
    return [word, index, ...(branch === undefined ? [rest] : fieldIn(branch, rest))];
  }
  if (!path.startsWith("metadata.")) return [path];
  // Keys are free texts, dots and all: the longest that fits is the one that is meant.
  const behind = path.slice("metadata.".length);
  const [entry] = [...(asked.metadata ?? []).entries()]
    .filter(([, { key }]) => behind === key || behind.startsWith(`${key}.`))
    .toSorted(([, one], [, other]) => other.key.length - one.key.length);
  if (entry === undefined) return ["metadata"];
  const [position, { key }] = entry;
  return ["metadata", String(position), behind.slice(key.length + 1)];
}
