import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig, until } from "./rig.ts";

const alice = { user_id: "alice" };
const uuid = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const inProgress = { message: "Delete in progress. This may take some time.", event_id: uuid };

interface Entity {
  readonly id: string;
  readonly name: string;
}

async function entities(rig: Rig): Promise<readonly Entity[]> {
  return ((await rig.call("GET", "/v1/entities/")).body as { results: Entity[] }).results;
}

async function count(rig: Rig, filters: object = alice): Promise<number> {
  return ((await rig.call("POST", "/v3/memories/", { filters })).body as { count: number }).count;
}

describe("delete all", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const deleteAll = (query: string, body?: object) => rig.call("DELETE", `/v1/memories/${query}`, body);

  it("takes what the query names, with the entity, behind an event; a user nobody knows is a 200 too", async () => {
    await remember(rig, "a");
    await remember(rig, "b", { user_id: "bob" });
    const reply = await deleteAll("?user_id=alice");
    expect([reply.status, reply.body]).toEqual([200, inProgress]);
    expect([await count(rig), await count(rig, { user_id: "bob" })]).toEqual([0, 1]);
    expect((await entities(rig)).map(({ name }) => name)).toEqual(["bob"]);
    const { event_id } = reply.body as { event_id: string };
    expect((await rig.call("GET", `/v1/event/${event_id}/`)).body).toMatchObject({
      event_type: "DELETE_ALL",
      status: "SUCCEEDED",
      payload: { user_id: "alice" },
    });
    expect(await deleteAll("?user_id=nobody")).toMatchObject({ status: 200, body: inProgress });
  });

  it("reads a plus as a space, and takes every memory with such an id for a star", async () => {
    await remember(rig, "a", { user_id: "al ice" });
    await remember(rig, "b", { agent_id: "bot" });
    await remember(rig, "c", { user_id: "bob" });
    await deleteAll("?user_id=al+ice");
    expect(await count(rig, { user_id: "al ice" })).toBe(0);
    await deleteAll("?user_id=*");
    expect([await count(rig, { user_id: "bob" }), await count(rig, { agent_id: "bot" })]).toEqual([0, 1]);
    expect((await entities(rig)).map(({ name }) => name)).toEqual(["bot"]);
  });

  it("takes everything for four stars, whatever ids a memory has, and ANDs fewer", async () => {
    await remember(rig, "a");
    await remember(rig, "b", { agent_id: "bot", run_id: "1" });
    await deleteAll("?user_id=*&agent_id=*&app_id=*");
    expect((await rig.tables()).memories).toHaveLength(2);
    await deleteAll("?user_id=*&agent_id=*&app_id=*&run_id=*");
    expect((await rig.tables()).memories).toEqual([]);
    expect((await rig.tables()).entities).toEqual([]);
  });

  it("ANDs several ids, or heeds the first only, by the switch deleteAllHeedsFirstIdOnly", async () => {
    await remember(rig, "a", { ...alice, run_id: "1" });
    await remember(rig, "b", { ...alice, run_id: "2" });
    await deleteAll("?user_id=alice&run_id=1");
    expect(await count(rig)).toBe(1);
    expect((await entities(rig)).map(({ name }) => name).toSorted()).toEqual(["2", "alice"]);
    await rig.switches({ deleteAllHeedsFirstIdOnly: true });
    await deleteAll("?user_id=alice&run_id=none");
    expect(await count(rig)).toBe(0);
  });

  it("can go by metadata", async () => {
    await remember(rig, "a", { ...alice, metadata: { trip: "Rome" } });
    await remember(rig, "b", alice);
    await deleteAll(`?metadata=${encodeURIComponent('{"trip":"Rome"}')}`);
    expect(await count(rig)).toBe(1);
    expect(await deleteAll("?metadata=%5Bobject+Object%5D")).toMatchObject({
      status: 400,
      body: { metadata: [expect.any(String)] },
    });
  });

  it.each(["", "?user_id=", "?org_id=o&project_id=p"])(
    "without a filter is a 400: %j, whatever the body says",
    async (query) => {
      await remember(rig, "a");
      expect(await deleteAll(query, alice)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining("At least one filter is required") },
      });
      expect(await count(rig)).toBe(1);
    },
  );

  it("does not reach what is still being added, which then belongs to a new entity", async () => {
    await remember(rig, "old");
    await rig.switches({ addDelayMs: 1500 });
    const messages = [{ role: "user", content: "late" }];
    await rig.call("POST", "/v3/memories/add/", { messages, ...alice });
    await deleteAll("?user_id=alice");
    expect([await count(rig), await entities(rig)]).toEqual([0, []]);
    await until(async () => (await count(rig)) === 1);
    expect(await entities(rig)).toMatchObject([{ name: "alice" }]);
  });

  it("leaves everything readable, and its event running, for deleteAllDelayMs", async () => {
    await remember(rig, "a");
    await rig.switches({ deleteAllDelayMs: 1500 });
    const { event_id } = (await deleteAll("?user_id=alice")).body as { event_id: string };
    expect([await count(rig), (await entities(rig)).length]).toEqual([1, 1]);
    const status = async (): Promise<unknown> =>
      ((await rig.call("GET", `/v1/event/${event_id}/`)).body as { status: string }).status;
    expect(await status()).toBe("PENDING");
    await until(async () => (await status()) === "SUCCEEDED");
    expect([await count(rig), await entities(rig)]).toEqual([0, []]);
  });

  it("is fast enough for 10,000 memories, and so are lists and searches", async () => {
    for (let batch = 0; batch < 10; batch += 1) {
      const messages = Array.from({ length: 1000 }, (_, index) => ({
        role: "user",
        content: `Alice noted fact ${batch * 1000 + index}`,
      }));
      await rig.call("POST", "/v3/memories/add/", { messages, ...alice, infer: false });
    }
    expect(await count(rig)).toBe(10_000);
    const startedMs = performance.now();
    await rig.call("POST", "/v3/memories/search/", { query: "fact 777", filters: alice });
    await rig.call("POST", "/v3/memories/", { filters: alice });
    await deleteAll("?user_id=alice");
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await count(rig)).toBe(0);
  });
});
