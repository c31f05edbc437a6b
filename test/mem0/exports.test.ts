import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryExport, getMemoryExport, type MemoryExportKey } from "../../src/mem0/exports.ts";
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

function sent(index = 0): unknown {
  return JSON.parse(server.seen[index]?.body ?? "");
}

const exportId = "550e8400-e29b-41d4-a716-446655440000";
const filters = { userId: { eq: "ada" } };
const project = { orgId: "org_1", projectId: "proj_2" };
const schema = { type: "object", properties: { full_name: { type: "string" } } };

describe("createMemoryExport", () => {
  test("posts schema, filters under an AND, and instructions", async () => {
    server.answer(201, { message: "Memory export request received.", id: exportId });
    const input = { schema, filters, instructions: "full names only" };
    expect(await createMemoryExport(mem0, input, { project })).toEqual({ exportId });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v1/exports/" });
    expect(sent()).toEqual({
      schema,
      filters: { AND: [{ user_id: "ada" }] },
      export_instructions: "full names only",
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  test.each([
    ["an empty schema", "schema", { schema: {} }],
    ["filters of nobody", "filters", { filters: { categories: { in: ["a"] } } }],
    ["blank instructions", "instructions", { instructions: " " }],
  ])("refuses %s before anything is sent", async (_name, argument, changes) => {
    const failure = await failureOf(createMemoryExport(mem0, { schema, filters, ...changes }));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});

describe("getMemoryExport", () => {
  test("answers the object by the export's id, without Mem0's notice", async () => {
    server.answer(200, { full_name: "Ada", mem0_notice: "claim me" });
    expect(await getMemoryExport(mem0, { exportId }, { project })).toEqual({ full_name: "Ada" });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v1/exports/get/" });
    expect(sent()).toEqual({ memory_export_id: exportId, org_id: "org_1", project_id: "proj_2" });
  });

  test("asks for the latest by filters, under an AND", async () => {
    server.answer(200, {});
    expect(await getMemoryExport(mem0, { filters })).toEqual({});
    expect(sent()).toEqual({ filters: { AND: [{ user_id: "ada" }] } });
  });

  test("answers null while there is none, and fails for every other refusal", async () => {
    server.answer(404, { error: "No memory export request found" });
    server.answer(400, { message: "One of the filters is required!" });
    expect(await getMemoryExport(mem0, { exportId })).toBeNull();
    expect(await failureOf(getMemoryExport(mem0, { exportId }))).toMatchObject({
      name: "Mem0Refused",
      status: 400,
    });
  });

  test("fails for an answer that is no object", async () => {
    server.answer(200, ["Ada"]);
    expect(await failureOf(getMemoryExport(mem0, { exportId }))).toMatchObject({ reason: "unexpected-body" });
  });

  test.each([
    ["nothing", "exportId", {}],
    ["both", "exportId", { exportId, filters }],
    ["an id that is none", "exportId", { exportId: "latest" }],
    ["filters of nobody", "filters", { filters: {} }],
  ])("refuses %s", async (_name, argument, key) => {
    // The type forbids some of it; what comes at run time need not keep to it.
    const failure = await failureOf(getMemoryExport(mem0, key as MemoryExportKey));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});
