import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  batchItemsMax,
  deleteMemories,
  type MemoryUpdate,
  updateMemories,
} from "../../src/mem0/memory-batches.ts";
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

const [one = "", two = "", three = ""] = ids(3);
const project = { orgId: "org_1", projectId: "proj_2" };
const quota = {
  error: "Usage quota exceeded for this billing period.",
  event_type: "DELETE",
  quota_limit: 1000,
  quota_used: 1000,
  quota_reset: "2026-09-01T00:00:00+00:00",
};

function ids(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}

function bodyOf(index: number): { readonly memories: readonly { readonly memory_id: string }[] } {
  return JSON.parse(server.seen[index]?.body ?? "");
}

function sentIds(index: number): string[] {
  return bodyOf(index).memories.map((memory) => memory.memory_id);
}

describe("updateMemories", () => {
  test("puts texts and metadata, and tells that all is done", async () => {
    server.answer(200, { message: "Successfully updated 2 memories" });
    const updates = [
      { memoryId: one, text: "Moved" },
      { memoryId: two, metadata: { trip: 1 } },
    ];
    expect(await updateMemories(mem0, updates, { project })).toEqual([
      { memoryId: one, isDone: true, error: null },
      { memoryId: two, isDone: true, error: null },
    ]);
    expect(server.seen[0]).toMatchObject({ method: "PUT", url: "/v1/batch/" });
    expect(bodyOf(0)).toEqual({
      memories: [
        { memory_id: one, text: "Moved" },
        { memory_id: two, metadata: { trip: 1 } },
      ],
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  const refused: [string, string, readonly MemoryUpdate[]][] = [
    ["nothing", "updates", []],
    ["an id that is none", "updates.0.memoryId", [{ memoryId: "m", text: "x" }]],
    ["an update of nothing", "updates.1", [{ memoryId: one, text: "x" }, { memoryId: two }]],
    ["a blank text", "updates.0.text", [{ memoryId: one, text: "" }]],
    ["too long metadata", "updates.0.metadata", [{ memoryId: one, metadata: { k: "x".repeat(2000) } }]],
    [
      "a memory twice",
      "updates.1.memoryId",
      [
        { memoryId: one, text: "x" },
        { memoryId: one.toUpperCase(), text: "y" },
      ],
    ],
  ];

  test.each(refused)("refuses %s before anything is sent", async (_name, argument, updates) => {
    expect(await failureOf(updateMemories(mem0, updates))).toMatchObject({
      name: "InvalidArgument",
      argument,
    });
    expect(server.seen).toEqual([]);
  });
});

describe("deleteMemories", () => {
  test("deletes with a body, also one memory, and takes an empty answer for done", async () => {
    server.answer(200, { message: "Successfully deleted 1 memory" });
    server.answerText(204, "");
    expect(await deleteMemories(mem0, [one])).toEqual([{ memoryId: one, isDone: true, error: null }]);
    expect(await deleteMemories(mem0, [one])).toEqual([{ memoryId: one, isDone: true, error: null }]);
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url: "/v1/batch/" });
    expect(bodyOf(0)).toEqual({ memories: [{ memory_id: one }] });
  });

  test("does not take more for done than Mem0 counted", async () => {
    server.answer(200, { message: "Successfully deleted 1 memories" });
    expect(await deleteMemories(mem0, [one, two])).toEqual([
      { memoryId: one, isDone: null, error: null },
      { memoryId: two, isDone: null, error: null },
    ]);
  });

  test("splits into requests of 1000, of which a failed one does not hide the others", async () => {
    const all = ids(2500);
    server.answer(200, { message: "Successfully deleted 1000 memories" });
    server.answer(400, { error: "no" });
    server.answer(200, { message: "Successfully deleted 500 memories" });
    const items = await deleteMemories(mem0, all);
    expect([0, 1, 2].flatMap(sentIds)).toEqual(all);
    expect([0, 1, 2].map((index) => sentIds(index).length)).toEqual([1000, 1000, 500]);
    expect(items.map((item) => item.memoryId)).toEqual(all);
    expect(items.map((item) => item.isDone)).toEqual([
      ...Array(1000).fill(true),
      ...Array(1000).fill(false),
      ...Array(500).fill(true),
    ]);
    expect(items[999]?.error).toBeNull();
    expect(items[1000]?.error).toMatchObject({ name: "Mem0Refused", status: 400 });
    expect(items[2499]?.error).toBeNull();
  });

  test("does not know of a request whose answer was lost, and goes on", async () => {
    const all = ids(1001);
    server.react((_response, socket) => void socket.destroy());
    server.answer(200, { message: "Successfully deleted 1 memories" });
    const items = await deleteMemories(mem0, all);
    expect(items[0]).toMatchObject({ isDone: null, error: { name: "Mem0Unanswered", reason: "reset" } });
    expect(items[1000]).toEqual({ memoryId: all[1000], isDone: true, error: null });
  });

  test.each([
    ["the quota is spent", quota, { quotaResetAt: new Date("2026-09-01T00:00:00Z"), retryable: false }],
    ["Mem0 throttles", { detail: "Request was throttled." }, { quotaResetAt: null, retryable: true }],
  ])("sends no more once %s, and says so of the rest", async (_name, body, error) => {
    const all = ids(2001);
    server.answer(200, { message: "Successfully deleted 1000 memories" });
    server.answer(429, body);
    const items = await deleteMemories(mem0, all);
    expect(server.seen).toHaveLength(2);
    expect(items).toHaveLength(2001);
    expect(items[999]).toMatchObject({ isDone: true, error: null });
    expect(items[1000]).toMatchObject({ isDone: false, error: { name: "Mem0Limited", ...error } });
    expect(items[2000]).toMatchObject({
      memoryId: all[2000],
      isDone: false,
      error: { name: "Mem0Limited", ...error },
    });
  });

  test("sends no more after an abort: what was on the wire is unknown, and the rest certainly not done", async () => {
    const all = ids(2001);
    const abort = new AbortController();
    server.answer(200, { message: "Successfully deleted 1000 memories" });
    server.react(() => abort.abort());
    const items = await deleteMemories(mem0, all, { signal: abort.signal });
    expect(items[0]).toMatchObject({ isDone: true });
    expect(items[1000]).toMatchObject({ isDone: null, error: { reason: "aborted", mayHaveHappened: true } });
    expect(items[2000]).toMatchObject({
      isDone: false,
      error: { reason: "aborted", mayHaveHappened: false },
    });
    expect(server.seen).toHaveLength(2);
  });

  test.each([
    ["nothing", "memoryIds", []],
    ["an id that is none", "memoryIds.1", [one, "m"]],
    ["a memory twice", "memoryIds.2", [one, two, one.toUpperCase()]],
    ["more than ten requests", "memoryIds", Array(batchItemsMax + 1).fill(three)],
  ])("refuses %s before anything is sent", async (_name, argument, memoryIds) => {
    expect(await failureOf(deleteMemories(mem0, memoryIds))).toMatchObject({
      name: "InvalidArgument",
      argument,
    });
    expect(server.seen).toEqual([]);
  });
});
