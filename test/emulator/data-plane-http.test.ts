import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { remember } from "./remember.ts";
import { Rig, startRig } from "./rig.ts";

const memoryPath = "/v1/memories/0b9c1f9e-8f4e-4a64-9d3e-0d7a8c1b2a3f/";
const add = { messages: [{ role: "user", content: "I like tea" }], user_id: "alice" };

describe("the data plane's routes", () => {
  it.each([
    ["PATCH", memoryPath, ["DELETE", "GET", "PUT"]],
    ["GET", "/v3/memories/search/", ["POST"]],
    ["GET", "/v1/exports/get/", ["POST"]],
    ["PUT", "/v1/feedback/", ["POST"]],
    ["POST", "/v1/stats/", ["GET"]],
  ])("answer 405 and what they take: %s %s", async (method, route, taken) => {
    const rig = await startRig();
    const reply = await rig.call(method, route, method === "GET" ? undefined : {});
    expect(reply).toMatchObject({ status: 405, body: { detail: `Method "${method}" not allowed.` } });
    expect(reply.headers.get("allow")?.split(", ").sort()).toEqual(taken);
  });

  it.each([
    ["GET", memoryPath, 301],
    ["DELETE", memoryPath, 301],
    ["PUT", memoryPath, 404],
    ["POST", "/v3/memories/add/", 404],
    ["POST", "/v1/exports/", 404],
    ["POST", "/v1/feedback/", 404],
    ["GET", "/v1/stats/", 301],
  ])("without their last slash are not served: %s %s is a %d", async (method, route, status) => {
    const rig = await startRig();
    const body = method === "PUT" || method === "POST" ? add : undefined;
    const reply = await rig.call(method, route.slice(0, -1), body);
    expect(reply.status).toBe(status);
    expect(reply.headers.get("location")).toBe(status === 301 ? route : null);
    expect(await rig.tables()).toMatchObject({ memories: [], exports: [], feedback: [] });
  });

  it.each([["/v3/memories/add/"], ["/v1/exports/"], ["/v1/feedback/"]])(
    "take JSON alone, and store nothing else: %s",
    async (route) => {
      const rig = await startRig();
      const authorization = `Token ${rig.apiKey}`;
      const sent = (type: string, body: string): Promise<{ status: number }> =>
        rig.send(route, { method: "POST", headers: { authorization, "content-type": type }, body });
      expect(await sent("text/plain", JSON.stringify(add))).toMatchObject({ status: 415 });
      expect(await sent("application/json", "{")).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^JSON parse error - /) },
      });
      expect(await rig.tables()).toMatchObject({ memories: [], exports: [], feedback: [] });
    },
  );

  it("break with HTML when they are told to", async () => {
    const rig = await startRig();
    await rig.failNext({ kind: "fail-500" }, { match: { path: "/v1/exports/**" } });
    const reply = await rig.call("POST", "/v1/exports/", {});
    expect(reply.status).toBe(500);
    expect(reply.headers.get("content-type")).toContain("text/html");
  });
});

describe("exports and feedback", () => {
  it("go with their project", async () => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const bound = rig.as(await rig.makeKey({ org_id, project_id }));
    const memory_id = await remember(bound, "I like tea");
    await bound.call("POST", "/v1/feedback/", { memory_id, feedback: "POSITIVE" });
    await bound.call("POST", "/v1/exports/", {
      schema: { properties: { a: {} } },
      filters: { user_id: "alice" },
    });
    expect(await rig.tables()).toMatchObject({ feedback: [{ project_id }], exports: [{ project_id }] });
    await rig.call("DELETE", rig.projectPath(org_id, project_id));
    expect(await rig.tables()).toMatchObject({ feedback: [], exports: [] });
  });
});

describe("with a journal", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "emulator-data-plane-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("exports, feedback and what was used of a quota are there after a restart", async () => {
    const journalPath = path.join(folder, "journal");
    const first = await startEmulator({ journalPath, switches: { quotaSearchMax: 1 } });
    const rig = new Rig(first.url, first.apiKey);
    const memory_id = await remember(rig, "I like tea");
    await rig.call("POST", "/v1/feedback/", { memory_id, feedback: "POSITIVE" });
    const schema = { properties: { facts: { type: "array", items: { type: "string" } } } };
    await rig.call("POST", "/v1/exports/", { schema, filters: { user_id: "alice" } });
    const search = { query: "tea", filters: { user_id: "alice" } };
    expect(await rig.call("POST", "/v3/memories/search/", search)).toMatchObject({ status: 200 });
    const before = await rig.tables();
    await first.close();
    const again = await startRig({ journalPath });
    expect(await again.tables()).toEqual(before);
    expect(await again.call("POST", "/v3/memories/search/", search)).toMatchObject({
      status: 429,
      body: { quota_used: 1 },
    });
    expect(await again.call("POST", "/v1/exports/get/", { filters: { user_id: "alice" } })).toMatchObject({
      status: 200,
      body: { facts: ["I like tea"] },
    });
  });
});
