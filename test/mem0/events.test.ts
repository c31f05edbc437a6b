import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventStatuses, getEvent, hasEnded, listEvents } from "../../src/mem0/events.ts";
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
  id: "2c4d1f44-4f7b-4b2f-9f6e-7b5b4f5a1234",
  event_type: "ADD",
  status: "SUCCEEDED",
  payload: { user_id: "alice", infer: true },
  metadata: { batch: 1 },
  results: [
    {
      id: "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21",
      event: "ADD",
      user_id: "alice",
      data: { memory: "User moved to Austin" },
      linked_memory_ids: [],
    },
  ],
  created_at: "2026-07-10T06:13:12.123456-07:00",
  updated_at: "2026-07-10T06:13:20Z",
  started_at: "2026-07-10T06:13:13Z",
  completed_at: "2026-07-10T06:13:17Z",
  latency: 4612.3,
  graph_status: null,
  error: null,
};

const parsed = {
  eventId: wire.id,
  type: "ADD",
  status: "SUCCEEDED",
  results: [
    {
      memoryId: "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21",
      event: "ADD",
      memory: "User moved to Austin",
      userId: "alice",
      agentId: null,
    },
  ],
  payload: { user_id: "alice", infer: true },
  metadata: { batch: 1 },
  error: null,
  createdAt: new Date("2026-07-10T13:13:12.123Z"),
  updatedAt: new Date("2026-07-10T06:13:20Z"),
  startedAt: new Date("2026-07-10T06:13:13Z"),
  completedAt: new Date("2026-07-10T06:13:17Z"),
  latencyMs: 4612.3,
};

describe("getEvent", () => {
  test("reads an event from the path in the singular", async () => {
    server.answer(200, wire);
    expect(await getEvent(mem0, wire.id)).toEqual(parsed);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: `/v1/event/${wire.id}/`, body: "" });
  });

  test("reads one that has only begun", async () => {
    server.answer(200, { id: wire.id, event_type: "ADD", status: "PENDING" });
    expect(await getEvent(mem0, wire.id)).toEqual({
      eventId: wire.id,
      type: "ADD",
      status: "PENDING",
      results: [],
      payload: null,
      metadata: null,
      error: null,
      createdAt: null,
      updatedAt: null,
      startedAt: null,
      completedAt: null,
      latencyMs: null,
    });
  });

  test("takes a status that nobody documented for running, which never ends a wait too early", async () => {
    server.answer(200, { ...wire, status: "PROCESSING" });
    expect(await getEvent(mem0, wire.id)).toMatchObject({ status: "RUNNING" });
  });

  test("keeps the results that name a memory, in whichever form, and leaves out the others", async () => {
    const id = "ea925981-272f-40dd-b576-be64e4871429";
    server.answer(200, {
      ...wire,
      event_type: "SEARCH",
      results: [{ id, memory: "x", agent_id: "a" }, { message: "ok" }],
    });
    server.answer(200, { ...wire, results: { message: "ok" } });
    expect((await getEvent(mem0, wire.id)).results).toEqual([
      { memoryId: id, event: "SEARCH", memory: "x", userId: null, agentId: "a" },
    ]);
    expect((await getEvent(mem0, wire.id)).results).toEqual([]);
  });

  test("says why it failed", async () => {
    server.answer(200, { ...wire, status: "FAILED", error: "model gave up" });
    expect(await getEvent(mem0, wire.id)).toMatchObject({ status: "FAILED", error: "model gave up" });
  });

  test("fails with 404 for an event that is not there, and sends no id that is no UUID", async () => {
    server.answer(404, { error: "Event not found or you don't have permission to access it." });
    expect(await failureOf(getEvent(mem0, wire.id))).toMatchObject({ name: "Mem0Refused", status: 404 });
    expect(await failureOf(getEvent(mem0, "event"))).toMatchObject({ argument: "eventId" });
    expect(server.seen).toHaveLength(1);
  });
});

describe("listEvents", () => {
  test("asks by page alone, and follows a relative `next`", async () => {
    server.answer(200, { count: 3, next: "/v1/events/?page=3", previous: "/v1/events/", results: [wire] });
    expect(await listEvents(mem0, { page: 2 })).toEqual({
      items: [parsed],
      count: 3,
      page: 2,
      pageSize: null,
      hasNext: true,
    });
    expect(server.seen[0]).toMatchObject({ method: "GET", url: "/v1/events/?page=2" });
  });
});

describe("hasEnded", () => {
  test("is true of success, failure and cancellation", () => {
    expect(eventStatuses.filter(hasEnded)).toEqual(["SUCCEEDED", "FAILED", "CANCELLED"]);
  });
});
