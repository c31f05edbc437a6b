import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { SearchIndex } from "../../src/emulator/search-index.ts";
import { remember } from "./remember.ts";
import { type Rig, startRig, until } from "./rig.ts";

const alice = { user_id: "alice" };
const folder = mkdtempSync(join(tmpdir(), "emulator-search-"));

interface Found {
  readonly id: string;
  readonly memory: string;
  readonly score: number;
}

async function search(rig: Rig, query: string, rest: object = {}): Promise<readonly Found[]> {
  const reply = await rig.call("POST", "/v3/memories/search/", { query, filters: alice, ...rest });
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
  return (reply.body as { results: readonly Found[] }).results;
}

async function texts(rig: Rig, query: string, rest?: object): Promise<readonly string[]> {
  return (await search(rig, query, rest)).map(({ memory }) => memory);
}

async function importMany(rig: Rig, count: number, textOf: (index: number) => string): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({ role: "user", content: textOf(index) }));
  const reply = await rig.call("POST", "/v3/memories/add/", { messages, ...alice, infer: false });
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
}

describe("what a search knows", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
    await remember(rig, "Owns a red bicycle");
    // From here on everything is kept in step, not read anew.
    await texts(rig, "bicycle");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it("follows an add, an update of the text, and a deletion at once", async () => {
    const id = await remember(rig, "Plays the violin");
    expect(await texts(rig, "violin")).toEqual(["Plays the violin"]);
    await rig.call("PUT", `/v1/memories/${id}/`, { text: "Plays the piano" });
    expect(await texts(rig, "violin")).toEqual([]);
    expect(await texts(rig, "piano")).toEqual(["Plays the piano"]);
    await rig.call("PUT", `/v1/memories/${id}/`, { metadata: { kept: true } });
    expect(await texts(rig, "piano", { metadata: { kept: true } })).toEqual(["Plays the piano"]);
    await rig.call("DELETE", `/v1/memories/${id}/`);
    expect(await texts(rig, "piano")).toEqual([]);
    expect(await texts(rig, "bicycle")).toEqual(["Owns a red bicycle"]);
  });

  it("keeps no trace of what has gone: scores are as if it had never been there, at the first search and the second", async () => {
    await remember(rig, "Owns a red car");
    const before = await search(rig, "who owns a red bicycle");
    const ids = [];
    for (const text of ["Red paint", "Red wine and a red car", "A bicycle repair shop"]) {
      ids.push(await remember(rig, text));
    }
    expect(await search(rig, "who owns a red bicycle")).not.toEqual(before);
    for (const id of ids) await rig.call("DELETE", `/v1/memories/${id}/`);
    expect(await search(rig, "who owns a red bicycle")).toEqual(before);
    expect(await search(rig, "who owns a red bicycle")).toEqual(before);
  });

  it("finds what an extraction adds only when its event is done, and what delete-all takes until then", async () => {
    await rig.switches({ addDelayMs: 3_600_000, deleteAllDelayMs: 300 });
    await rig.call("POST", "/v3/memories/add/", { messages: "I sail on lakes.", ...alice });
    expect(await texts(rig, "sail")).toEqual([]);
    await rig.call("DELETE", "/v1/memories/?user_id=alice");
    expect(await texts(rig, "bicycle")).toEqual(["Owns a red bicycle"]);
    await until(async () => (await texts(rig, "bicycle")).length === 0);
  });

  it("counts what a delayed deletion takes until its moment, and then no more", async () => {
    const before = await search(rig, "red bicycle");
    await remember(rig, "Paints in red", { user_id: "bob" });
    await rig.switches({ deleteAllDelayMs: 300 });
    await rig.call("DELETE", "/v1/memories/?user_id=bob");
    expect((await search(rig, "red bicycle"))[0]?.score).not.toBe(before[0]?.score);
    await until(async () => (await search(rig, "red bicycle"))[0]?.score === before[0]?.score);
  });

  it("is gone with a reset, and is the same after a restart", async () => {
    await rig.control("POST", "reset");
    expect(await texts(rig, "bicycle")).toEqual([]);
    const journalPath = join(folder, "journal");
    const first = await startRig({ journalPath });
    for (const text of ["Owns a red car", "Owns two red bicycles", "Paints in red"])
      await remember(first, text);
    const gone = await remember(first, "Owned a red bicycle");
    await search(first, "red bicycle");
    await rig.call("DELETE", `/v1/memories/${gone}/`);
    await first.call("DELETE", `/v1/memories/${gone}/`);
    const found = await search(first, "red bicycle");
    expect(found).toHaveLength(3);
    expect(await search(await startRig({ journalPath }), "red bicycle")).toEqual(found);
  });

  it("knows a word in its common forms, and passes over words that say nothing unless there are no others", async () => {
    await remember(rig, "Played tennis yesterday");
    expect(await texts(rig, "who is playing?")).toEqual(["Played tennis yesterday"]);
    await remember(rig, "It is what it is");
    expect(await texts(rig, "what is it?")).toEqual(["It is what it is"]);
  });

  it("weighs rare words more, and repeated ones and short texts by BM25", async () => {
    await importMany(rig, 30, (index) => `Tea, cup ${index}`);
    await remember(rig, "Tea with saffron");
    await remember(rig, "Cup of saffron, saffron and more saffron");
    expect((await texts(rig, "saffron"))[0]).toBe("Cup of saffron, saffron and more saffron");
    expect((await texts(rig, "tea saffron"))[0]).toBe("Tea with saffron");
    await remember(rig, "Cups");
    await remember(rig, "A cup among plates, forks, knives, spoons and glasses");
    expect((await texts(rig, "cups"))[0]).toBe("Cups");
  });

  it("compares a query with every one of thousands of memories that share its words, the oldest too", async () => {
    await remember(rig, "Green notes on the blue shelf");
    await importMany(
      rig,
      2500,
      (index) => `Notes on the ${index % 2 === 0 ? "blue" : "green"} shelf, ${index}`,
    );
    expect((await texts(rig, "green blue notes"))[0]).toBe("Green notes on the blue shelf");
    // Words that thousands have are remembered; they follow too.
    const id = await remember(rig, "Green, blue and other notes");
    expect((await texts(rig, "green blue notes", { top_k: 2 })).toSorted()).toEqual([
      "Green notes on the blue shelf",
      "Green, blue and other notes",
    ]);
    await rig.call("DELETE", `/v1/memories/${id}/`);
    expect(await texts(rig, "green blue notes", { threshold: 0.75 })).toEqual([
      "Green notes on the blue shelf",
    ]);
    await rig.call("DELETE", "/v1/memories/?user_id=alice");
    expect(await texts(rig, "green blue notes")).toEqual([]);
    await remember(rig, "Green and blue notes");
    expect(await texts(rig, "green blue notes")).toEqual(["Green and blue notes"]);
  });
});

