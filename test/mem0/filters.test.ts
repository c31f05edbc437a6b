import { describe, expect, test } from "vitest";
import { type FilterCall, filterOnWire, type MemoryFilter } from "../../src/mem0/filters.ts";
import { InvalidArgument } from "../../src/mem0/invalid-argument.ts";

const ada = { userId: { eq: "ada" } };
const idOne = "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21";

/** What filters of the caller's become on the wire. */
const written: [string, MemoryFilter, FilterCall, unknown][] = [
  ["a name is a bare value", ada, "list", { user_id: "ada" }],
  [
    "every operator of a name holds by itself",
    { agentId: { eq: "a", ne: "b", in: ["a", "c"], isPresent: true } },
    "search",
    {
      AND: [
        { agent_id: "a" },
        { agent_id: { ne: "b" } },
        { agent_id: { in: ["a", "c"] } },
        { agent_id: "*" },
      ],
    },
  ],
  [
    "presence is a star, and absence a list of NOT",
    { ...ada, appId: { isPresent: false }, runId: { isPresent: true } },
    "search",
    { AND: [{ user_id: "ada" }, { NOT: [{ app_id: "*" }] }, { run_id: "*" }] },
  ],
  [
    "an equal date is a bare value, every bound its own",
    {
      ...ada,
      createdAt: { gte: "2024-07-01", lt: "2024-08-01T00:00:00Z" },
      expirationDate: { eq: "2030-01-31" },
    },
    "list",
    {
      AND: [
        { user_id: "ada" },
        { created_at: { gte: "2024-07-01" } },
        { created_at: { lt: "2024-08-01T00:00:00Z" } },
        { expiration_date: "2030-01-31" },
      ],
    },
  ],
  [
    "the other dates have their names",
    {
      ...ada,
      updatedAt: { ne: "2024-07-01" },
      timestamp: { in: ["2024-07-01", "2024-07-02T10:20:30.123456+02:00"] },
    },
    "list",
    {
      AND: [
        { user_id: "ada" },
        { updated_at: { ne: "2024-07-01" } },
        { timestamp: { in: ["2024-07-01", "2024-07-02T10:20:30.123456+02:00"] } },
      ],
    },
  ],
  [
    "categories always are an object",
    { ...ada, categories: { in: ["travel"], contains: "foo" } },
    "list",
    { AND: [{ user_id: "ada" }, { categories: { in: ["travel"] } }, { categories: { contains: "foo" } }] },
  ],
  [
    "each key of the metadata holds by itself",
    {
      ...ada,
      metadata: { trip: { eq: "rome" }, year: { ne: 2024 }, isPaid: { eq: true }, note: { contains: "x" } },
    },
    "search",
    {
      AND: [
        { user_id: "ada" },
        { metadata: { trip: "rome" } },
        { metadata: { year: { ne: 2024 } } },
        { metadata: { isPaid: true } },
        { metadata: { note: { contains: "x" } } },
      ],
    },
  ],
  [
    "keywords look into the text of a list",
    { ...ada, keywords: { contains: "Rome", icontains: "rome" } },
    "list",
    { AND: [{ user_id: "ada" }, { keywords: { contains: "Rome" } }, { keywords: { icontains: "rome" } }] },
  ],
  [
    "ids are a bare list",
    { ...ada, memoryIds: [idOne] },
    "list",
    { AND: [{ user_id: "ada" }, { memory_ids: [idOne] }] },
  ],
  [
    "`or` beside anything, which Mem0 would drop, is kept under an AND",
    { and: [ada, { appId: { eq: "x" } }], or: [{ runId: { eq: "1" } }, { runId: { eq: "2" } }] },
    "search",
    { AND: [{ user_id: "ada" }, { app_id: "x" }, { OR: [{ run_id: "1" }, { run_id: "2" }] }] },
  ],
  [
    "`not` of several denies each",
    { ...ada, not: [{ appId: { eq: "x" }, runId: { eq: "1" } }, { agentId: { isPresent: true } }] },
    "list",
    {
      AND: [
        { user_id: "ada" },
        { NOT: [{ AND: [{ app_id: "x" }, { run_id: "1" }] }] },
        { NOT: [{ agent_id: "*" }] },
      ],
    },
  ],
  [
    "a name in one branch of an `or` is enough",
    { or: [{ userId: { in: ["ada"] } }, { agentId: { isPresent: true } }] },
    "list",
    { OR: [{ user_id: { in: ["ada"] } }, { agent_id: "*" }] },
  ],
  ["an export always has an AND", ada, "export", { AND: [{ user_id: "ada" }] }],
];

