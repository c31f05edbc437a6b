import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FuzzGround, openFuzzGround } from "./fuzz-ground.ts";
import { allPlaces } from "./fuzz-places.ts";
import { everyFieldAndKind, newTally, runBatch } from "./fuzz-tries.ts";

let ground: FuzzGround;

beforeAll(async () => {
  ground = await openFuzzGround();
});
afterAll(() => ground?.close());

describe("every field that takes an id, a filter or a name", () => {
  it("tells nobody of another tenant, changes nothing of it, and answers as of what never was, by every kind of name", async () => {
    const tally = newTally();
    const tries = everyFieldAndKind();
    for (let at = 0; at < tries.length; at += 500) await runBatch(ground, tries.slice(at, at + 500), tally);
    expect(tally.findings.map(({ sort, words }) => `${sort} ${words}`)).toEqual([]);
    expect(tally.tries).toBe(tries.length);
    // The tries are no idle talk: each of these did what it does for its own tenant.
    const names = [
      "addMemories",
      "updateMemory",
      "updateMemories",
      "createMemoryExport",
      "deleteMatchingMemories",
    ];
    // The other lists take no name but a cursor, and a cursor of nobody is refused.
    const reads = ["memories", "searchMemories"];
    expect([...tally.served]).toEqual(
      expect.arrayContaining([
        ...names.map((name) => `Mutation.${name}`),
        ...reads.map((name) => `Tenant.${name}`),
      ]),
    );
    expect(tally.outcomes.get("NOT_FOUND") ?? 0).toBeGreaterThan(100);
    expect(tally.outcomes.get("BAD_CURSOR") ?? 0).toBeGreaterThan(20);
    if (process.env["LOCI_FUZZ_SHOW"]) console.log(tally.repeated, tally.outcomes, tally.served);
  }, 180_000);

  it("is found in the schema, down to the last name in a filter", () => {
    const found = allPlaces().map(({ root, field, path }) => `${root}.${field} ${path.join(".")}`);
    expect(found).toEqual(
      expect.arrayContaining([
        "Query.node id",
        "Query.nodes ids",
        "Subscription.operationUpdated id",
        "Tenant.memories filter.memoryIds",
        "Mutation.updateMemories input.updates.id",
        "Mutation.revokeApiToken input.id",
      ]),
    );
  });
});
