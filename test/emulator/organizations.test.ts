import { describe, expect, it } from "vitest";
import { organizationsPath, startRig } from "./rig.ts";

const microseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}-0[78]:00$/;

describe("organizations", () => {
  it("are created with 201 and an id of org_ and 40 alphanumerics", async () => {
    const rig = await startRig();
    const reply = await rig.call("POST", organizationsPath, { name: "Acme" });
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({
      message: "Organization created successfully.",
      org_id: expect.stringMatching(/^org_[A-Za-z0-9]{40}$/),
    });
  });

  it("show every field of the API's schema, the creator as OWNER among them", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const reply = await rig.call("GET", rig.organizationPath(orgId));
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      org_id: orgId,
      name: "Acme",
      created_at: expect.stringMatching(microseconds),
      updated_at: expect.stringMatching(microseconds),
      members: [{ username: "platform", role: "OWNER", email: "platform@loci.test" }],
      is_default: false,
      byok_enabled: false,
      invitations: [],
      owner_pricing_plan: "HOBBY",
      is_owner: true,
      user_role: "OWNER",
    });
  });

  it("come with a project named default-project", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const reply = await rig.call("GET", `${rig.organizationPath(orgId)}projects/`);
    expect(reply.body).toMatchObject([{ name: "default-project", is_default: true }]);
  });

  it("are listed as a bare array, newest first, the caller's default organization marked", async () => {
    const rig = await startRig();
    const first = await rig.createOrganization("first");
    const second = await rig.createOrganization("second");
    const { org_id } = await rig.ping();
    const reply = await rig.call("GET", organizationsPath);
    expect(reply.body).toMatchObject([
      { org_id: second, is_default: false },
      { org_id: first, is_default: false },
      { org_id, is_default: true },
    ]);
  });

  it("may have equal names and are new ones each time", async () => {
    const rig = await startRig();
    expect(await rig.createOrganization("twin")).not.toBe(await rig.createOrganization("twin"));
  });

  it.each([
    [{}, "This field is required."],
    [{ name: null }, "This field may not be null."],
    [{ name: "  " }, "This field may not be blank."],
    [{ name: ["x"] }, "Not a valid string."],
    [{ name: "x".repeat(256) }, "Ensure this field has no more than 255 characters."],
  ])("are refused with errors by field for %j", async (body, reason) => {
    const rig = await startRig();
    const reply = await rig.call("POST", organizationsPath, body);
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ errors: { name: [reason] } });
    expect((await rig.tables()).organizations).toHaveLength(1);
  });

  it("take 255 characters that are not bytes", async () => {
    const rig = await startRig();
    const name = "🌱".repeat(255);
    expect((await rig.call("POST", organizationsPath, { name })).status).toBe(201);
  });

  it("are deleted with all that is in them, and a second delete is a 404", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    const webhook = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    const reply = await rig.call("DELETE", rig.organizationPath(orgId));
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ message: "Organization deleted successfully!" });
    const gone = { message: "Organization not found" };
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 404, body: gone });
    expect(await rig.call("DELETE", rig.organizationPath(orgId))).toMatchObject({ status: 404, body: gone });
    expect(await rig.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 404 });
    expect(await rig.call("GET", rig.webhooksPath(projectId))).toMatchObject({ status: 403 });
    const tables = await rig.tables();
    expect(tables.organizations).toHaveLength(1);
    expect(tables.projects).toHaveLength(1);
    expect(tables.webhooks).toHaveLength(0);
    const all = await rig.tables("?deleted=true");
    expect(all.webhooks).toMatchObject([{ deleted_at: expect.stringMatching(microseconds) }]);
  });

  it("do not exist for who is no member", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const stranger = await rig.somebodyElse("eve@else.test");
    const notFound = { status: 404, body: { message: "Organization not found" } };
    expect(await stranger.call("GET", rig.organizationPath(orgId))).toMatchObject(notFound);
    expect(await stranger.call("DELETE", rig.organizationPath(orgId))).toMatchObject(notFound);
    expect(await stranger.call("GET", `${rig.organizationPath(orgId)}projects/`)).toMatchObject(notFound);
    const list = (await stranger.call("GET", organizationsPath)).body;
    expect(list).toMatchObject([{ name: "of eve@else.test" }]);
    expect(list).toHaveLength(1);
  });

  it("cannot be deleted by a READER", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const reader = await rig.somebodyElse("ada@acme.test");
    await rig.control("POST", "members", { org_id: orgId, email: "ada@acme.test", role: "READER" });
    const reply = await reader.call("DELETE", rig.organizationPath(orgId));
    expect(reply).toMatchObject({ status: 403, body: { message: "Unauthorized" } });
    expect((await reader.call("GET", rig.organizationPath(orgId))).body).toMatchObject({
      is_owner: false,
      user_role: "READER",
    });
  });

  it("cannot be renamed: PATCH and PUT are 405", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    for (const method of ["PATCH", "PUT"]) {
      const reply = await rig.call(method, rig.organizationPath(orgId), { name: "new" });
      expect(reply).toMatchObject({ status: 405, body: { detail: `Method "${method}" not allowed.` } });
    }
  });
});
