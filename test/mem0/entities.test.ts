import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deleteEntity, type EntityType, listEntities } from "../../src/mem0/entities.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

const wire = {
  id: "90121",
  name: "alice",
  type: "user",
  owner: "dev",
  metadata: { plan: "pro" },
  created_at: "2026-07-10T06:13:12.123456-07:00",
  updated_at: "2026-07-10T06:13:20Z",
};

const parsed = {
  entityId: "90121",
  name: "alice",
  type: "user",
  metadata: { plan: "pro" },
  createdAt: new Date("2026-07-10T13:13:12.123Z"),
  updatedAt: new Date("2026-07-10T06:13:20Z"),
};

const noTotals = { users: null, agents: null, apps: null, runs: null };

describe("listEntities", () => {
  test("answers a page and the totals of the project", async () => {
    server.answer(200, {
      count: 5,
      next: "https://api.mem0.ai/v1/entities/?page=2&page_size=1",
      previous: null,
      results: [wire],
      total_users: 2,
      total_agents: 1,
      total_apps: 0,
      total_runs: 2,
    });
    expect(await listEntities(mem0, { page: 1, pageSize: 1 })).toEqual({
      items: [parsed],
      count: 5,
      page: 1,
      pageSize: 1,
      hasNext: true,
      totals: { users: 2, agents: 1, apps: 0, runs: 2 },
    });
    expect(server.seen[0]).toMatchObject({
      method: "GET",
      url: "/v1/entities/?page=1&page_size=1",
      body: "",
    });
  });

  test("reads the bare array of older servers, and a number for an id", async () => {
    server.answer(200, [{ id: 90121, name: "run-1", type: "run" }]);
    expect(await listEntities(mem0)).toEqual({
      items: [
        { entityId: "90121", name: "run-1", type: "run", metadata: null, createdAt: null, updatedAt: null },
      ],
      count: 1,
      page: 1,
      pageSize: 100,
      hasNext: false,
      totals: noTotals,
    });
  });

  test("ends where Mem0 has no such page, and there are no totals then", async () => {
    server.answer(404, { detail: "Invalid page." });
    expect(await listEntities(mem0, { page: 9 })).toEqual({
      items: [],
      count: null,
      page: 9,
      pageSize: 100,
      hasNext: false,
      totals: noTotals,
    });
  });

  test("fails for an entity of a type that there is not, instead of leaving a hole", async () => {
    server.answer(200, { count: 1, next: null, results: [{ ...wire, type: "team" }] });
    expect(await failureOf(listEntities(mem0))).toMatchObject({ reason: "unexpected-body" });
  });

  test("refuses a page that there cannot be", async () => {
    expect(await failureOf(listEntities(mem0, { page: 0 }))).toMatchObject({ argument: "page" });
    expect(await failureOf(listEntities(mem0, { pageSize: 201 }))).toMatchObject({ argument: "pageSize" });
    expect(server.seen).toEqual([]);
  });
});

describe("deleteEntity", () => {
  test("addresses the entity by its name, encoded, and answers the event", async () => {
    server.answer(200, { message: "Delete in progress.", event_id: "a4a512fd-0c1e-4a52-9d0e-2b1f6f1c7a10" });
    expect(await deleteEntity(mem0, "user", "ada+x/y@acme.test")).toEqual({
      eventId: "a4a512fd-0c1e-4a52-9d0e-2b1f6f1c7a10",
    });
    const url = "/v2/entities/user/ada%2Bx%2Fy%40acme.test/";
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url, body: "" });
  });

  test("takes an empty answer for a deletion without an event", async () => {
    server.answerText(204, "");
    expect(await deleteEntity(mem0, "run", "r")).toEqual({ eventId: null });
  });

  test("does not name the entity, who may be a person, in a refusal", async () => {
    server.answer(400, { message: "Invalid entity type" });
    const failure = await failureOf(deleteEntity(mem0, "user", "ada@acme.test"));
    expect(failure).toMatchObject({ name: "Mem0Refused", status: 400 });
    expect(String(failure)).not.toContain("ada");
  });

  test.each(["", " ", "*", ".", "..", "a/../b", "a\\..\\b", "../../v1/memories"])(
    "never sends the name %j, which would address something else",
    async (name) => {
      expect(await failureOf(deleteEntity(mem0, "user", name))).toMatchObject({
        name: "InvalidArgument",
        argument: "name",
      });
      expect(server.seen).toEqual([]);
    },
  );

  test("refuses a type that there is not", async () => {
    // The type forbids it; what comes at run time need not keep to it.
    const type = "users" as EntityType;
    expect(await failureOf(deleteEntity(mem0, type, "ada"))).toMatchObject({ argument: "type" });
    expect(server.seen).toEqual([]);
  });
});
