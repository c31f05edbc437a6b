import { describe, expect, it } from "vitest";
import { startRig } from "./rig.ts";

describe("the switch on membership", () => {
  it.each([
    ["errors-400", 400, { errors: { email: ["User with this email does not exist."] } }],
    ["message-400", 400, { message: "User with this email does not exist." }],
    ["message-404", 404, { message: "User not found" }],
  ] as const)("unknownOrganizationMember can answer %s", async (unknownOrganizationMember, status, body) => {
    const rig = await startRig({ switches: { unknownOrganizationMember } });
    const path = `${rig.organizationPath((await rig.ping()).org_id)}members/`;
    const reply = await rig.call("POST", path, { email: "ada@acme.test", role: "READER" });
    expect(reply.status).toBe(status);
    expect(reply.body).toEqual(body);
  });

  it("unknownOrganizationMember can invite, and who registers then is a member", async () => {
    const rig = await startRig({ switches: { unknownOrganizationMember: "invite" } });
    const path = rig.organizationPath((await rig.ping()).org_id);
    const invitation = { email: "ada@acme.test", role: "READER" };
    expect(await rig.call("POST", `${path}members/`, invitation)).toMatchObject({ status: 201 });
    const invited = (await rig.call("GET", path)).body as { members: unknown[] };
    expect(invited).toMatchObject({ invitations: [invitation] });
    expect(invited.members).toHaveLength(1);
    await rig.control("POST", "users", { email: "ada@acme.test" });
    const joined = (await rig.call("GET", path)).body;
    expect(joined).toMatchObject({ invitations: [], members: [{}, invitation] });
  });

  it.each([
    ["message-404", 404, { message: "User not found" }],
    ["message-400", 400, { message: "User with this email does not exist." }],
    ["errors-400", 400, { errors: { email: ["User with this email does not exist."] } }],
  ] as const)("unknownProjectMember can answer %s", async (unknownProjectMember, status, body) => {
    const rig = await startRig({ switches: { unknownProjectMember } });
    const { org_id, project_id } = await rig.ping();
    const path = `${rig.projectPath(org_id, project_id)}members/`;
    const reply = await rig.call("POST", path, { email: "ada@acme.test", role: "READER" });
    expect(reply.status).toBe(status);
    expect(reply.body).toEqual(body);
  });

  it("alreadyMember can accept a second addition, with its role", async () => {
    const rig = await startRig({ switches: { alreadyMember: "accept" } });
    await rig.control("POST", "users", { email: "ada@acme.test" });
    const orgId = await rig.createOrganization();
    const project = rig.projectPath(orgId, await rig.createProject(orgId));
    for (const [path, status] of [
      [rig.organizationPath(orgId), 201],
      [project, 200],
    ] as const) {
      for (const role of ["READER", "OWNER"]) {
        const reply = await rig.call("POST", `${path}members/`, { email: "ada@acme.test", role });
        expect(reply.status).toBe(status);
      }
      const { members } = (await rig.call("GET", path)).body as { members: unknown[] };
      expect(members).toMatchObject([{}, { email: "ada@acme.test", role: "OWNER" }]);
      expect(members).toHaveLength(2);
    }
  });

  it("projectMemberMustBeInOrganization refuses who is not", async () => {
    const rig = await startRig({ switches: { projectMemberMustBeInOrganization: true } });
    await rig.control("POST", "users", { email: "ada@acme.test" });
    const orgId = await rig.createOrganization();
    const path = `${rig.projectPath(orgId, await rig.createProject(orgId))}members/`;
    const ada = { email: "ada@acme.test", role: "READER" };
    expect(await rig.call("POST", path, ada)).toMatchObject({ status: 400 });
    await rig.call("POST", `${rig.organizationPath(orgId)}members/`, ada);
    expect(await rig.call("POST", path, ada)).toMatchObject({ status: 200 });
  });

  it("organizationMemberRemovalCascades leaves project memberships when it is off", async () => {
    const rig = await startRig({ switches: { organizationMemberRemovalCascades: false } });
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    const ada = { email: "ada@acme.test", role: "READER" };
    await rig.control("POST", "members", { ...ada, org_id: orgId });
    await rig.control("POST", "members", { ...ada, org_id: orgId, project_id: projectId });
    await rig.call("DELETE", `${rig.organizationPath(orgId)}members/`, { email: ada.email });
    const project = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(project).toMatchObject({ members: [{}, ada] });
  });

  it("lastOwnerKept lets the last OWNER go when it is off", async () => {
    const rig = await startRig({ switches: { lastOwnerKept: false } });
    const orgId = await rig.createOrganization();
    const path = `${rig.organizationPath(orgId)}members/`;
    expect(await rig.call("DELETE", path, { email: "platform@loci.test" })).toMatchObject({ status: 200 });
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 404 });
  });

  it("ownerReadsOrgProjects keeps an OWNER of the organization out of projects when it is off", async () => {
    const rig = await startRig({ switches: { ownerReadsOrgProjects: false } });
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    const boss = await rig.somebodyElse("boss@acme.test");
    await rig.control("POST", "members", { org_id: orgId, email: "boss@acme.test", role: "OWNER" });
    expect(await boss.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 404 });
    expect(await rig.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 200 });
  });

  it("readerReadsOrgProjects shows a READER of the organization every project", async () => {
    const rig = await startRig({ switches: { readerReadsOrgProjects: true } });
    const orgId = await rig.createOrganization();
    const path = rig.projectPath(orgId, await rig.createProject(orgId));
    const ada = await rig.somebodyElse("ada@acme.test");
    await rig.control("POST", "members", { org_id: orgId, email: "ada@acme.test", role: "READER" });
    expect((await ada.call("GET", path)).body).toMatchObject({ user_role: "READER" });
    expect(await ada.call("DELETE", path)).toMatchObject({ status: 403 });
  });
});