describe("the index of words", () => {
  it("remembers where common words are, and is as right about them as about others", () => {
    const index = new SearchIndex();
    const textOf = (slot: number): string => `note ${slot % 3 === 0 ? "violet" : "grey"} item${slot}`;
    for (let slot = 0; slot < 4000; slot += 1) index.add(slot, textOf(slot));
    expect(index.occurrencesOf("violet").count).toBe(1334);
    for (let slot = 0; slot < 4000; slot += 2) index.remove(slot, textOf(slot));
    for (let slot = 4000; slot < 4100; slot += 1) index.add(slot, textOf(slot));
    const expected = Array.from({ length: 4100 }, (_, slot) => slot).filter(
      (slot) => slot % 3 === 0 && (slot % 2 === 1 || slot >= 4000),
    );
    const known = index.occurrencesOf("violet");
    expect(known.count).toBe(expected.length);
    expect(known.slots.filter((slot) => slot % 2 === 1 || slot >= 4000)).toEqual(expected);
    const fresh = new SearchIndex();
    for (let slot = 1; slot < 4100; slot += slot < 4000 && slot !== 3999 ? 2 : 1)
      fresh.add(slot, textOf(slot));
    expect(index.bm25Of(["violet"], (slot) => slot === 3)).toEqual(
      fresh.bm25Of(["violet"], (slot) => slot === 3),
    );
    expect(index.occurrencesOf("item4001")).toEqual({ slots: [4001], count: 1 });
    expect(index.occurrencesOf("item4000").count).toBe(1);
    expect(index.occurrencesOf("item2").count).toBe(0);
    expect(index.size).toBe(2100);
  });

  it("gives every wanted slot a share of BM25 between 0 and 1, and nothing to the others", () => {
    const index = new SearchIndex();
    for (const [slot, text] of ["tea", "tea and coffee", "coffee", "tea tea tea tea tea"].entries()) {
      index.add(slot, text);
    }
    const shares = index.bm25Of(["tea", "coffe", "absent"], (slot) => slot !== 2);
    expect([...shares.keys()].toSorted((one, other) => one - other)).toEqual([0, 1, 3]);
    for (const share of shares.values()) {
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(shares.get(3)).toBeGreaterThan(shares.get(0) ?? 1);
  });
});
