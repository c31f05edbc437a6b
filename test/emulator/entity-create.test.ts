import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { startRig } from "./rig.ts";

const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);

describe("an entity by itself", () => {
  it("is made before any memory names it, with a number, and stays the same one when one does", async () => {
    const rig = await startRig();
    const made = await rig.call("POST", "/v1/users/", { user_id: "alice", metadata: { vip: true } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.any(Number),
      user_id: "alice",
      metadata: { vip: true },
      created_at: date,
      updated_at: date,
      graph_entities: null,
      is_deleted: false,
      project: expect.any(Number),
    });
    await remember(rig, "Likes tea", { user_id: "alice" });
    const { id } = made.body as { id: number };
    const listed = (await rig.call("GET", "/v1/entities/")).body;
    expect(listed).toMatchObject({
      count: 1,
      total_users: 1,
      results: [{ id: String(id), name: "alice", type: "user", metadata: { vip: true } }],
    });
  });

  it.each(["agent", "app", "run"])("of the kind %s has a name beside its id", async (type) => {
    const rig = await startRig();
    const field = `${type}_id`;
    const reply = await rig.call("POST", `/v1/${type}s/`, { [field]: "x1", name: "Helper" });
    expect(reply).toMatchObject({ status: 201, body: { [field]: "x1", name: "Helper", metadata: {} } });
    expect((await rig.call("GET", `/v2/entities/${type}/x1/`)).body).toMatchObject([{ name: "x1", type }]);
    expect(await rig.call("POST", `/v1/${type}s/`, { name: " " })).toMatchObject({
      status: 400,
      body: { [field]: ["This field is required."], name: ["This field may not be blank."] },
    });
  });

  it("made again is the same one with its new metadata, or refused: existingEntity", async () => {
    const rig = await startRig();
    const first = (await rig.call("POST", "/v1/users/", { user_id: "alice", metadata: { a: 1 } })).body;
    const again = await rig.call("POST", "/v1/users/", { user_id: "alice", metadata: { b: 2 } });
    expect(again).toMatchObject({ status: 201, body: { metadata: { b: 2 } } });
    expect((again.body as { id: number }).id).toBe((first as { id: number }).id);
    await rig.switches({ existingEntity: "refuse" });
    expect(await rig.call("POST", "/v1/users/", { user_id: "alice" })).toMatchObject({
      status: 400,
      body: { user_id: ["user with this user_id already exists."] },
    });
    expect((await rig.call("POST", "/v1/users/", { user_id: "bob" })).status).toBe(201);
  });

  it("is another one in another project, and the number of the project is the same for all its own", async () => {
    const rig = await startRig();
    const eve = await rig.somebodyElse("eve@else.test");
    const make = async (as: typeof rig, user_id: string) =>
      (await as.call("POST", "/v1/users/", { user_id })).body as { id: number; project: number };
    const [alice, bob, hers] = [await make(rig, "alice"), await make(rig, "bob"), await make(eve, "alice")];
    expect(alice.project).toBe(bob.project);
    expect(hers.project).not.toBe(alice.project);
    expect(hers.id).not.toBe(alice.id);
  });
});

describe("deleting an entity by its number", () => {
  it("takes its memories along, only in the key's project and only of that type", async () => {
    const rig = await startRig();
    await remember(rig, "Likes tea", { user_id: "alice" });
    const { results } = (await rig.call("GET", "/v1/entities/")).body as { results: { id: string }[] };
    const id = results[0]?.id ?? "";
    // An agent of the same name is nobody the number means.
    await remember(rig, "Brews tea", { agent_id: "alice" });
    const left = async () => (await rig.tables()).memories.length;
    const eve = await rig.somebodyElse("eve@else.test");
    const done = { status: 200, body: { message: "Delete in progress. This may take some time." } };
    expect(await eve.call("DELETE", `/v1/entities/user/${id}/`)).toMatchObject(done);
    expect(await rig.call("DELETE", `/v1/entities/agent/${id}/`)).toMatchObject(done);
    expect(await rig.call("DELETE", "/v1/entities/user/1/")).toMatchObject(done);
    expect(await left()).toBe(2);
    expect(await rig.call("DELETE", `/v1/entities/user/${id}/`)).toMatchObject(done);
    expect(await left()).toBe(1);
    expect((await rig.call("GET", "/v1/entities/")).body).toMatchObject({ count: 1, total_agents: 1 });
  });

  it("wants a whole number and a type that exists", async () => {
    const rig = await startRig();
    expect(await rig.call("DELETE", "/v1/entities/user/alice/")).toMatchObject({
      status: 400,
      body: { error: "Invalid entity ID. Must be an integer." },
    });
    expect(await rig.call("DELETE", "/v1/entities/team/7/")).toMatchObject({
      status: 400,
      body: { error: "Invalid entity type" },
    });
  });
});

describe("what entities can be filtered by", () => {
  it("are the types of events, the project's categories and its users", async () => {
    const rig = await startRig();
    const { org_id, project_id } = await rig.ping();
    await remember(rig, "Likes tea", { user_id: "alice", agent_id: "bot" });
    const filters = async () => (await rig.call("GET", "/v1/entities/filters/")).body;
    const eventTypes = ["ADD", "UPDATE", "DELETE", "SEARCH", "GET_ALL", "GET", "DELETE_ALL", "DELETE_USER"];
    expect(await filters()).toMatchObject({ event_type: eventTypes, users: ["alice"] });
    expect(await filters()).toHaveProperty("categories", expect.arrayContaining(["music", "misc"]));
    const custom_categories = [{ tools: "what is used" }, "plain"];
    await rig.call("PATCH", rig.projectPath(org_id, project_id), { custom_categories });
    expect(await filters()).toHaveProperty("categories", ["tools", "plain"]);
  });
});
