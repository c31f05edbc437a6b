import { beforeEach, describe, expect, it } from "vitest";
import { type Rig, startRig } from "./rig.ts";

describe("projects", () => {
  let rig: Rig;
  let orgId: string;
  let path: string;

  beforeEach(async () => {
    rig = await startRig();
    orgId = await rig.createOrganization();
    path = `${rig.organizationPath(orgId)}projects/`;
  });

  it("are created with 200, not 201, and an id of proj_ and 40 alphanumerics", async () => {
    const reply = await rig.call("POST", path, { name: "memories", description: "loci:abc" });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      message: "Project created successfully.",
      project_id: expect.stringMatching(/^proj_[A-Za-z0-9]{40}$/),
    });
  });

  it("show every field of the API's schema, and neither id nor org_id", async () => {
    const projectId = await rig.createProject(orgId, "memories", "loci:abc");
    const reply = await rig.call("GET", rig.projectPath(orgId, projectId));
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      project_id: projectId,
      name: "memories",
      description: "loci:abc",
      created_at: expect.any(String),
      updated_at: expect.any(String),
      members: [{ username: "platform", role: "OWNER", email: "platform@loci.test" }],
      usecase: null,
      memory_depth: "default",
      inclusion_prompt: null,
      exclusion_prompt: null,
      custom_categories: null,
      custom_instructions: null,
      agent_custom_instructions: null,
      update_custom_instructions: null,
      summary_custom_instructions: null,
      summary_batch_size: 10,
      summary_max_tokens: null,
      expiration_date: null,
      enable_graph: false,
      multilingual: false,
      version: "v2",
      is_default: false,
      active_prompt_profile: null,
      decay: false,
      user_role: "OWNER",
    });
  });

  it("are listed newest first as a bare array of the same objects", async () => {
    const projectId = await rig.createProject(orgId);
    const list = (await rig.call("GET", path)).body;
    const one = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(list).toEqual([one, expect.objectContaining({ name: "default-project" })]);
  });

  it.each([[{}], [{ name: "" }], [{ name: "x", description: 7 }]])(
    "are refused with the API's one message for %j",
    async (body) => {
      const reply = await rig.call("POST", path, body);
      expect(reply).toMatchObject({ status: 400, body: { message: "Project could not be created." } });
      expect((await rig.tables()).projects).toHaveLength(2);
    },
  );

  it("take settings by PATCH, and leave what was not named", async () => {
    const projectId = await rig.createProject(orgId, "memories", "loci:abc");
    const settings = {
      custom_instructions: "Only facts.",
      agent_custom_instructions: "Only deeds.",
      custom_categories: [{ food: "what they eat" }, "travel"],
      multilingual: true,
      decay: true,
      memory_depth: "deep",
    };
    const unknown = { retrieval_criteria: [{ name: "joy" }], org_id: orgId, project_id: projectId };
    const reply = await rig.call("PATCH", rig.projectPath(orgId, projectId), { ...settings, ...unknown });
    expect(reply).toMatchObject({ status: 200, body: { message: "Project updated successfully" } });
    const read = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(read).toMatchObject({ ...settings, name: "memories", description: "loci:abc" });
    await rig.call("PATCH", rig.projectPath(orgId, projectId), { name: "renamed", custom_categories: [] });
    const renamed = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(renamed).toMatchObject({ ...settings, name: "renamed", custom_categories: [] });
  });

  it("keep instructions that came as a list, as the OpenAPI file has it, as one text", async () => {
    const projectId = await rig.createProject(orgId);
    await rig.call("PATCH", rig.projectPath(orgId, projectId), { custom_instructions: ["a", "b"] });
    const read = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(read).toMatchObject({ custom_instructions: "a\nb" });
  });

  it.each([
    [{ multilingual: "yes" }, { multilingual: ["Must be a valid boolean."] }],
    [{ custom_instructions: 5 }, { custom_instructions: ["Not a valid string."] }],
    [{ custom_categories: "x" }, { custom_categories: ['Expected a list of items but got type "str".'] }],
    [
      { custom_categories: [1] },
      { custom_categories: ['Expected a dictionary of items but got type "int".'] },
    ],
  ])("refuse settings of the wrong kind: %j", async (body, fields) => {
    const projectId = await rig.createProject(orgId);
    const before = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    const reply = await rig.call("PATCH", rig.projectPath(orgId, projectId), { ...body, name: "changed" });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual(fields);
    expect((await rig.call("GET", rig.projectPath(orgId, projectId))).body).toEqual(before);
  });

  it("are changed by PATCH only: PUT is a 405 that names the methods", async () => {
    const projectId = await rig.createProject(orgId);
    const reply = await rig.call("PUT", rig.projectPath(orgId, projectId), { decay: true });
    expect(reply).toMatchObject({ status: 405, body: { detail: 'Method "PUT" not allowed.' } });
    expect(reply.headers.get("allow")).toBe("GET, PATCH, DELETE");
  });

  it("are deleted with their webhooks, and a second delete is a 404", async () => {
    const projectId = await rig.createProject(orgId);
    const webhook = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    const reply = await rig.call("DELETE", rig.projectPath(orgId, projectId));
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ message: "Project and related data deleted successfully." });
    const gone = { status: 404, body: { message: "Organization or project not found" } };
    expect(await rig.call("GET", rig.projectPath(orgId, projectId))).toMatchObject(gone);
    expect(await rig.call("DELETE", rig.projectPath(orgId, projectId))).toMatchObject(gone);
    expect((await rig.tables()).webhooks).toHaveLength(0);
  });

  it("are not found below another organization", async () => {
    const projectId = await rig.createProject(orgId);
    const other = await rig.createOrganization("other");
    expect(await rig.call("GET", rig.projectPath(other, projectId))).toMatchObject({
      status: 404,
      body: { message: "Organization or project not found" },
    });
  });

  it("do not exist for strangers, and a READER of the organization sees only those he was added to", async () => {
    const projectId = await rig.createProject(orgId);
    const ada = await rig.somebodyElse("ada@acme.test");
    expect(await ada.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 404 });
    await rig.control("POST", "members", { org_id: orgId, email: "ada@acme.test", role: "READER" });
    expect(await ada.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 404 });
    expect((await ada.call("GET", path)).body).toEqual([]);
    const membership = { org_id: orgId, project_id: projectId, email: "ada@acme.test", role: "READER" };
    await rig.control("POST", "members", membership);
    const project = await ada.call("GET", rig.projectPath(orgId, projectId));
    expect(project.body).toMatchObject({ user_role: "READER" });
    expect((await ada.call("GET", path)).body).toHaveLength(1);
  });

  it("cannot be made, changed or deleted by a READER", async () => {
    const projectId = await rig.createProject(orgId);
    const ada = await rig.somebodyElse("ada@acme.test");
    const membership = { org_id: orgId, email: "ada@acme.test", role: "READER" };
    await rig.control("POST", "members", membership);
    await rig.control("POST", "members", { ...membership, project_id: projectId });
    const made = await ada.call("POST", path, { name: "mine" });
    expect(made.status).toBe(403);
    expect(made.body).toEqual({ message: "Unauthorized to create projects in this organization." });
    const forbidden = { status: 403, body: { message: "Unauthorized to modify this project." } };
    const single = rig.projectPath(orgId, projectId);
    expect(await ada.call("PATCH", single, { decay: true })).toMatchObject(forbidden);
    expect(await ada.call("DELETE", single)).toMatchObject(forbidden);
  });

  it("are OWNER's business for every OWNER of the organization", async () => {
    const projectId = await rig.createProject(orgId);
    const boss = await rig.somebodyElse("boss@acme.test");
    await rig.control("POST", "members", { org_id: orgId, email: "boss@acme.test", role: "OWNER" });
    expect(await boss.call("DELETE", rig.projectPath(orgId, projectId))).toMatchObject({ status: 200 });
  });
});
