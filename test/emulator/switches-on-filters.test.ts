import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { alice, count, texts } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import type { Rig } from "./rig.ts";

/** Three memories of Alice: hers alone, with an app, and with an app and a run. */
async function threeScopes(rig: Rig): Promise<void> {
  await remember(rig, "alone");
  await remember(rig, "app", { ...alice, app_id: "a" });
  await remember(rig, "both", { ...alice, app_id: "a", run_id: "r" });
}

async function passing(rig: Rig, filters: object): Promise<readonly string[]> {
  await threeScopes(rig);
  return (await texts(rig, filters)).toSorted();
}

bothWays("unmentionedIds", {
  free: [
    "does not constrain the ids that a filter does not mention",
    async (rig) => expect(await passing(rig, alice)).toEqual(["alone", "app", "both"]),
  ],
  null: [
    "takes them for null, at whatever depth the others stand",
    async (rig) => {
      expect(await passing(rig, alice)).toEqual(["alone"]);
      expect(await texts(rig, { AND: [alice, { OR: [{ app_id: "*" }] }] })).toEqual(["app"]);
    },
  ],
});

const everybody = { OR: [{ user_id: "*" }] };

bothWays("wildcardOnlyFilters", {
  refuse: [
    "refuses filters whose only id is a wildcard",
    async (rig) => expect(await count(rig, everybody)).toBe(400),
  ],
  accept: [
    "takes them",
    async (rig) => {
      await threeScopes(rig);
      expect(await count(rig, everybody)).toBe(3);
    },
  ],
});

const neither = { ...alice, NOT: [{ app_id: "a" }, { run_id: "r" }] };

bothWays("notExcludes", {
  any: [
    "excludes what passes any filter of NOT",
    async (rig) => expect(await passing(rig, neither)).toEqual(["alone"]),
  ],
  all: [
    "excludes only what passes all of them, and nothing by an empty NOT",
    async (rig) => {
      expect(await passing(rig, neither)).toEqual(["alone", "app"]);
      expect(await count(rig, { ...alice, NOT: [] })).toBe(3);
    },
  ],
});

async function emptyLogic(rig: Rig): Promise<readonly number[]> {
  await remember(rig, "Likes tea");
  return [await count(rig, { ...alice, AND: [] }), await count(rig, { ...alice, OR: [] })];
}

bothWays("emptyLogic", {
  everything: [
    "lets everything pass an empty AND or OR",
    async (rig) => expect(await emptyLogic(rig)).toEqual([1, 1]),
  ],
  nothing: ["lets nothing pass", async (rig) => expect(await emptyLogic(rig)).toEqual([0, 0])],
  refuse: ["refuses it", async (rig) => expect(await emptyLogic(rig)).toEqual([400, 400])],
});

/** How many memories, made in that second, pass the filter on this field. */
async function madeAt(rig: Rig, iso: string, field: object): Promise<number> {
  await remember(rig, "Likes tea", { ...alice, timestamp: Date.parse(iso) / 1000 });
  return count(rig, { ...alice, ...field });
}

bothWays("naiveDates", {
  utc: [
    "takes a date without a zone for one of UTC",
    async (rig) =>
      expect(await madeAt(rig, "2025-07-01T00:00:00Z", { created_at: { gte: "2025-07-01" } })).toBe(1),
  ],
  pacific: [
    "takes it for one of Los Angeles, in summer and winter, and heeds a zone that is told",
    async (rig) => {
      const made = "2025-07-01T00:00:00Z";
      expect(await madeAt(rig, made, { created_at: { gte: "2025-07-01" } })).toBe(0);
      const at = (created_at: string): Promise<number> => count(rig, { ...alice, created_at });
      expect([
        await at("2025-06-30T17:00:00"),
        await at(made),
        await at("2025-07-01T02:00:00+02:00"),
      ]).toEqual([1, 1, 1]);
      await rig.call("DELETE", "/v1/memories/?user_id=alice");
      expect(await madeAt(rig, "2025-01-01T08:00:00Z", { created_at: "2025-01-01" })).toBe(1);
    },
  ],
});

const upToFirst = { created_at: { lte: "2025-07-01" } };

bothWays("dateUpperBound", {
  midnight: [
    "ends a day at its beginning",
    async (rig) => expect(await madeAt(rig, "2025-07-01T12:00:00Z", upToFirst)).toBe(0),
  ],
  "day-end": [
    "ends it with the day, and not a moment with one",
    async (rig) => {
      expect(await madeAt(rig, "2025-07-01T23:59:59Z", upToFirst)).toBe(1);
      expect(await count(rig, { ...alice, created_at: { lte: "2025-06-30" } })).toBe(0);
      expect(await count(rig, { ...alice, created_at: { lte: "2025-07-01T00:00:00Z" } })).toBe(0);
    },
  ],
});

const before2026 = { timestamp: { lt: "2026-01-01" } };

bothWays("timestampFilter", {
  created_at: [
    "takes `timestamp` for `created_at`",
    async (rig) => expect(await madeAt(rig, "2025-07-01T00:00:00Z", before2026)).toBe(1),
  ],
  updated_at: [
    "takes it for `updated_at`",
    async (rig) => expect(await madeAt(rig, "2025-07-01T00:00:00Z", before2026)).toBe(0),
  ],
});

/** Which of the fields find a part written in other capitals: keywords, metadata, categories. */
async function otherCase(rig: Rig): Promise<readonly number[]> {
  await remember(rig, "Loves Rome", { ...alice, metadata: { city: "Rome" } });
  const fields = [
    { keywords: { contains: "rome" } },
    { metadata: { city: { contains: "rome" } } },
    { categories: { contains: "USER_PREF" } },
  ];
  return Promise.all(fields.map((field) => count(rig, { ...alice, ...field })));
}

bothWays("containsCase", {
  "per-field": [
    "heeds capitals in keywords and metadata, not in categories",
    async (rig) => expect(await otherCase(rig)).toEqual([0, 0, 1]),
  ],
  sensitive: ["heeds them everywhere", async (rig) => expect(await otherCase(rig)).toEqual([0, 0, 0])],
  insensitive: ["heeds them nowhere", async (rig) => expect(await otherCase(rig)).toEqual([1, 1, 1])],
});

async function byCategory(rig: Rig): Promise<readonly number[]> {
  await remember(rig, "Plays guitar");
  await remember(rig, "Eats pizza");
  return Promise.all([
    count(rig, { ...alice, categories: { eq: "food" } }),
    count(rig, { ...alice, categories: { ne: "food" } }),
    count(rig, { ...alice, categories: "food" }),
  ]);
}

bothWays("categoriesEquality", {
  false: [
    "refuses eq and ne of categories",
    async (rig) => expect(await byCategory(rig)).toEqual([400, 400, 400]),
  ],
  true: ["takes them, and no bare word", async (rig) => expect(await byCategory(rig)).toEqual([1, 1, 400])],
});
