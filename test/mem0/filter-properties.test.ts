import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FilterCall, filterOnWire, type MemoryFilter } from "../../src/mem0/filters.ts";
import { InvalidArgument } from "../../src/mem0/invalid-argument.ts";
import { breaches, matchesOurs, matchesWire } from "./filter-grammar.ts";

const ids = ["638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21", "ea925981-272f-40dd-b576-be64e4871429"];
const days = ["2024-01-01", "2024-02-29", "2024-12-31"];
const call = fc.constantFrom<FilterCall>("list", "list", "list", "search", "export");

/** Few values, so that records match; and where they are wild, some now and then that must be refused. */
interface Values {
  readonly isWild: boolean;
  readonly name: fc.Arbitrary<unknown>;
  readonly day: fc.Arbitrary<unknown>;
  readonly id: fc.Arbitrary<unknown>;
  readonly scalar: fc.Arbitrary<unknown>;
}

const good: Values = {
  isWild: false,
  name: fc.constantFrom("a", "b"),
  day: fc.constantFrom(...days),
  id: fc.constantFrom(...ids),
  scalar: fc.constantFrom("a", "b", 1, true),
};

const wild: Values = {
  isWild: true,
  name: seldom(good.name, fc.constantFrom("*", "", " ", "\0", null, 7, "AND")),
  day: seldom(good.day, fc.constantFrom("2024-01-01T10:00:00Z", "2024-02-30", "now", "2024-13-01", "*", 5)),
  id: seldom(good.id, fc.constantFrom("*", "id", "")),
  scalar: seldom(good.scalar, fc.constantFrom("", null, Number.NaN, { eq: 1 }, ["a"])),
};

function seldom(usual: fc.Arbitrary<unknown>, rare: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

function filterOf(values: Values): fc.Arbitrary<unknown> {
  const { isWild, name, day, id, scalar } = values;
  const orEmpty = (usual: fc.Arbitrary<unknown>, empty: unknown) =>
    isWild ? seldom(usual, fc.constant(empty)) : usual;
  const some = (item: fc.Arbitrary<unknown>) => orEmpty(fc.array(item, { minLength: 1, maxLength: 2 }), []);
  const partly = (fields: Record<string, fc.Arbitrary<unknown>>) =>
    fc
      .subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) })
      .chain((keys) =>
        orEmpty(fc.record(Object.fromEntries(keys.map((key) => [key, fields[key] ?? fc.constant(0)]))), {}),
      );
  const extra = isWild
    ? seldom(fc.constant({}), fc.record({ AND: fc.jsonValue({ maxDepth: 2 }) }))
    : fc.constant({});
  const entity = partly({ eq: name, ne: name, in: some(name), isPresent: fc.boolean() });
  const date = partly({ eq: day, ne: day, gt: day, gte: day, lt: day, lte: day, in: some(day) });
  const condition = partly({ eq: scalar, ne: scalar, contains: name });
  const leaf = {
    userId: entity,
    agentId: entity,
    appId: entity,
    runId: entity,
    createdAt: date,
    expirationDate: date,
    categories: partly({ in: some(name), contains: name }),
    metadata: partly({ k: condition, l: condition }),
    keywords: partly({ contains: name, icontains: name }),
    memoryIds: some(id),
  };
  return fc.letrec<{ filter: unknown; inner: unknown }>((tie) => ({
    inner: fc.oneof({ depthSize: "small" }, partly(leaf), tie("filter")),
    filter: fc
      .tuple(
        partly({ ...leaf, and: some(tie("inner")), or: some(tie("inner")), not: some(tie("inner")) }),
        extra,
        fc.boolean(),
      )
      .map(([filter, more, isScoped]) =>
        Object.assign({}, filter, more, isScoped ? { runId: { in: ["a", "b"] } } : {}),
      ),
  })).filter;
}

const record = fc.record({
  id: fc.constantFrom(...ids),
  user_id: fc.constantFrom("a", "b", null),
  agent_id: fc.constantFrom("a", "b", null),
  app_id: fc.constantFrom("a", "b", null),
  run_id: fc.constantFrom("a", "b", null),
  created_at: fc.constantFrom(...days),
  expiration_date: fc.constantFrom(...days, null),
  categories: fc.constantFrom(["a"], ["a", "b"], [], null),
  metadata: fc.constantFrom({ k: "a" }, { k: 1, l: "ab" }, null),
  // What keywords look into.
  keywords: fc.constantFrom("ab", "A", "c"),
});

function writtenOrRefused(filter: unknown, of: FilterCall): unknown {
  try {
    // What comes at run time need not keep to the type: that is what is tried here.
    return JSON.parse(JSON.stringify(filterOnWire(filter as MemoryFilter, of)));
  } catch (error) {
    if (!(error instanceof InvalidArgument) || !error.argument.startsWith("filters")) throw error;
    return null;
  }
}

describe("whatever filter a caller hands over", () => {
  test("what is let through obeys the grammar of Mem0, and the rest is refused by its path", () => {
    const seen = { written: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(filterOf(good), filterOf(wild)), call, (filter, of) => {
        const wire = writtenOrRefused(filter, of);
        seen[wire === null ? "refused" : "written"] += 1;
        if (wire !== null) expect(breaches(wire, of)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
    // A property over nothing would hold.
    expect(seen.written).toBeGreaterThan(300);
    expect(seen.refused).toBeGreaterThan(300);
  });

  test("what is let through means on the wire what the caller wrote", () => {
    let written = 0;
    fc.assert(
      fc.property(filterOf(good), fc.array(record, { minLength: 1, maxLength: 5 }), (filter, records) => {
        const wire = writtenOrRefused(filter, "list");
        if (wire === null) return;
        written += 1;
        for (const one of records) expect(matchesWire(wire, one)).toBe(matchesOurs(filter, one));
      }),
      { numRuns: 2_000 },
    );
    expect(written).toBeGreaterThan(500);
  });
});
