import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const path = "/v3/memories/";
const alice = { user_id: "alice" };
const scopeMissing = {
  filters: [
    "filters must include at least one positively-scoped entity ID (user_id, agent_id, app_id, or run_id).",
  ],
};
const filtersMissing = {
  error:
    "Filters are required and cannot be empty. Please refer to https://docs.mem0.ai/api-reference/memory/search-memories",
};
const searchKeys =
  "['AND', 'OR', 'NOT', 'user_id', 'agent_id', 'app_id', 'run_id', 'created_at', 'updated_at', 'timestamp', 'expiration_date', 'text', 'categories', 'metadata', 'keywords_search', 'memory_ids', 'keywords']";

describe("filters", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const matching = async (filters: unknown): Promise<readonly string[]> => {
    const reply = await rig.call("POST", path, { filters, show_expired: true });
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
    const { results } = reply.body as { results: readonly { memory: string }[] };
    return results.map(({ memory }) => memory).toSorted();
  };

  const refusal = async (filters: unknown): Promise<unknown> => {
    const reply = await rig.call("POST", path, { filters });
    expect(reply.status).toBe(400);
    return reply.body;
  };

  it("do not constrain what they do not mention", async () => {
    await remember(rig, "a", alice);
    await remember(rig, "b", { ...alice, app_id: "x", run_id: "r" });
    await remember(rig, "c", { user_id: "bob" });
    expect(await matching(alice)).toEqual(["a", "b"]);
    expect(await matching({ AND: [alice, { NOT: [{ app_id: "*" }] }] })).toEqual(["a"]);
  });

  it("take an id bare, by eq, ne and in, and as a wildcard; ne matches null too", async () => {
    await remember(rig, "a", { ...alice, agent_id: "x" });
    await remember(rig, "b", { ...alice, agent_id: "y" });
    await remember(rig, "c", alice);
    const both = (agent_id: unknown): object => ({ ...alice, agent_id });
    expect(await matching(both("x"))).toEqual(["a"]);
    expect(await matching(both({ eq: "y" }))).toEqual(["b"]);
    expect(await matching(both({ ne: "x" }))).toEqual(["b", "c"]);
    expect(await matching(both({ in: ["x", "y"] }))).toEqual(["a", "b"]);
    expect(await matching(both("*"))).toEqual(["a", "b"]);
    expect(await matching({ user_id: { in: ["bob", "alice"] } })).toHaveLength(3);
  });

  it("combine by AND, OR and NOT, nested, and siblings are ANDed", async () => {
    for (const [text, user_id, run_id] of [
      ["a", "alice", "1"],
      ["b", "alice", "2"],
      ["c", "bob", "1"],
      ["d", "eve", "3"],
    ] as const) {
      await remember(rig, text, { user_id, run_id });
    }
    expect(await matching({ OR: [alice, { user_id: "bob" }] })).toEqual(["a", "b", "c"]);
    expect(await matching({ OR: [alice, { user_id: "bob" }], run_id: "1" })).toEqual(["a", "c"]);
    expect(await matching({ ...alice, NOT: [{ run_id: "1" }, { run_id: "2" }] })).toEqual([]);
    expect(
      await matching({ AND: [{ OR: [alice, { AND: [{ user_id: "bob" }, { run_id: "9" }] }] }] }),
    ).toEqual(["a", "b"]);
    expect(await matching({ OR: [alice, { run_id: "*" }] })).toHaveLength(4);
  });

  it("drop an OR beside an AND unless the switch andDropsOr is off", async () => {
    await remember(rig, "a", alice);
    await remember(rig, "b", { ...alice, run_id: "1" });
    const filters = { AND: [alice], OR: [{ run_id: "1" }] };
    expect(await matching(filters)).toEqual(["a", "b"]);
    await rig.switches({ andDropsOr: false });
    expect(await matching(filters)).toEqual(["b"]);
  });

  it("take NOT as an object, unless the switch notObjectAccepted is off", async () => {
    await remember(rig, "a", alice);
    await remember(rig, "b", { ...alice, run_id: "1" });
    const filters = { AND: [alice, { NOT: { run_id: "1" } }] };
    expect(await matching(filters)).toEqual(["a"]);
    await rig.switches({ notObjectAccepted: false });
    expect(await refusal(filters)).toEqual({ filters: ["'NOT' value must be a list"] });
    expect(await matching({ AND: [alice, { NOT: [{ run_id: "1" }] }] })).toEqual(["a"]);
  });

  it("compare dates: a day is its midnight in UTC, both ends of a range are ANDed, eq does not exist", async () => {
    const at = (date: string): object => ({ ...alice, timestamp: Date.parse(date) / 1000 });
    await remember(rig, "june", at("2026-06-30T23:59:59Z"));
    await remember(rig, "july", at("2026-07-01T00:00:00Z"));
    await remember(rig, "august", at("2026-08-01T08:00:00Z"));
    const by = (created_at: unknown): Promise<unknown> => matching({ ...alice, created_at });
    expect(await by({ gte: "2026-07-01", lt: "2026-08-01" })).toEqual(["july"]);
    expect(await by({ gt: "2026-07-01", lte: "2026-08-01" })).toEqual([]);
    expect(await by({ lte: "2026-07-01T00:00:00" })).toEqual(["july", "june"]);
    expect(await by({ gt: "2026-08-01T00:30:00-07:00" })).toEqual(["august"]);
    expect(await by("2026-07-01")).toEqual(["july"]);
    expect(await by({ ne: "2026-07-01" })).toEqual(["august", "june"]);
    expect(await by({ in: ["2026-07-01", "2026-06-30T23:59:59Z"] })).toEqual(["july", "june"]);
    expect(await refusal({ ...alice, created_at: { eq: "2026-07-01" } })).toEqual({
      filters: ["Unsupported operator 'eq' for 'created_at'"],
    });
    expect(await refusal({ ...alice, created_at: "soon" })).toMatchObject({ filters: [expect.any(String)] });
  });

  it("find a memory again by the very date that was shown, to the microsecond, in either style", async () => {
    for (const text of ["a", "b", "c", "d", "e"]) await remember(rig, text, alice);
    for (const dates of ["pacific", "utc"]) {
      await rig.switches({ dates });
      const listed = await rig.call("POST", path, { filters: alice });
      const { results } = listed.body as { results: { memory: string; created_at: string }[] };
      for (const { memory, created_at } of results) {
        expect(await matching({ ...alice, created_at })).toEqual([memory]);
        expect(await matching({ ...alice, memory_ids: [], created_at })).toEqual([]);
      }
    }
  });

  it("compare expiration dates, and what has none is different from every date", async () => {
    await remember(rig, "a", { ...alice, expiration_date: "2999-01-31" });
    await remember(rig, "b", alice);
    expect(await matching({ ...alice, expiration_date: "2999-01-31" })).toEqual(["a"]);
    expect(await matching({ ...alice, expiration_date: { lt: "2999-02-01" } })).toEqual(["a"]);
    expect(await matching({ ...alice, expiration_date: { ne: "2999-01-31" } })).toEqual(["b"]);
  });

  it("take categories by in, and by a part in any case", async () => {
    await remember(rig, "Eats pizza", alice);
    await remember(rig, "Plays guitar", alice);
    expect(await matching({ ...alice, categories: { in: ["food", "health"] } })).toEqual(["Eats pizza"]);
    expect(await matching({ ...alice, categories: { contains: "MUS" } })).toEqual(["Plays guitar"]);
    expect(await refusal({ ...alice, categories: "food" })).toEqual({
      filters: ["'categories' value must be a dictionary"],
    });
    for (const categories of [{ eq: "food" }, { ne: "food" }]) {
      expect(await refusal({ ...alice, categories })).toMatchObject({ filters: [expect.any(String)] });
    }
  });

  it("take metadata by its top-level keys: bare, eq, ne, contains, all ANDed", async () => {
    await remember(rig, "a", { ...alice, metadata: { trip: "Rome 2026", seats: 2, tags: ["x", "y"] } });
    await remember(rig, "b", { ...alice, metadata: { trip: "Oslo", seats: 2 } });
    await remember(rig, "c", alice);
    const by = (metadata: unknown): Promise<unknown> => matching({ ...alice, metadata });
    expect(await by({ seats: 2 })).toEqual(["a", "b"]);
    expect(await by({ seats: 2, trip: { eq: "Oslo" } })).toEqual(["b"]);
    expect(await by({ seats: "2" })).toEqual([]);
    expect(await by({ trip: { ne: "Oslo" } })).toEqual(["a", "c"]);
    expect(await by({ trip: { contains: "2026" } })).toEqual(["a"]);
    expect(await by({ tags: { contains: "y" } })).toEqual(["a"]);
    for (const metadata of [
      { seats: { gt: 1 } },
      { seats: { in: [2] } },
      { seats: { a: { b: 1 } } },
      "seats",
    ]) {
      expect(await refusal({ ...alice, metadata })).toMatchObject({ filters: [expect.any(String)] });
    }
  });

  it("take keywords in lists, contains with case and icontains without; in a search they are a 500", async () => {
    await remember(rig, "Likes Tea", alice);
    expect(await matching({ ...alice, keywords: { contains: "Tea" } })).toEqual(["Likes Tea"]);
    expect(await matching({ ...alice, keywords: { contains: "tea" } })).toEqual([]);
    expect(await matching({ ...alice, keywords: { icontains: "tea" } })).toEqual(["Likes Tea"]);
    const filters = { AND: [alice, { keywords: { contains: "Tea" } }] };
    expect(await rig.call("POST", `${path}search/`, { query: "tea", filters })).toMatchObject({
      status: 500,
    });
  });

  it("take memory ids as a list, bare or by in", async () => {
    const a = await remember(rig, "a", alice);
    await remember(rig, "b", alice);
    expect(await matching({ ...alice, memory_ids: [a] })).toEqual(["a"]);
    expect(await matching({ ...alice, memory_ids: { in: [a.toUpperCase()] } })).toEqual(["a"]);
    expect(await refusal({ ...alice, memory_ids: a })).toMatchObject({ filters: [expect.any(String)] });
  });

  it.each([
    [{ userId: "alice" }],
    [{ ...alice, "metadata.trip": "Rome" }],
    [{ and: [alice] }],
    [{ AND: [alice, { project_id: "p" }] }],
    [{ ...alice, hasOwnProperty: 1 }],
  ])("name no key that does not exist: %j", async (filters) => {
    const reply = await rig.call("POST", `${path}search/`, { query: "q", filters });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({
      filters: [`Top-level key must be a logical operator or an allowed field: ${searchKeys}.`],
    });
  });

  it("have text and keywords_search in a search only", async () => {
    await remember(rig, "Likes tea", alice);
    for (const key of ["text", "keywords_search"]) {
      const filters = { ...alice, [key]: "tea" };
      expect(await refusal(filters)).toMatchObject({ filters: [expect.stringMatching(/^Top-level key/)] });
      const reply = await rig.call("POST", `${path}search/`, { query: "tea", filters });
      expect(reply).toMatchObject({ status: 200, body: { results: [{ memory: "Likes tea" }] } });
    }
  });

  it.each([
    [{ user_id: "*" }],
    [{ OR: [{ user_id: "*" }] }],
    [{ NOT: [alice] }],
    [{ user_id: { ne: "alice" } }],
    [{ user_id: { in: [] } }],
    [{ user_id: { in: ["*"] } }],
    [{ AND: [{ run_id: "*" }], OR: [alice] }],
    [{ AND: [] }],
    [{ metadata: { a: 1 } }],
  ])("must name an entity that is no wildcard, outside NOT: %j", async (filters) => {
    await remember(rig, "a", alice);
    expect(await refusal(filters)).toEqual(scopeMissing);
  });

  it.each([[undefined], [null], [{}]])("must be given: %j", async (filters) => {
    expect(await refusal(filters)).toEqual(filtersMissing);
  });

  it.each([
    [{ user_id: { nin: ["a"] } }],
    [{ user_id: { ">=": "a" } }],
    [{ user_id: {} }],
    [{ user_id: null }],
    [{ user_id: ["alice"] }],
    [{ AND: alice }],
    [{ OR: [alice, "x"] }],
    ["alice"],
    [[alice]],
  ])("are refused for %j", async (filters) => {
    expect(await refusal(filters)).toMatchObject({ filters: [expect.any(String)] });
  });
});
