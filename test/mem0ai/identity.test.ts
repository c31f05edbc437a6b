import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import {
  anotherKey,
  clientOf,
  listed,
  mem0ai,
  rejection,
  remember,
  rowOf,
  seenDuring,
  startClient,
} from "./client.ts";

describe("a client whose ping fails", () => {
  let told: MockInstance<typeof console.error>;
  let warned: MockInstance<typeof console.warn>;

  // The client says so on the console, and this file's output should not.
  beforeEach(() => {
    told = vi.spyOn(console, "error").mockReturnValue();
    warned = vi.spyOn(console, "warn").mockReturnValue();
  });

  afterEach(() => {
    told.mockRestore();
    warned.mockRestore();
  });

  it.each([
    ["fail-500", {}, "MemoryError"],
    ["html-502", {}, "NetworkError"],
    ["garbage", {}, "APIError"],
    ["wrong-shape", {}, "APIError"],
    ["drop", {}, "APIError"],
    ["refuse", { status: 404, body: { detail: "Not found." } }, "MemoryNotFoundError"],
  ])("by %s reads and writes memories all the same, and not its project", async (kind, fields, name) => {
    const { rig } = await startClient();
    const apiKey = await anotherKey(rig);
    const match = { path: "/v1/ping/" };
    await rig.failNext({ kind, ...fields }, { match });
    const client = await clientOf(rig, apiKey);
    expect(told).toHaveBeenCalledWith("Failed to initialize client:", expect.objectContaining({ name }));
    await remember(client, "Likes chess");
    expect(await listed(client)).toEqual(["Likes chess"]);
    expect((await client.search("chess", { filters: { user_id: "alice" } })).results).toHaveLength(1);
    const webhook = { name: "n", url: "http://127.0.0.1:9/", eventTypes: [mem0ai.WebhookEvent.MEMORY_ADDED] };
    expect(await rejection(client.getProject({}))).toMatchObject({ name: "Error" });
    expect(await rejection(client.updateProject({ decay: true }))).toMatchObject({ name: "Error" });
    expect(await rejection(client.createWebhook(webhook))).toMatchObject({
      message: "projectId must be set to create a webhook",
    });
    expect(await rejection(client.getWebhooks())).toMatchObject({
      message: "projectId must be set to access webhooks",
    });
    // It is not remembered: the next client of the same key pings again, and has a project.
    const seen = await seenDuring(rig, () => clientOf(rig, apiKey));
    expect(seen.map(({ path, status }) => ({ path, status }))).toEqual([{ path: "/v1/ping/", status: 200 }]);
    expect(await (await clientOf(rig, apiKey)).getProject({})).toMatchObject({ name: "default-project" });
  });
});

describe("a host", () => {
  it("with a slash at its end does too, though every path then begins with two", async () => {
    const { rig } = await startClient();
    const apiKey = await anotherKey(rig);
    const seen = await seenDuring(rig, async () => {
      const client = await clientOf(rig, apiKey, `${rig.url}/`);
      const memoryId = await remember(client, "Likes chess");
      expect(await client.get(memoryId)).toMatchObject({ memory: "Likes chess" });
      expect(await client.getProject({})).toMatchObject({ name: "default-project" });
      expect(await client.getWebhooks()).toEqual([]);
    });
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(seen.every(({ path }) => path.startsWith("//"))).toBe(true);
  });

  it("with more than one does not open what an id is missing from", async () => {
    const { rig, client } = await startClient();
    const memoryId = await remember(client, "Likes chess");
    for (const method of ["get", "delete"] as const) {
      expect(await rejection(client[method](""))).toMatchObject({ errorCode: "HTTP_501" });
    }
    expect((await rig.call("GET", "///v1/ping/")).status).toBe(200);
    expect((await rig.call("GET", "//v1/ping")).headers.get("location")).toBe("/v1/ping/");
    expect(await rowOf(rig, "memories", "memory_id", memoryId)).toMatchObject({ memory: "Likes chess" });
  });

  it("with a path before ours is not known", async () => {
    const { rig } = await startClient();
    const silent = vi.spyOn(console, "error").mockReturnValue();
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const client = await clientOf(rig, rig.apiKey, `${rig.url}/prefix`);
    expect(silent).toHaveBeenCalledOnce();
    expect(await rejection(client.users())).toMatchObject({ errorCode: "HTTP_501" });
    silent.mockRestore();
    warned.mockRestore();
  });
});

describe("two clients", () => {
  it("of two projects see nothing of each other", async () => {
    const { rig, client } = await startClient();
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const other = await clientOf(rig, await rig.makeKey({ org_id, project_id }));
    const memoryId = await remember(client, "Likes chess");
    await remember(other, "Likes go");
    expect(await listed(client)).toEqual(["Likes chess"]);
    expect(await listed(other)).toEqual(["Likes go"]);
    for (const deed of [
      () => other.get(memoryId),
      () => other.update(memoryId, { text: "x" }),
      () => other.delete(memoryId),
    ]) {
      expect(await rejection(deed())).toBeInstanceOf(mem0ai.MemoryNotFoundError);
    }
    expect(await other.history(memoryId)).toEqual([]);
    expect(await other.getProject({})).toMatchObject({ name: "memories", isDefault: false });
  });
});
