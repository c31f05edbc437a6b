import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const path = "/v3/memories/search/";
const alice = { user_id: "alice" };

interface Found {
  readonly id: string;
  readonly memory: string;
  readonly score: number;
  readonly score_breakdown: Readonly<Record<string, number>>;
}

describe("a search", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const search = async (query: string, rest: object = {}): Promise<readonly Found[]> => {
    const reply = await rig.call("POST", path, { query, filters: alice, ...rest });
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
    expect(Object.keys(reply.body as object)).toEqual(["results"]);
    return (reply.body as { results: readonly Found[] }).results;
  };
  const texts = async (query: string, rest?: object): Promise<readonly string[]> =>
    (await search(query, rest)).map(({ memory }) => memory);

  it("shows the run as run_id, the score with its parts, and no session_id", async () => {
    const id = await remember(rig, "Plays cricket on weekends", {
      ...alice,
      run_id: "r1",
      metadata: { a: 1 },
    });
    const [found] = await search("who plays cricket?");
    expect(found).toEqual({
      id,
      memory: "Plays cricket on weekends",
      user_id: "alice",
      agent_id: null,
      app_id: null,
      run_id: "r1",
      score: expect.any(Number),
      score_breakdown: { semantic: expect.any(Number), bm25: expect.any(Number), entity: 0 },
      metadata: { a: 1 },
      categories: ["sports", "hobbies"],
      expiration_date: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
  });

  it("brings the best first, always the same, with scores between 0 and 1", async () => {
    await remember(rig, "Alice drinks green tea every morning");
    await remember(rig, "Alice drinks coffee");
    await remember(rig, "Alice owns a red car");
    const found = await search("drinks green tea");
    expect(found.map(({ memory }) => memory)).toEqual([
      "Alice drinks green tea every morning",
      "Alice drinks coffee",
    ]);
    for (const { score, score_breakdown } of found) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
      const sum = Object.values(score_breakdown).reduce((left, right) => left + right, 0);
      expect(sum).toBeCloseTo(score, 5);
    }
    expect(await search("drinks green tea")).toEqual(found);
  });

  it("prefers a memory whose entity the query names", async () => {
    await remember(rig, "Likes tea", { user_id: "alice", agent_id: "butler" });
    await remember(rig, "Likes tea", { user_id: "alice" });
    const [first, second] = await search("what tea did the butler note?", { filters: alice });
    expect(first).toMatchObject({ agent_id: "butler", score_breakdown: { entity: 0.08 } });
    expect(second).toMatchObject({ agent_id: null, score_breakdown: { entity: 0 } });
  });

  it("keeps to threshold and top_k; 0 turns the threshold off, and 10 are the default", async () => {
    for (let index = 0; index < 12; index += 1) await remember(rig, `Tea number ${index}`);
    await remember(rig, "Owns a car");
    expect(await texts("tea")).toHaveLength(10);
    expect(await texts("tea", { top_k: 1000 })).toHaveLength(12);
    expect(await texts("tea", { top_k: 1000, threshold: 0 })).toHaveLength(13);
    expect(await texts("tea", { threshold: 0.81 })).toEqual([]);
    expect(await texts("tea", { top_k: 3 })).toHaveLength(3);
  });

  it("is narrowed by categories, metadata and fields", async () => {
    await remember(rig, "Tea for dinner", { ...alice, metadata: { trip: "Rome" } });
    await remember(rig, "Tea computer", alice);
    expect(await texts("tea", { categories: ["technology"] })).toEqual(["Tea computer"]);
    expect(await texts("tea", { metadata: { trip: "Rome" } })).toEqual(["Tea for dinner"]);
    const narrowed = await search("tea", { fields: ["memory"], metadata: { trip: "Rome" } });
    expect(narrowed).toEqual([{ memory: "Tea for dinner" }]);
  });

  it("hides what has expired by now or by reference_date, and what was replaced when asked", async () => {
    await remember(rig, "Tea until January", { ...alice, expiration_date: "2030-01-31" });
    expect(await texts("tea")).toHaveLength(1);
    for (const [reference_date, count] of [
      ["2030-01-31T23:59:59Z", 1],
      ["2030-02-01", 0],
      [Date.parse("2030-02-01T00:00:00Z") / 1000, 0],
    ] as const) {
      expect(await texts("tea", { reference_date })).toHaveLength(count);
    }
    expect(await texts("tea", { reference_date: "2031-01-01", show_expired: true })).toHaveLength(1);
  });

  it("finds nothing of a user nobody knows, or of another project", async () => {
    await remember(rig, "Likes tea");
    expect(await search("tea", { filters: { user_id: "nobody" } })).toEqual([]);
    const eve = await rig.somebodyElse("eve@else.test");
    expect((await eve.call("POST", path, { query: "tea", filters: alice })).body).toEqual({ results: [] });
  });

  it("lags behind lists under the switch searchLagMs", async () => {
    await remember(rig, "Likes tea");
    expect(await search("tea")).toHaveLength(1);
    await rig.switches({ searchLagMs: 3_600_000 });
    expect(await search("tea")).toEqual([]);
    expect((await rig.call("POST", "/v3/memories/", { filters: alice })).body).toMatchObject({ count: 1 });
  });

  it.each([
    [{}, { query: ["This field is required."] }],
    [{ query: " " }, { query: ["This field may not be blank."] }],
    [{ query: "q", top_k: 0 }, { top_k: ["Ensure this value is greater than or equal to 1."] }],
    [{ query: "q", top_k: 1001 }, { top_k: ["Ensure this value is less than or equal to 1000."] }],
    [{ query: "q", top_k: 1.5 }, { top_k: ["A valid integer is required."] }],
    [{ query: "q", threshold: 1.1 }, { threshold: ["Ensure this value is less than or equal to 1."] }],
    [{ query: "q", reference_date: "soon" }, { reference_date: [expect.any(String)] }],
  ])("is refused by field for %j", async (body, fields) => {
    const reply = await rig.call("POST", path, { filters: alice, ...body });
    expect(reply).toMatchObject({ status: 400, body: fields });
  });
});
