import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createProject,
  deleteProject,
  getProject,
  listProjects,
  updateProject,
} from "../../src/mem0/projects.ts";
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

const projectsUrl = "/api/v1/orgs/organizations/org_1/projects/";
const projectUrl = `${projectsUrl}proj_1/`;

const wire = {
  project_id: "proj_1",
  name: "Memories",
  description: "·marker",
  created_at: "2026-01-02T03:04:05.678901Z",
  updated_at: null,
  members: [{ username: "dev", role: "OWNER", email: "dev@example.com" }],
  usecase: null,
  memory_depth: "standard",
  custom_categories: [{ food: "what they eat" }, "sports"],
  custom_instructions: "Be brief.",
  agent_custom_instructions: "Be kind.",
  summary_batch_size: 10,
  enable_graph: false,
  multilingual: false,
  version: "v2",
  is_default: false,
  decay: true,
  user_role: "OWNER",
};

const parsed = {
  projectId: "proj_1",
  name: "Memories",
  description: "·marker",
  createdAt: new Date("2026-01-02T03:04:05.678Z"),
  updatedAt: null,
  members: [{ username: "dev", role: "OWNER", email: "dev@example.com" }],
  customInstructions: "Be brief.",
  agentCustomInstructions: "Be kind.",
  customCategories: [{ food: "what they eat" }, "sports"],
  multilingual: false,
  decay: true,
  isDefault: false,
  userRole: "OWNER",
};

describe("createProject", () => {
  test("posts name and description and answers the new id", async () => {
    server.answer(200, { message: "Project created successfully.", project_id: "proj_1" });
    expect(await createProject(mem0, "org_1", { name: "Memories", description: "·marker" })).toEqual({
      projectId: "proj_1",
    });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: projectsUrl });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({ name: "Memories", description: "·marker" });
  });

  test("leaves out a description that is not given", async () => {
    server.answer(200, { project_id: "proj_1" });
    await createProject(mem0, "org_1", { name: "Memories" });
    expect(server.seen[0]?.body).toBe('{"name":"Memories"}');
  });
});

describe("listProjects", () => {
  test("answers the bare array, with every field in our words", async () => {
    server.answer(200, [wire]);
    expect(await listProjects(mem0, "org_1")).toEqual([parsed]);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: projectsUrl, body: "" });
  });

  test("tells categories that were never set from categories that were reset", async () => {
    server.answer(200, [
      { ...wire, custom_categories: null },
      { ...wire, custom_categories: [] },
    ]);
    const projects = await listProjects(mem0, "org_1");
    expect(projects.map(({ customCategories }) => customCategories)).toEqual([null, []]);
  });
});

describe("getProject", () => {
  test("gets by ids", async () => {
    server.answer(200, wire);
    expect(await getProject(mem0, "org_1", "proj_1")).toEqual(parsed);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: projectUrl, body: "" });
  });

  test("takes settings that are absent", async () => {
    server.answer(200, { project_id: "proj_1", name: "default-project", created_at: wire.created_at });
    expect(await getProject(mem0, "org_1", "proj_1")).toEqual({
      projectId: "proj_1",
      name: "default-project",
      description: null,
      createdAt: parsed.createdAt,
      updatedAt: null,
      members: [],
      customInstructions: null,
      agentCustomInstructions: null,
      customCategories: null,
      multilingual: null,
      decay: null,
      isDefault: null,
      userRole: null,
    });
  });

  test("refuses empty ids without asking Mem0", async () => {
    expect(await failureOf(getProject(mem0, "", "proj_1"))).toBeInstanceOf(TypeError);
    expect(await failureOf(deleteProject(mem0, "org_1", ""))).toBeInstanceOf(TypeError);
    expect(server.seen).toEqual([]);
  });
});

describe("updateProject", () => {
  test("patches what is given, in Mem0's words", async () => {
    server.answer(200, { message: "Project updated successfully" });
    await updateProject(mem0, "org_1", "proj_1", {
      name: "n",
      description: "d",
      customInstructions: "",
      agentCustomInstructions: "a",
      customCategories: [{ food: "what they eat" }, "sports"],
      multilingual: true,
      decay: false,
    });
    expect(server.seen[0]).toMatchObject({ method: "PATCH", url: projectUrl });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toEqual({
      name: "n",
      description: "d",
      custom_instructions: "",
      agent_custom_instructions: "a",
      custom_categories: [{ food: "what they eat" }, "sports"],
      multilingual: true,
      decay: false,
    });
  });

  test("sends nothing of what is not given", async () => {
    server.answer(200, { message: "Updated custom categories" });
    await updateProject(mem0, "org_1", "proj_1", { customCategories: [] });
    expect(server.seen[0]?.body).toBe('{"custom_categories":[]}');
  });

  test("refuses to change nothing, without asking Mem0", async () => {
    expect(await failureOf(updateProject(mem0, "org_1", "proj_1", {}))).toBeInstanceOf(TypeError);
    expect(server.seen).toEqual([]);
  });
});

describe("deleteProject", () => {
  test("deletes by ids and answers nothing", async () => {
    server.answer(200, { message: "Project and related data deleted successfully." });
    expect(await deleteProject(mem0, "org_1", "proj_1")).toBeUndefined();
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url: projectUrl, body: "" });
  });
});
