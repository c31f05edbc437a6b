import { describe, expect, it } from "vitest";
import { invoke, listed, mem0ai, rejection, remember, rowsOf, seenDuring, startClient } from "./client.ts";

const inProgress = { message: "Delete in progress. This may take some time.", eventId: expect.any(String) };

describe("the entities", () => {
  it("come into being by adding, and are listed with their totals", async () => {
    const { rig, client } = await startClient();
    const ids = { userId: "alice", agentId: "butler", appId: "crm", runId: "r 1" };
    await remember(client, "Likes chess", ids);
    await remember(client, "Likes go", { userId: "bob" });
    const listing = await client.users();
    expect(listing).toMatchObject({
      ...{ count: 5, next: null, previous: null },
      ...{ totalUsers: 2, totalAgents: 1, totalApps: 1, totalRuns: 1 },
    });
    const rows = await rowsOf(rig, "entities");
    const shown = listing.results.map((entity) => entity);
    expect(shown.map(({ id, name, type, owner }) => ({ entity_id: id, name, type, owner }))).toEqual(
      expect.arrayContaining(
        rows.map(({ entity_id, name, type, owner }) => ({ entity_id, name, type, owner })),
      ),
    );
    expect(shown.find(({ name }) => name === "alice")).toMatchObject({
      metadata: null,
      createdAt: rows.find(({ name }) => name === "alice")?.["created_at"],
    });
  });

  it("come in pages", async () => {
    const { rig, client } = await startClient();
    for (const userId of ["a", "b", "c"]) await remember(client, `I am ${userId}`, { userId });
    const first = await client.users({ page: 1, pageSize: 2 });
    const second = await client.users({ page: 2, pageSize: 2 });
    expect([...first.results, ...second.results].map(({ name }) => name)).toEqual(["c", "b", "a"]);
    expect(first).toMatchObject({
      count: 3,
      next: `${rig.url}/v1/entities/?page=2&page_size=2`,
      totalUsers: 3,
    });
    expect(second).toMatchObject({ next: null, previous: expect.any(String) });
  });
});

describe("the deletion of entities", () => {
  it.each([
    [{ userId: "al ice/ü%1" }, "user"],
    [{ agentId: "al ice/ü%1" }, "agent"],
    [{ appId: "al ice/ü%1" }, "app"],
    [{ runId: "al ice/ü%1" }, "run"],
  ])("by name takes the memories along, and can be repeated: %j", async (named, type) => {
    const { rig, client } = await startClient();
    await remember(client, "Likes chess", named);
    await remember(client, "Likes go", { userId: "bob" });
    expect((await client.users()).results.map((entity) => entity.type)).toContain(type);
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await client.deleteUsers(named)).toEqual({ message: "Entity deleted successfully." });
      expect((await rowsOf(rig, "memories")).map(({ memory }) => memory)).toEqual(["Likes go"]);
      expect((await client.users()).results.map(({ name }) => name)).toEqual(["bob"]);
    }
    expect((await rowsOf(rig, "events")).map(({ event_type }) => event_type)).toEqual(
      expect.arrayContaining(["DELETE_USER"]),
    );
  });

  it("by number, as lists show it, takes the memories along", async () => {
    const { client } = await startClient();
    await remember(client, "Likes chess");
    const [alice] = (await client.users()).results;
    const entity_id = Number(alice?.id);
    expect(await invoke(client, "deleteUser", [{ entity_id, entity_type: "user" }])).toEqual(inProgress);
    expect(await listed(client)).toEqual([]);
    expect((await client.users()).count).toBe(0);
  });

  it("of all deletes each of those listed, and of none sends no deletion", async () => {
    const { rig, client } = await startClient();
    await remember(client, "Likes chess", { userId: "alice", agentId: "butler", appId: "crm", runId: "r" });
    await remember(client, "Likes go", { userId: "bob" });
    const seen = await seenDuring(rig, async () => {
      expect(await client.deleteUsers()).toEqual({ message: "All users, agents, apps and runs deleted." });
    });
    expect(seen.map(({ method }) => method)).toEqual(["GET", ...Array.from({ length: 5 }, () => "DELETE")]);
    expect(await rowsOf(rig, "memories")).toEqual([]);
    expect(await rowsOf(rig, "entities")).toEqual([]);
    const again = await seenDuring(rig, async () => {
      expect(await rejection(client.deleteUsers())).toMatchObject({ message: "No entities to delete" });
    });
    expect(again.map(({ method }) => method)).toEqual(["GET"]);
  });
});

describe("the deletion of all memories", () => {
  it.each([
    [{ userId: "alice" }, ["of bob", "of the butler"]],
    [{ agentId: "butler" }, ["of alice", "of alice in the app", "of bob"]],
    [{ userId: "alice", appId: "crm" }, ["of alice", "of bob", "of the butler"]],
    [{ userId: "*" }, ["of the butler"]],
    [{ userId: "nobody" }, ["of alice", "of alice in the app", "of bob", "of the butler"]],
    [{ userId: "alice", metadata: '{"topic":"x"}' }, ["of alice in the app", "of bob", "of the butler"]],
  ])("of %j leaves the rest", async (options, left) => {
    const { rig, client } = await startClient();
    await remember(client, "of alice", { userId: "alice", metadata: { topic: "x" } });
    await remember(client, "of alice in the app", { userId: "alice", appId: "crm" });
    await remember(client, "of bob", { userId: "bob" });
    await remember(client, "of the butler", { agentId: "butler" });
    expect(await client.deleteAll(options)).toEqual(inProgress);
    expect((await rowsOf(rig, "memories")).map(({ memory }) => memory)).toEqual(left);
  });

  it("by four wildcards wipes what has all four ids, and by one at a time everything", async () => {
    const { rig, client } = await startClient();
    await remember(client, "of both", { userId: "alice", agentId: "butler" });
    await remember(client, "of a run", { runId: "r" });
    for (const name of ["userId", "agentId", "appId", "runId"]) await client.deleteAll({ [name]: "*" });
    expect(await rowsOf(rig, "memories")).toEqual([]);
    expect(await rowsOf(rig, "entities")).toEqual([]);
  });

  it("in one request without any id is refused, and takes nothing", async () => {
    const { client } = await startClient();
    await remember(client, "Likes chess");
    expect(await rejection(client.deleteAll({}))).toBeInstanceOf(mem0ai.ValidationError);
    expect(await listed(client)).toEqual(["Likes chess"]);
  });
});
