import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig, until } from "./rig.ts";

const alice = { user_id: "alice" };

async function count(rig: Rig, filters: object = alice): Promise<number> {
  return ((await rig.call("POST", "/v3/memories/", { filters })).body as { count: number }).count;
}

describe("categories", () => {
  it("come with the memory, or later under the switch categoriesDelayMs", async () => {
    const rig = await startRig();
    const read = async (id: string): Promise<unknown> =>
      ((await rig.call("GET", `/v1/memories/${id}/`)).body as { categories: unknown }).categories;
    expect(await read(await remember(rig, "Plays guitar"))).toEqual(["music"]);
    await rig.switches({ categoriesDelayMs: 1500 });
    const id = await remember(rig, "Eats pizza");
    expect(await read(id)).toBeNull();
    const filters = { ...alice, categories: { in: ["food"] } };
    expect(await count(rig, filters)).toBe(0);
    await until(async () => (await read(id)) !== null);
    expect([await read(id), await count(rig, filters)]).toEqual([["food"], 1]);
  });

  it("are the project's own where it has some, or those of the call; misc only among the default ones", async () => {
    const rig = await startRig();
    const { org_id, project_id } = await rig.ping();
    const own = [{ vehicles: "cars, bicycles, trains" }, "beverages"];
    await rig.call("PATCH", rig.projectPath(org_id, project_id), { custom_categories: own });
    const filed = async (text: string, over: object = {}): Promise<unknown> => {
      const id = await remember(rig, text, { ...alice, ...over });
      return ((await rig.call("GET", `/v1/memories/${id}/`)).body as { categories: unknown }).categories;
    };
    expect(await filed("Loves cars and beverages")).toEqual(["vehicles", "beverages"]);
    expect(await filed("Plays guitar")).toBeNull();
    const custom_categories = [{ instruments: "guitar or drums" }];
    expect(await filed("Plays a loud guitar", { custom_categories })).toEqual(["instruments"]);
    await rig.call("PATCH", rig.projectPath(org_id, project_id), { custom_categories: [] });
    expect(await filed("Zzz")).toEqual(["misc"]);
  });
});
