import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

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

describe("entities", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("of all four types are listed newest first in pages, with totals, each once", async () => {
    await remember(rig, "a", { user_id: "alice", agent_id: "bot", app_id: "app", run_id: "run" });
    await remember(rig, "b", alice);
    await remember(rig, "c", { user_id: "bob" });
    const reply = await rig.call("GET", "/v1/entities/?page_size=2");
    expect(reply.body).toEqual({
      count: 5,
      next: `${rig.url}/v1/entities/?page_size=2&page=2`,
      previous: null,
      results: [
        {
          id: expect.stringMatching(/^\d+$/),
          name: "bob",
          type: "user",
          owner: "platform",
          metadata: null,
          created_at: expect.any(String),
          updated_at: expect.any(String),
        },
        expect.anything(),
      ],
      total_users: 2,
      total_agents: 1,
      total_apps: 1,
      total_runs: 1,
    });
    expect((await rig.call("GET", "/v1/entities/?page=4&page_size=2")).status).toBe(404);
    const eve = await rig.somebodyElse("eve@else.test");
    expect(await entities(eve)).toEqual([]);
  });

  it("are read by type and name as a bare array, empty for none", async () => {
    await remember(rig, "a", { user_id: "al ice/1" });
    const reply = await rig.call("GET", "/v2/entities/user/al%20ice%2F1/");
    expect(reply).toMatchObject({ status: 200, body: [{ name: "al ice/1", type: "user" }] });
    expect((await rig.call("GET", "/v2/entities/agent/al%20ice%2F1/")).body).toEqual([]);
    expect((await rig.call("GET", "/v2/entities/robot/x/")).status).toBe(400);
  });

  it("take their memories along when deleted, nobody else's, and answer 200 again", async () => {
    await remember(rig, "both", { user_id: "alice", agent_id: "bot" });
    await remember(rig, "mine", alice);
    await remember(rig, "bob's", { user_id: "bob", agent_id: "alice" });
    const reply = await rig.call("DELETE", "/v2/entities/user/alice/");
    expect([reply.status, reply.body]).toEqual([200, inProgress]);
    expect([await count(rig), await count(rig, { user_id: "bob" })]).toEqual([0, 1]);
    expect((await entities(rig)).map(({ name }) => name).toSorted()).toEqual(["alice", "bob", "bot"]);
    const { event_id } = reply.body as { event_id: string };
    expect((await rig.call("GET", `/v1/event/${event_id}/`)).body).toMatchObject({
      event_type: "DELETE_USER",
      status: "SUCCEEDED",
    });
    expect(await rig.call("DELETE", "/v2/entities/user/alice/")).toMatchObject({
      status: 200,
      body: inProgress,
    });
    expect(await rig.call("DELETE", "/v2/entities/robot/alice/")).toMatchObject({
      status: 400,
      body: { message: "Invalid entity type" },
    });
  });

  it("that come back after a deletion are new ones of the same name", async () => {
    await remember(rig, "a");
    const [before] = await entities(rig);
    await rig.call("DELETE", "/v2/entities/user/alice/");
    await remember(rig, "a");
    const [after] = await entities(rig);
    expect(after?.name).toBe("alice");
    expect(after?.id).not.toBe(before?.id);
    const names = (await rig.tables("?deleted=true")).entities.map(({ name }) => name);
    expect(names).toEqual([expect.stringMatching(/^alice_deleted_\d{10}$/), "alice"]);
  });
});
