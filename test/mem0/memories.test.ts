import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvalidArgument } from "../../src/mem0/invalid-argument.ts";
import {
  type AddMemoriesInput,
  addMemories,
  deleteMemory,
  getMemory,
  getMemoryHistory,
  type MemoryChanges,
  updateMemory,
} from "../../src/mem0/memories.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  bareParsed,
  bareWire,
  historyParsed,
  historyWire,
  memoryParsed,
  memoryWire,
} from "./memory-samples.ts";
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

function sent(index = 0): unknown {
  return JSON.parse(server.seen[index]?.body ?? "");
}

const hello = [{ role: "user", content: "I moved to Austin" }] as const;
const project = { orgId: "org_1", projectId: "proj_2" };
const url = `/v1/memories/${memoryWire.id}/`;

describe("addMemories", () => {
  test("posts everything in Mem0's words, and answers the event to follow", async () => {
    server.answer(200, { event_id: "2c4d1f44-4f7b-4b2f-9f6e-7b5b4f5a1234", status: "PENDING" });
    const added = await addMemories(mem0, {
      messages: [...hello, { role: "assistant", content: "Noted.", name: "bot" }],
      userId: "ada",
      agentId: "helper",
      appId: "app",
      runId: "run",
      metadata: { trip: 1 },
      infer: true,
      expirationDate: "2030-01-31",
      customInstructions: "only places",
      agentCustomInstructions: "only promises",
      customCategories: [{ places: "where somebody was" }],
      isImmutable: true,
      includes: "cities",
      excludes: "food",
      timestamp: 1_720_000_000,
      timezone: "Europe/Rome",
      observationDate: "2024-02-29",
      structuredDataSchema: { type: "object" },
    });
    expect(added).toEqual({
      eventId: "2c4d1f44-4f7b-4b2f-9f6e-7b5b4f5a1234",
      status: "PENDING",
      results: [],
    });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v3/memories/add/" });
    expect(sent()).toEqual({
      messages: [...hello, { role: "assistant", content: "Noted.", name: "bot" }],
      user_id: "ada",
      agent_id: "helper",
      app_id: "app",
      run_id: "run",
      metadata: { trip: 1 },
      infer: true,
      expiration_date: "2030-01-31",
      custom_instructions: "only places",
      agent_custom_instructions: "only promises",
      custom_categories: [{ places: "where somebody was" }],
      immutable: true,
      includes: "cities",
      excludes: "food",
      timestamp: 1_720_000_000,
      timezone: "Europe/Rome",
      observation_date: "2024-02-29",
      structured_data_schema: { type: "object" },
    });
  });

  test("sends no more than it was given, and the other project in the body", async () => {
    server.answer(200, { event_id: "e", status: "PENDING" });
    await addMemories(mem0, { messages: hello, userId: "ada" }, { project });
    expect(server.seen[0]?.url).toBe("/v3/memories/add/");
    expect(sent()).toEqual({ messages: hello, user_id: "ada", org_id: "org_1", project_id: "proj_2" });
  });

  test("answers what was stored at once", async () => {
    server.answer(200, {
      message: "Memories stored successfully",
      status: "SUCCEEDED",
      event_id: "e",
      results: [
        { id: memoryWire.id, data: { memory: "Alice plays badminton" }, event: "ADD" },
        { id: bareWire.id, memory: "Alice sings", event: "ADD" },
      ],
    });
    expect(await addMemories(mem0, { messages: hello, userId: "ada", infer: false })).toEqual({
      eventId: "e",
      status: "SUCCEEDED",
      results: [
        { memoryId: memoryWire.id, memory: "Alice plays badminton", event: "ADD" },
        { memoryId: bareWire.id, memory: "Alice sings", event: "ADD" },
      ],
    });
  });

  test.each([
    ["an array", [{ message: "queued", status: "PENDING", event_id: "e" }]],
    ["results", { results: [{ message: "queued", status: "PENDING", event_id: "e" }] }],
    ["an object with a notice", { status: "PENDING", event_id: "e", mem0_notice: "claim me" }],
  ])("reads the older answer in %s", async (_name, body) => {
    server.answer(200, body);
    expect(await addMemories(mem0, { messages: hello, userId: "ada" })).toEqual({
      eventId: "e",
      status: "PENDING",
      results: [],
    });
  });

  test("fails when the answer has no status, or a result no text, instead of leaving a hole", async () => {
    server.answer(200, { event_id: "e" });
    server.answer(200, { status: "SUCCEEDED", results: [{ id: memoryWire.id, event: "ADD" }] });
    const input = { messages: hello, userId: "ada" };
    expect(await failureOf(addMemories(mem0, input))).toMatchObject({ reason: "unexpected-body" });
    expect(await failureOf(addMemories(mem0, input))).toMatchObject({ reason: "unexpected-body" });
  });

  const refused: [string, string, Readonly<Record<string, unknown>>][] = [
    ["no messages", "messages", { messages: [] }],
    ["a message that is a text", "messages.0", { messages: ["hello"] }],
    ["blank content", "messages.1.content", { messages: [...hello, { role: "user", content: " \n" }] }],
    ["content that is not text", "messages.0.content", { messages: [{ role: "user", content: [{}] }] }],
    ["a role that there is not", "messages.0.role", { messages: [{ role: "tool", content: "x" }] }],
    ["a blank speaker", "messages.0.name", { messages: [{ role: "user", content: "x", name: "" }] }],
    ["nobody to remember", "userId", { userId: undefined }],
    ["a blank name", "agentId", { agentId: "" }],
    ["a star for a name", "runId", { runId: "*" }],
    ["metadata that is a list", "metadata", { metadata: ["x"] }],
    ["metadata that is no JSON", "metadata", { metadata: { big: 1n } }],
    ["a day that there is not", "expirationDate", { expirationDate: "2025-02-29" }],
    ["a time for a day", "observationDate", { observationDate: "2025-02-28T10:00:00Z" }],
    ["blank instructions", "customInstructions", { customInstructions: " " }],
    ["a category that is a bare name", "customCategories.1", { customCategories: [{ a: "b" }, "places"] }],
    ["no categories", "customCategories", { customCategories: [] }],
    ["a category without description", "customCategories.0", { customCategories: [{ a: "" }] }],
    ["parts of a second", "timestamp", { timestamp: 1.5 }],
    ["milliseconds", "timestamp", { timestamp: 1_720_000_000_000_000 }],
    ["an empty schema", "structuredDataSchema", { structuredDataSchema: {} }],
  ];

  test.each(refused)("refuses %s before anything is sent", async (_name, argument, changes) => {
    const input: AddMemoriesInput = { messages: hello, userId: "ada", ...changes };
    const refusal = await failureOf(addMemories(mem0, input));
    expect(refusal).toBeInstanceOf(InvalidArgument);
    expect(refusal).toMatchObject({ argument });
    expect(server.seen).toEqual([]);
  });

  test("takes 2000 characters of metadata, in code points, and not one more", async () => {
    server.answer(200, { status: "PENDING" });
    // {"k":"…"} has eight characters without the text.
    const metadata = (length: number) => ({ k: "🙂".repeat(length - 8) });
    await addMemories(mem0, { messages: hello, userId: "ada", metadata: metadata(2000) });
    const over = addMemories(mem0, { messages: hello, userId: "ada", metadata: metadata(2001) });
    expect(await failureOf(over)).toMatchObject({
      argument: "metadata",
      message: "The metadata has 2001 characters as JSON; at most 2000 are allowed.",
    });
    expect(server.seen).toHaveLength(1);
  });

  test("refuses a project that is only half of one, which Mem0 would ignore", async () => {
    const half = { project: { orgId: "org_1", projectId: "" } };
    const failure = await failureOf(addMemories(mem0, { messages: hello, userId: "ada" }, half));
    expect(failure).toMatchObject({ argument: "project.projectId" });
    expect(server.seen).toEqual([]);
  });
});

