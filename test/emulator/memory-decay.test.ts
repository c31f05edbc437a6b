import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const day = 86_400;
const alice = { user_id: "alice" };

interface Found {
  readonly id: string;
  readonly memory: string;
  readonly score: number;
  readonly score_breakdown: Readonly<Record<string, number>>;
}

describe("a project's decay", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const setDecay = async (decay: boolean): Promise<void> => {
    const { org_id, project_id } = await rig.ping();
    const reply = await rig.call("PATCH", rig.projectPath(org_id, project_id), { decay });
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
  };
  const search = async (query: string, rest: object = {}): Promise<readonly Found[]> => {
    const reply = await rig.call("POST", "/v3/memories/search/", { query, filters: alice, ...rest });
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
    return (reply.body as { results: readonly Found[] }).results;
  };
  /** By what decay multiplied the score of what the query finds first. */
  const factor = async (query: string, rest: object = {}): Promise<number> => {
    const [found] = await search(query, rest);
    const plain = Object.values(found?.score_breakdown ?? {}).reduce((left, right) => left + right, 0);
    return (found?.score ?? Number.NaN) / plain;
  };
  const seconds = (): number => Date.now() / 1000;
  const aged = (days: number): object => ({ ...alice, timestamp: Math.floor(seconds() - days * day) });

  it("has no effect until it is switched on, and none on older versions of the search", async () => {
    await remember(rig, "Drinks green tea", aged(300));
    expect(await factor("tea coffee")).toBeCloseTo(1, 4);
    await setDecay(true);
    const second = await rig.call("POST", "/v2/memories/search/", { query: "tea coffee", filters: alice });
    const [found] = second.body as readonly Found[];
    await setDecay(false);
    const [plain] = await search("tea coffee");
    expect(found?.score).toBe(plain?.score);
    expect(found?.score).toBeGreaterThan(0);
  });

  it("multiplies the score by 1.5 for what is fresh, down to 0.3 for what nobody has used for months", async () => {
    await setDecay(true);
    await remember(rig, "Drinks green tea", aged(300));
    await remember(rig, "Drives a car", aged(14));
    await remember(rig, "Plays the violin", alice);
    expect(await factor("tea coffee milk")).toBeCloseTo(0.3, 3);
    expect(await factor("car bike tram")).toBeCloseTo(0.9, 3);
    expect(await factor("violin guitar harp")).toBeCloseTo(1.5, 3);
  });

  it("takes what a search returned for used just then, whatever searches asked, and not what it left out", async () => {
    await remember(rig, "Drinks green tea", aged(300));
    await remember(rig, "Drives a car", aged(300));
    await search("tea");
    await setDecay(true);
    expect(await factor("tea coffee milk")).toBeCloseTo(1.5, 3);
    expect(await factor("car bike tram")).toBeCloseTo(0.3, 3);
  });

  it("takes an update for a use too", async () => {
    await setDecay(true);
    const id = await remember(rig, "Drinks green tea", aged(300));
    await rig.call("PUT", `/v1/memories/${id}/`, { metadata: { seen: true } });
    expect(await factor("tea coffee milk")).toBeCloseTo(1.5, 3);
  });

  it("looks from the moment that reference_date names", async () => {
    await setDecay(true);
    await remember(rig, "Drinks green tea", alice);
    const inDays = (days: number): object => ({ reference_date: seconds() + days * day });
    expect(await factor("tea coffee milk", inDays(14))).toBeCloseTo(0.9, 3);
    expect(await factor("tea coffee milk", inDays(1000))).toBeCloseTo(0.3, 3);
    // What is still to come is not older than new.
    expect(await factor("tea coffee milk", inDays(-1000))).toBeCloseTo(1.5, 3);
  });

  it("orders what fits alike by use, keeps the score within 1, and hides nothing", async () => {
    await setDecay(true);
    const stale = await remember(rig, "Drinks tea at noon", aged(300));
    const fresh = await remember(rig, "Drinks tea at night", aged(1));
    await remember(rig, "Drinks tea with alice", { ...alice, agent_id: "tea" });
    const found = await search("drinks tea alice");
    expect(found).toHaveLength(3);
    expect(found.map(({ id }) => id).slice(1)).toEqual([fresh, stale]);
    for (const { score } of found) {
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    expect(found[0]?.score).toBe(1);
  });

  it("forgets uses with a reset", async () => {
    await remember(rig, "Drinks green tea", aged(300));
    await search("tea");
    await rig.control("POST", "reset");
    await setDecay(true);
    await remember(rig, "Drinks green tea", aged(300));
    expect(await factor("tea coffee milk")).toBeCloseTo(0.3, 3);
  });
});
