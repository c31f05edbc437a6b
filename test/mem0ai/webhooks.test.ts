import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { invoke, mem0ai, rejection, remember, rowOf, rowsOf, startClient } from "./client.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

const { ValidationError, WebhookEvent } = mem0ai;
const receiver = new WebhookReceiver();
const patience = { timeout: 10_000, interval: 10 };

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());

describe("a webhook", () => {
  it("is made, listed, changed in part, and deleted", async () => {
    const { rig, client } = await startClient();
    const url = "https://acme.test/hook";
    const created = await client.createWebhook({ name: "w", url, eventTypes: [WebhookEvent.MEMORY_ADDED] });
    const row = await rowOf(rig, "webhooks", "webhook_id", created.webhookId);
    expect(created).toEqual({
      webhookId: row["webhook_id"],
      ...{ name: "w", url, eventTypes: ["memory_add"], project: "default-project", isActive: true },
      owner: row["owner"],
      createdAt: row["created_at"],
      updatedAt: row["updated_at"],
    });
    expect(await client.getWebhooks()).toEqual([created]);
    expect(await client.getWebhooks({ projectId: String(row["project_id"]) })).toEqual([created]);
    const webhookId = created.webhookId ?? "";
    const changes = { webhookId, eventTypes: [WebhookEvent.MEMORY_DELETED, WebhookEvent.MEMORY_UPDATED] };
    expect(await client.updateWebhook(changes)).toEqual({ message: "Webhook updated successfully" });
    expect(await client.getWebhooks()).toMatchObject([
      { webhookId, name: "w", url, eventTypes: ["memory_delete", "memory_update"], isActive: true },
    ]);
    await client.updateWebhook({ webhookId, name: "renamed", url: `${url}/2` });
    expect(await rowOf(rig, "webhooks", "webhook_id", webhookId)).toMatchObject({
      name: "renamed",
      url: `${url}/2`,
    });
    expect(await client.deleteWebhook({ webhookId })).toEqual({ message: "Webhook deleted successfully" });
    expect(await client.getWebhooks()).toEqual([]);
    expect(await rejection(client.deleteWebhook({ webhookId }))).toMatchObject({ errorCode: "HTTP_404" });
    expect(await rejection(client.updateWebhook({ webhookId, name: "x" }))).toMatchObject({
      errorCode: "HTTP_404",
    });
  });

  it.each([
    [{ url: "http://127.0.0.1:9/", eventTypes: ["memory_add"] }, "name"],
    [{ name: "n", eventTypes: ["memory_add"] }, "url"],
    [{ name: "n", url: "no url", eventTypes: ["memory_add"] }, "url"],
    [{ name: "n", url: "http://127.0.0.1:9/" }, "event_types"],
    [{ name: "n", url: "http://127.0.0.1:9/", eventTypes: ["memory:add"] }, "event_types"],
  ])("is refused by field: %j", async (payload, field) => {
    const { rig, client } = await startClient();
    const error = await rejection(invoke(client, "createWebhook", [payload]));
    expect(error).toBeInstanceOf(ValidationError);
    expect(Object.keys(JSON.parse(error.message) as object)).toEqual([field]);
    expect(await rowsOf(rig, "webhooks")).toEqual([]);
  });

  it("has a URL that no other one of the project has", async () => {
    const { client } = await startClient();
    const payload = { name: "n", url: "http://127.0.0.1:9/", eventTypes: [WebhookEvent.MEMORY_ADDED] };
    await client.createWebhook(payload);
    expect(await rejection(client.createWebhook(payload))).toBeInstanceOf(ValidationError);
    expect(await client.getWebhooks()).toHaveLength(1);
  });

  it("is told of what happens to memories, with Mem0's payloads, and of nothing it did not ask for", async () => {
    const { client } = await startClient();
    await client.createWebhook({
      name: "all",
      url: receiver.url("/all"),
      eventTypes: Object.values(WebhookEvent),
    });
    const some = { name: "gone", url: receiver.url("/gone"), eventTypes: [WebhookEvent.MEMORY_DELETED] };
    const { webhookId = "" } = await client.createWebhook(some);
    const told = (path: string) => receiver.got.filter((delivered) => delivered.path === path);
    await client.add([{ role: "user", content: "I love chess." }], { userId: "alice" });
    await vi.waitFor(() => expect(told("/all").length).toBeGreaterThanOrEqual(2), patience);
    const [memory] = (await client.getAll({ filters: { user_id: "alice" } })).results;
    const memoryId = memory?.id ?? "";
    await client.update(memoryId, { text: "Hates chess" });
    await client.delete(memoryId);
    await vi.waitFor(() => expect([told("/gone").length, told("/all").length]).toEqual([1, 5]), patience);
    const details = told("/all").map(({ body }) => body);
    const changed = (event: string, text: string) => ({
      event_details: { id: memoryId, data: { memory: text }, event },
    });
    expect(details).toEqual(
      expect.arrayContaining([
        changed("ADD", "I love chess."),
        { event_details: { event: "CATEGORIZE", memory_id: memoryId, categories: memory?.categories } },
        changed("UPDATE", "Hates chess"),
        changed("DELETE", "Hates chess"),
      ]),
    );
    expect(told("/gone").map(({ body }) => body)).toEqual([changed("DELETE", "Hates chess")]);
    const headers = receiver.got.map(({ method, contentType }) => `${method} ${contentType}`);
    expect(new Set(headers)).toEqual(new Set(["POST application/json"]));
    await client.deleteWebhook({ webhookId });
    const second = await remember(client, "Likes go");
    await client.delete(second);
    await vi.waitFor(() => expect(told("/all")).toHaveLength(8), patience);
    expect(told("/gone")).toHaveLength(1);
  });
});