describe("getMemory", () => {
  test("reads a memory, and what Mem0 leaves out is null", async () => {
    server.answer(200, memoryWire);
    server.answer(200, bareWire);
    expect(await getMemory(mem0, memoryWire.id)).toEqual(memoryParsed);
    expect(await getMemory(mem0, bareWire.id)).toEqual(bareParsed);
    expect(server.seen[0]).toMatchObject({ method: "GET", url, body: "" });
  });

  test("fails with 404 for a memory that is not there", async () => {
    server.answer(404, { error: "Memory not found!" });
    expect(await failureOf(getMemory(mem0, memoryWire.id))).toMatchObject({
      name: "Mem0Refused",
      status: 404,
    });
  });

  test.each(["memory-1", "", "..", `${memoryWire.id}/history`, "batch"])(
    "never sends the id %j",
    async (id) => {
      for (const call of [
        getMemory(mem0, id),
        updateMemory(mem0, id, { text: "x" }),
        deleteMemory(mem0, id),
        getMemoryHistory(mem0, id),
      ]) {
        expect(await failureOf(call)).toMatchObject({ name: "InvalidArgument", argument: "memoryId" });
      }
      expect(server.seen).toEqual([]);
    },
  );
});

describe("updateMemory", () => {
  test("puts what changes, clears by null, and answers the memory", async () => {
    server.answer(200, memoryWire);
    const changes = { text: "Moved", metadata: {}, expirationDate: null, timestamp: "2024-07-01T10:00:00Z" };
    expect(await updateMemory(mem0, memoryWire.id, changes, { project })).toEqual(memoryParsed);
    expect(server.seen[0]).toMatchObject({ method: "PUT", url });
    expect(sent()).toEqual({
      text: "Moved",
      metadata: {},
      expiration_date: null,
      timestamp: "2024-07-01T10:00:00Z",
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  test("leaves out what stays, and reads the memory in an array too", async () => {
    server.answer(200, [memoryWire]);
    expect(await updateMemory(mem0, memoryWire.id, { timestamp: 12.5 })).toEqual(memoryParsed);
    expect(sent()).toEqual({ timestamp: 12.5 });
  });

  const refused: [string, string, MemoryChanges][] = [
    ["nothing", "changes", {}],
    ["a blank text", "text", { text: " " }],
    ["too long metadata", "metadata", { metadata: { k: "x".repeat(2000) } }],
    ["no day", "expirationDate", { expirationDate: "soon" }],
    ["no moment", "timestamp", { timestamp: "soon" }],
    ["NaN", "timestamp", { timestamp: Number.NaN }],
  ];

  test.each(refused)("refuses %s before anything is sent", async (_name, argument, changes) => {
    const failure = await failureOf(updateMemory(mem0, memoryWire.id, changes));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});

describe("deleteMemory", () => {
  test("deletes one memory alone, unless told otherwise", async () => {
    server.answer(200, { message: "Memory deleted successfully!" });
    server.answer(204, "");
    expect(await deleteMemory(mem0, memoryWire.id)).toEqual({ cascadeCount: null });
    expect(await deleteMemory(mem0, memoryWire.id, { isLinkedToo: false })).toEqual({ cascadeCount: null });
    expect(server.seen[0]).toMatchObject({ method: "DELETE", body: "" });
    expect(server.seen.map((request) => request.url?.replace(/\?$/, ""))).toEqual([url, url]);
  });

  test("takes what is linked along, and says how many", async () => {
    server.answer(200, { message: "Memory deleted successfully!", cascade_count: 2 });
    expect(await deleteMemory(mem0, memoryWire.id, { isLinkedToo: true })).toEqual({ cascadeCount: 2 });
    expect(server.seen[0]?.url).toBe(`${url}?delete_linked=true`);
  });
});

describe("getMemoryHistory", () => {
  test("answers the bare array, without embeddings; what the input holds besides text is JSON", async () => {
    server.answer(200, [historyWire, { ...historyWire, input: "I moved", event: "NOOP" }]);
    expect(await getMemoryHistory(mem0, memoryWire.id)).toEqual([
      historyParsed,
      { ...historyParsed, input: [{ role: null, content: "I moved" }], event: "NOOP" },
    ]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: `${url}history/` });
  });
});
