import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  updateWebhook,
  webhookEventTypes,
} from "../../src/mem0/webhooks.ts";
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
  webhook_id: "wh_1",
  name: "Logger",
  url: "https://acme.test/hook",
  owner: "dev",
  event_types: ["memory_add", "memory_of_tomorrow"],
  project: "default-project",
  is_active: true,
  created_at: "2025-02-18T22:59:56.804993-08:00",
  updated_at: "2025-02-18T23:06:41.479361-08:00",
};

const parsed = {
  webhookId: "wh_1",
  name: "Logger",
  url: "https://acme.test/hook",
  eventTypes: ["memory_add", "memory_of_tomorrow"],
  isActive: true,
  createdAt: new Date("2025-02-19T06:59:56.804Z"),
};

describe("createWebhook", () => {
  test("posts to the project, in Mem0's words, and answers the webhook", async () => {
    server.answer(201, wire);
    const input = { name: "Logger", url: wire.url, eventTypes: ["memory_add", "memory_delete"] } as const;
    expect(await createWebhook(mem0, "proj_1", input)).toEqual(parsed);
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/api/v1/webhooks/projects/proj_1/" });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({
      name: "Logger",
      url: wire.url,
      event_types: ["memory_add", "memory_delete"],
    });
  });
});

describe("listWebhooks", () => {
  test("answers the bare array; a number for an id becomes text, and the rest may be absent", async () => {
    const bare = { webhook_id: 17, name: "n", url: "https://x.test/", event_types: [] };
    server.answer(200, [wire, bare]);
    expect(await listWebhooks(mem0, "proj_1")).toEqual([
      parsed,
      { webhookId: "17", name: "n", url: "https://x.test/", eventTypes: [], isActive: null, createdAt: null },
    ]);
    expect(server.seen[0]).toMatchObject({
      method: "GET",
      url: "/api/v1/webhooks/projects/proj_1/",
      body: "",
    });
  });

  test("does not take an id that JavaScript cannot hold exactly", async () => {
    server.answerText(200, '[{"webhook_id":9007199254740993,"name":"n","url":"u","event_types":[]}]');
    expect(await failureOf(listWebhooks(mem0, "proj_1"))).toMatchObject({ reason: "unexpected-body" });
  });
});

describe("updateWebhook", () => {
  test("puts only what is given", async () => {
    server.answer(200, { message: "Webhook updated successfully" });
    expect(await updateWebhook(mem0, "wh_1", { eventTypes: ["memory_delete"] })).toBeUndefined();
    expect(server.seen[0]).toMatchObject({
      method: "PUT",
      url: "/api/v1/webhooks/wh_1/",
      body: '{"event_types":["memory_delete"]}',
    });
  });

  test("refuses to change nothing, without asking Mem0", async () => {
    expect(await failureOf(updateWebhook(mem0, "wh_1", {}))).toBeInstanceOf(TypeError);
    expect(server.seen).toEqual([]);
  });
});

describe("deleteWebhook", () => {
  test("deletes by id and answers nothing", async () => {
    server.answer(200, { message: "Webhook deleted successfully" });
    expect(await deleteWebhook(mem0, "wh/1?x")).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url: "/api/v1/webhooks/wh%2F1%3Fx/", body: "" });
  });
});

describe("webhookEventTypes", () => {
  test("are the eight of Mem0's document", () => {
    expect(webhookEventTypes).toEqual([
      "memory_add",
      "memory_update",
      "memory_delete",
      "memory_categorize",
      "ingest_job_completed",
      "ingest_job_partially_completed",
      "ingest_job_failed",
      "ingest_job_cancelled",
    ]);
  });
});
