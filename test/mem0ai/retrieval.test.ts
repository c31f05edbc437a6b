import { beforeAll, describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { Rig } from "../emulator/rig.ts";
import { type Client, clientOf, remember } from "./client.ts";

/** One world for all of this file: nothing in it changes anything. */
let client: Client;
const ids = new Map<string, string>();

const texts: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["Plays chess every Sunday", { userId: "alice", metadata: { topic: "games", rating: 1800 } }],
  ["Allergic to peanuts", { userId: "alice", metadata: { topic: "health" } }],
  ["Works as a nurse in Hamburg", { userId: "alice", appId: "crm" }],
  ["Prefers window seats on flights", { userId: "alice", runId: "trip", timestamp: 1_700_000_000 }],
  ["Plays chess for money", { userId: "bob" }],
  ["Speaks formally", { agentId: "butler" }],
];

beforeAll(async () => {
  const emulator = await startEmulator();
  client = await clientOf(new Rig(emulator.url, emulator.apiKey));
  for (const [text, options] of texts) ids.set(text, await remember(client, text, options));
  return () => emulator.close();
});

const [chess = "", peanuts = "", nurse = "", seats = "", money = "", formally = ""] = texts.map(
  ([text]) => text,
);
const ofAlice = { user_id: "alice" };

describe("a list", () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, readonly string[]]>([
    ["one user", ofAlice, [nurse, peanuts, chess, seats]],
    ["two conditions side by side", { user_id: "alice", app_id: "crm" }, [nurse]],
    ["AND", { AND: [ofAlice, { run_id: "trip" }] }, [seats]],
    ["OR", { OR: [{ user_id: "bob" }, { agent_id: "butler" }] }, [formally, money]],
    ["NOT", { AND: [ofAlice, { NOT: [{ app_id: "*" }, { run_id: "*" }] }] }, [peanuts, chess]],
    ["in", { user_id: { in: ["bob", "carol"] } }, [money]],
    ["ne, which also takes null", { AND: [ofAlice, { app_id: { ne: "crm" } }] }, [peanuts, chess, seats]],
    ["a wildcard", { AND: [ofAlice, { app_id: "*" }] }, [nurse]],
    ["metadata", { AND: [ofAlice, { metadata: { topic: "games" } }] }, [chess]],
    [
      "metadata that is different",
      { AND: [ofAlice, { metadata: { topic: { ne: "games" } } }] },
      [nurse, peanuts, seats],
    ],
    ["keywords", { AND: [ofAlice, { keywords: { icontains: "HAMBURG" } }] }, [nurse]],
    ["a time before", { AND: [ofAlice, { created_at: { lt: "2023-12-31" } }] }, [seats]],
    ["a time from", { AND: [ofAlice, { created_at: { gte: "2023-12-31" } }] }, [nurse, peanuts, chess]],
    ["categories", { AND: [ofAlice, { categories: { in: ["health"] } }] }, [peanuts]],
    ["a part of a category", { AND: [ofAlice, { categories: { contains: "PROFESSIONAL" } }] }, [nurse]],
    ["nobody there is", { user_id: "nobody" }, []],
  ])("takes filters by %s", async (_, filters, expected) => {
    const { count, results } = await client.getAll({ filters });
    expect(results.map(({ memory }) => memory)).toEqual(expected);
    expect(count).toBe(expected.length);
  });

  it("takes ids of memories, days, categories and fields beside the filters", async () => {
    const memory_ids = [nurse, chess].map((text) => ids.get(text));
    const chosen = await client.getAll({ filters: { AND: [ofAlice, { memory_ids }] } });
    expect(chosen.results.map(({ id }) => id)).toEqual(memory_ids);
    const old = await client.getAll({ filters: ofAlice, startDate: "2023-11-01", endDate: "2023-11-30" });
    expect(old.results.map(({ memory }) => memory)).toEqual([seats]);
    const filed = await client.getAll({ filters: ofAlice, categories: ["health", "no such"] });
    expect(filed.results.map(({ memory }) => memory)).toEqual([peanuts]);
    const narrow = { filters: { user_id: "bob" }, fields: ["id", "memory"] };
    expect((await client.getAll(narrow)).results).toEqual([{ id: ids.get(money), memory: money }]);
  });
});

describe("a search", () => {
  const search = async (query: string, options: Readonly<Record<string, unknown>> = {}) =>
    (await client.search(query, { filters: ofAlice, ...options })).results;

  it("finds what shares words, the best first, with scores between 0 and 1, of nobody else", async () => {
    const results = await search("chess on Sunday");
    expect(results[0]).toMatchObject({ id: ids.get(chess), memory: chess, userId: "alice", runId: null });
    expect(results[0]).toHaveProperty("scoreBreakdown.semantic");
    const scores = results.map(({ score }) => score ?? Number.NaN);
    expect(scores).toEqual(scores.toSorted((left, right) => right - left));
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(results.map(({ memory }) => memory)).not.toContain(money);
  });

  it("heeds its bounds, metadata, categories and fields", async () => {
    expect(await search("chess peanuts nurse", { topK: 1, threshold: 0 })).toHaveLength(1);
    expect((await search("chess peanuts", { threshold: 0 })).length).toBeGreaterThanOrEqual(2);
    expect(await search("violin")).toEqual([]);
    expect(await search("chess", { metadata: { topic: "health" } })).toEqual([]);
    expect(await search("chess", { metadata: { topic: "games", rating: 1800 } })).toHaveLength(1);
    expect(await search("chess", { categories: ["hobbies"], fields: ["id"] })).toEqual([
      { id: ids.get(chess) },
    ]);
    expect(await search("chess", { filters: { user_id: "nobody" } })).toEqual([]);
    expect(
      await search("chess", { rerank: true, keywordSearch: true, latestOnly: true, source: "CLI" }),
    ).toHaveLength(1);
  });
});