/** What is refused, by the path that is named. */
const refused: [string, string, unknown, FilterCall?][] = [
  ["nothing at all", "filters", {}],
  ["what is no object", "filters", []],
  ["null", "filters", null],
  ["a filter of which nothing is given", "filters", { userId: undefined }],
  ["a word of Mem0's", "filters.user_id", { user_id: "ada" }],
  ["a bare name", "filters.userId", { userId: "ada" }],
  ["an operator that there is not", "filters.userId.nin", { userId: { nin: ["ada"] } }],
  ["a name of every object's", "filters.constructor", { ...ada, constructor: { eq: "x" } }],
  ["a condition without an operator", "filters.agentId", { ...ada, agentId: {} }],
  ["an empty name", "filters.userId.eq", { userId: { eq: "" } }],
  ["a blank name", "filters.userId.in.1", { userId: { in: ["ada", " "] } }],
  ["a star for a name", "filters.userId.eq", { userId: { eq: "*" } }],
  ["a star among names", "filters.userId.in.1", { userId: { in: ["ada", "*"] } }],
  ["a star that is not to be", "filters.agentId.ne", { ...ada, agentId: { ne: "*" } }],
  ["an empty list", "filters.userId.in", { userId: { in: [] } }],
  ["a presence that is a text", "filters.appId.isPresent", { ...ada, appId: { isPresent: "yes" } }],
  ["an empty `and`", "filters.and", { ...ada, and: [] }],
  ["an empty `or`", "filters.or", { ...ada, or: [] }],
  ["a `not` that is an object", "filters.not", { ...ada, not: { appId: { isPresent: true } } }],
  ["an empty branch", "filters.or.1", { or: [ada, {}] }],
  ["a word for a date", "filters.createdAt.gte", { ...ada, createdAt: { gte: "yesterday" } }],
  ["February 30", "filters.updatedAt.lt", { ...ada, updatedAt: { lt: "2024-02-30" } }],
  ["a date of another country", "filters.timestamp.eq", { ...ada, timestamp: { eq: "01/02/2024" } }],
  [
    "an hour that there is not",
    "filters.createdAt.in.0",
    { ...ada, createdAt: { in: ["2024-01-01T25:00:00Z"] } },
  ],
  ["a date with a space", "filters.createdAt.eq", { ...ada, createdAt: { eq: "2024-01-01 10:00:00" } }],
  ["a category for equality", "filters.categories.eq", { ...ada, categories: { eq: "travel" } }],
  [
    "a blank category",
    "filters.and.0.categories.contains",
    { and: [{ ...ada, categories: { contains: " " } }] },
  ],
  ["nested metadata", "filters.metadata.trip.city", { ...ada, metadata: { trip: { city: { eq: "rome" } } } }],
  [
    "metadata for an object",
    "filters.metadata.trip.eq",
    { ...ada, metadata: { trip: { eq: { city: "rome" } } } },
  ],
  ["metadata for no number", "filters.metadata.year.ne", { ...ada, metadata: { year: { ne: Number.NaN } } }],
  ["a range of metadata", "filters.metadata.year.gt", { ...ada, metadata: { year: { gt: 3 } } }],
  [
    "a NUL, which no database holds",
    "filters.metadata.note.contains",
    { ...ada, metadata: { note: { contains: "a\0" } } },
  ],
  ["an id that is none", "filters.memoryIds.0", { ...ada, memoryIds: ["memory-1"] }],
  ["keywords in a search", "filters.keywords", { ...ada, keywords: { contains: "x" } }, "search"],
  ["keywords in an export", "filters.keywords", { ...ada, keywords: { contains: "x" } }, "export"],
  ["no name", "filters", { createdAt: { gte: "2024-01-01" } }],
  ["presence alone", "filters", { userId: { isPresent: true } }],
  ["a name that is not to be", "filters", { userId: { ne: "ada" } }],
  ["a name below `not`", "filters", { not: [ada] }],
  ["branches without a name", "filters", { or: [{ userId: { isPresent: true } }, { not: [ada] }] }],
];

function refusalOf(filter: unknown, call: FilterCall = "list"): unknown {
  try {
    // The type would refuse most of it; what comes at run time need not keep to it.
    return filterOnWire(filter as MemoryFilter, call);
  } catch (error) {
    return error;
  }
}

function nested(depth: number): MemoryFilter {
  return depth === 1 ? ada : { and: [nested(depth - 1)] };
}

describe("a filter on the wire", () => {
  test.each(written)("%s", (_name, filter, call, wire) => {
    expect(filterOnWire(filter, call)).toEqual(wire);
  });

  test.each(refused)("refuses %s, and names %s", (_name, argument, filter, call) => {
    const refusal = refusalOf(filter, call);
    expect(refusal).toBeInstanceOf(InvalidArgument);
    expect(refusal).toMatchObject({ argument });
  });

  test("stands 20 deep and not deeper", () => {
    expect(filterOnWire(nested(20), "list")).toEqual({ user_id: "ada" });
    expect(refusalOf(nested(21))).toMatchObject({ argument: `filters${".and.0".repeat(20)}` });
  });

  test("that stands in itself is refused as too deep", () => {
    const filter: { not: unknown[] } = { not: [] };
    filter.not.push(filter);
    expect(refusalOf(filter)).toBeInstanceOf(InvalidArgument);
  });

  test("has 1000 conditions and not more, each value of a list counted", () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `user-${index}`);
    const filter = (count: number) => ({ or: [{ userId: { in: names(count) } }, { agentId: { eq: "x" } }] });
    expect(refusalOf(filter(999))).not.toBeInstanceOf(Error);
    expect(refusalOf(filter(1000))).toMatchObject({ argument: "filters.or.1.agentId.eq" });
    expect(refusalOf({ userId: { in: names(1001) } })).toMatchObject({ argument: "filters.userId.in" });
  });

  test("keeps a metadata key that JavaScript has a meaning for", () => {
    const filter = { ...ada, metadata: JSON.parse('{"__proto__":{"eq":"x"}}') };
    expect(JSON.stringify(filterOnWire(filter, "list"))).toBe(
      '{"AND":[{"user_id":"ada"},{"metadata":{"__proto__":"x"}}]}',
    );
  });

  test("is refused without a word of what the caller wrote", () => {
    const secret = "canary@acme.test";
    for (const filter of [
      { userId: secret },
      { ...ada, createdAt: { eq: secret } },
      { ...ada, memoryIds: [secret] },
    ]) {
      expect(String(refusalOf(filter))).not.toContain("canary");
    }
  });
});
