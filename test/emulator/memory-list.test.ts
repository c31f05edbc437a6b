import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const path = "/v3/memories/";
const alice = { user_id: "alice" };

interface Page {
  readonly count: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly results: readonly { readonly memory: string }[];
}

async function page(rig: Rig, body: object, query = ""): Promise<Page> {
  const reply = await rig.call("POST", `${path}${query}`, body);
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
  return reply.body as Page;
}

async function importMany(rig: Rig, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({ role: "user", content: `fact ${index}` }));
  await rig.call("POST", "/v3/memories/add/", { messages, ...alice, infer: false });
}

describe("a list of memories", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("shows each memory whole, the run as session_id, and nulls where nothing is set", async () => {
    const id = await remember(rig, "Booked a flight", { ...alice, run_id: "r1", timestamp: 1_783_656_792 });
    expect(await page(rig, { filters: alice })).toEqual({
      count: 1,
      next: null,
      previous: null,
      results: [
        {
          id,
          memory: "Booked a flight",
          user_id: "alice",
          agent_id: null,
          app_id: null,
          session_id: "r1",
          metadata: null,
          categories: ["travel"],
          created_at: expect.stringMatching(/^2026-07-09T21:13:12\.000000-07:00$/),
          updated_at: expect.any(String),
          expiration_date: null,
          replaced_by: null,
          synthesized: false,
          structured_attributes: {
            year: 2026,
            month: 7,
            day: 10,
            hour: 4,
            minute: 13,
            day_of_week: "friday",
            week_of_year: 28,
            day_of_year: 191,
            quarter: 3,
            is_weekend: false,
          },
        },
      ],
    });
  });

  it("is empty for a user nobody knows", async () => {
    expect(await page(rig, { filters: { user_id: "nobody" } })).toMatchObject({ count: 0, results: [] });
  });

  it("comes newest first in pages whose links are absolute and lead to every memory once", async () => {
    await importMany(rig, 450);
    const first = await page(rig, { filters: alice });
    expect(first).toMatchObject({ count: 450, previous: null, next: `${rig.url}${path}?page=2` });
    expect(first.results).toHaveLength(100);
    expect(first.results[0]?.memory).toBe("fact 449");
    const seen: string[] = [];
    let next: string | null = `${rig.url}${path}?page=1&page_size=200`;
    while (next !== null) {
      const answer: Page = await page(rig, { filters: alice }, next.slice(`${rig.url}${path}`.length));
      seen.push(...answer.results.map(({ memory }) => memory));
      next = answer.next;
    }
    expect(seen).toEqual(Array.from({ length: 450 }, (_, index) => `fact ${449 - index}`));
    const third = await page(rig, { filters: alice }, "?page=3&page_size=200");
    expect(third).toMatchObject({ next: null, previous: `${rig.url}${path}?page=2&page_size=200` });
    expect(third.results).toHaveLength(50);
  });

  it("takes page and size from the body too, the query wins, and no page is larger than 200", async () => {
    await importMany(rig, 250);
    expect((await page(rig, { filters: alice, page: 2, page_size: 200 })).results).toHaveLength(50);
    const wins = await page(rig, { filters: alice, page: 2, page_size: 200 }, "?page=1&page_size=7");
    expect(wins.results).toHaveLength(7);
    expect((await page(rig, { filters: alice, page_size: 1000 })).results).toHaveLength(200);
  });

  it.each(["?page=3&page_size=200", "?page=0", "?page=x"])("has no page %s: 404", async (query) => {
    await importMany(rig, 3);
    expect(await rig.call("POST", `${path}${query}`, { filters: alice })).toMatchObject({
      status: 404,
      body: { detail: "Invalid page." },
    });
  });

  it("hands out a next that it then refuses, under the switch listPagesMax", async () => {
    await importMany(rig, 3);
    expect((await page(rig, { filters: alice }, "?page=2&page_size=1")).results).toHaveLength(1);
    await rig.switches({ listPagesMax: 1 });
    const { next } = await page(rig, { filters: alice }, "?page=1&page_size=1");
    expect(next).toBe(`${rig.url}${path}?page=2&page_size=1`);
    expect((await rig.call("POST", `${path}?page=2&page_size=1`, { filters: alice })).status).toBe(400);
  });

  it("hides what has expired, until asked; the day itself still counts", async () => {
    const today = new Date().toISOString().slice(0, 10);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await remember(rig, "today", { ...alice, expiration_date: today });
    await remember(rig, "yesterday", { ...alice, expiration_date: yesterday });
    expect((await page(rig, { filters: alice })).results).toMatchObject([{ memory: "today" }]);
    expect((await page(rig, { filters: alice, show_expired: true })).count).toBe(2);
  });

  it("is narrowed by its own dates, categories, keywords and fields", async () => {
    const dayOf = (day: string): object => ({ ...alice, timestamp: Date.parse(`${day}T12:00:00Z`) / 1000 });
    const first = await remember(rig, "Plays guitar", dayOf("2026-01-01"));
    await remember(rig, "Eats pizza", dayOf("2026-01-02"));
    const memories = async (rest: object): Promise<unknown> =>
      (await page(rig, { filters: alice, ...rest })).results.map(({ memory }) => memory);
    expect(await memories({ start_date: "2026-01-02" })).toEqual(["Eats pizza"]);
    expect(await memories({ end_date: "2026-01-01" })).toEqual(["Plays guitar"]);
    expect(await memories({ categories: ["food", "health"] })).toEqual(["Eats pizza"]);
    expect(await memories({ keywords: "GUITAR" })).toEqual(["Plays guitar"]);
    const narrowed = await page(rig, { filters: alice, keywords: "guitar", fields: ["id", "memory"] });
    expect(narrowed.results).toEqual([{ id: first, memory: "Plays guitar" }]);
  });

  it.each([
    [{ filters: alice, show_expired: "yes" }, { show_expired: ["Must be a valid boolean."] }],
    [{ filters: alice, start_date: "2026-13-01" }, { start_date: [expect.stringContaining("YYYY-MM-DD")] }],
    [
      { filters: alice, categories: "food" },
      { categories: ['Expected a list of items but got type "str".'] },
    ],
  ])("is refused by field for %j", async (body, fields) => {
    expect(await rig.call("POST", path, body)).toMatchObject({ status: 400, body: fields });
  });

  it("is refused when an entity is named beside the filters", async () => {
    for (const target of [path, `${path}search/`]) {
      const reply = await rig.call("POST", target, { query: "q", user_id: "alice", filters: alice });
      expect(reply).toMatchObject({ status: 400, body: { error: expect.stringContaining("'user_id'") } });
    }
  });
});
