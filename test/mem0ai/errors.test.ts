import { describe, expect, it } from "vitest";
import { invoke, mem0ai, rejection, remember, sent, startClient } from "./client.ts";
import { nobodys } from "./recorded-case.ts";

const {
  AuthenticationError,
  MemoryError,
  MemoryNotFoundError,
  MemoryQuotaExceededError,
  NetworkError,
  RateLimitError,
  ValidationError,
} = mem0ai;

const classes = [
  [400, ValidationError],
  [401, AuthenticationError],
  [403, AuthenticationError],
  [404, MemoryNotFoundError],
  [405, MemoryError],
  [408, NetworkError],
  [409, ValidationError],
  [413, MemoryQuotaExceededError],
  [418, MemoryError],
  [422, ValidationError],
  [429, RateLimitError],
  [500, MemoryError],
  [502, NetworkError],
  [503, NetworkError],
  [504, NetworkError],
] as const;

/** A call of every method that sends something, with arguments that would do. */
const calls: readonly (readonly [string, readonly unknown[]])[] = [
  ["ping", []],
  ["add", [[{ role: "user", content: "hi" }], { userId: "alice" }]],
  ["update", [nobodys, { text: "t" }]],
  ["get", [nobodys]],
  ["getAll", [{ filters: { user_id: "alice" } }]],
  ["search", ["q", { filters: { user_id: "alice" } }]],
  ["delete", [nobodys]],
  ["deleteAll", [{ userId: "alice" }]],
  ["history", [nobodys]],
  ["users", []],
  ["deleteUser", [{ entity_id: 5, entity_type: "user" }]],
  ["batchUpdate", [[{ memoryId: nobodys, text: "t" }]]],
  ["batchDelete", [[nobodys]]],
  ["getProject", [{}]],
  ["updateProject", [{ decay: true }]],
  ["getWebhooks", []],
  ["createWebhook", [{ name: "n", url: "http://127.0.0.1:9/", eventTypes: ["memory_add"] }]],
  ["updateWebhook", [{ webhookId: "wh_1", name: "n" }]],
  ["deleteWebhook", [{ webhookId: "wh_1" }]],
  ["feedback", [{ memoryId: nobodys, feedback: "POSITIVE" }]],
  ["getProfile", [{ entityId: "alice" }]],
  ["generateProfile", [{ entityId: "alice" }]],
  ["getProfileSettings", []],
  ["updateProfileSettings", [{ enabled: true }]],
  ["sampleProfiles", []],
  ["getProfileJob", [nobodys]],
  ["createMemoryExport", [{ schema: { properties: {} }, filters: { user_id: "alice" } }]],
  ["getMemoryExport", [{ memoryExportId: nobodys }]],
];

describe("a status that refuses", () => {
  it.each(classes)(
    "%i is an error of its class with the raw body as message, after one request",
    async (status, Class) => {
      const { rig, client } = await startClient();
      const body = JSON.stringify({ error: `refused with ${status}`, some: [1] });
      await rig.failNext({ kind: "refuse", status, body });
      const from = sent.length;
      const error = await rejection(client.get(nobodys));
      expect(error).toBeInstanceOf(MemoryError);
      expect(error.constructor).toBe(Class);
      expect(error).toMatchObject({ message: body, errorCode: `HTTP_${status}`, details: {}, debugInfo: {} });
      expect(sent.slice(from)).toHaveLength(1);
    },
  );

  it("without a body is told by its number", async () => {
    const { rig, client } = await startClient();
    await rig.failNext({ kind: "refuse", status: 503, body: "" });
    expect(await rejection(client.get(nobodys))).toMatchObject({ message: "HTTP 503 error" });
  });

  it("reaches the caller of every method", async () => {
    const { rig, client } = await startClient();
    await rig.failNext({ kind: "throttle", retryAfterSeconds: 3 }, { count: calls.length });
    for (const [method, args] of calls) {
      const error = await rejection(invoke(client, method, args));
      expect({ method, error }).toMatchObject({
        error: {
          errorCode: "HTTP_429",
          message: '{"detail":"Request was throttled. Expected available in 3 seconds."}',
        },
      });
      expect(error, method).toBeInstanceOf(RateLimitError);
    }
    const wrapped = await rig.failNext({ kind: "fail-500" });
    expect(wrapped).not.toBe("");
    const error = await rejection(client.deleteUsers({ userId: "alice" }));
    expect(error).toMatchObject({
      name: "APIError",
      message: expect.stringMatching(/^Failed to delete user alice: /),
    });
  });

  it("is called for every public method but deleteUsers, which wraps it", () => {
    const methods = Object.getOwnPropertyNames(mem0ai.MemoryClient.prototype);
    const open = methods.filter(
      (name) => !name.startsWith("_") && !["constructor", "deleteUsers"].includes(name),
    );
    expect(calls.map(([method]) => method).toSorted()).toEqual(open.toSorted());
  });
});

describe("a connection or answer that breaks", () => {
  it.each(["drop", "do-then-drop"])("is a plain TypeError: %s", async (kind) => {
    const { rig, client } = await startClient();
    await rig.failNext({ kind });
    expect(await rejection(client.users())).toMatchObject({ name: "TypeError", message: "fetch failed" });
    expect(await client.users()).toMatchObject({ count: 0 });
  });

  it("is a SyntaxError when it is cut off", async () => {
    const { rig, client } = await startClient();
    await rig.failNext({ kind: "garbage" });
    expect(await rejection(client.users())).toMatchObject({ name: "SyntaxError" });
  });

  it("is never one of the emulator's own: every answer to a call that succeeds is JSON", async () => {
    const { client } = await startClient();
    await remember(client, "Likes chess");
    for (const [method, args] of calls) {
      const outcome = await invoke(client, method, args).catch((error: unknown) => error);
      expect(outcome, method).not.toBeInstanceOf(SyntaxError);
    }
  });
});
