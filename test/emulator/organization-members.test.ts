import { beforeEach, describe, expect, it } from "vitest";
import { type Rig, startRig } from "./rig.ts";

const ada = "ada+1@acme.test";

describe("members of an organization", () => {
  let rig: Rig;
  let orgId: string;
  let path: string;

  beforeEach(async () => {
    rig = await startRig();
    orgId = await rig.createOrganization();
    path = `${rig.organizationPath(orgId)}members/`;
    await rig.control("POST", "users", { email: ada, username: "ada" });
  });

  const embedded = async (): Promise<unknown> =>
    ((await rig.call("GET", rig.organizationPath(orgId))).body as { members: unknown }).members;

  it("are added with 201 and then embedded with their e-mail, and listed without it", async () => {
    const reply = await rig.call("POST", path, { email: ada, role: "READER" });
    expect(reply).toMatchObject({ status: 201, body: { message: "User added to the organization." } });
    expect(await embedded()).toEqual([
      { username: "platform", role: "OWNER", email: "platform@loci.test" },
      { username: "ada", role: "READER", email: ada },
    ]);
    const list = await rig.call("GET", path);
    expect(list).toMatchObject({ status: 200 });
    const users = (await rig.tables()).users.map(({ user_id }) => user_id);
    expect(list.body).toEqual({
      members: [
        { user_id: users?.[0], role: "OWNER" },
        { user_id: users?.[1], role: "READER" },
      ],
    });
  });

  it("can be named by username, as before 2026", async () => {
    await rig.call("POST", path, { username: "ada", role: "READER" });
    expect(await embedded()).toHaveLength(2);
  });

  it.each([
    [{ role: "READER" }, { email: ["This field is required."] }],
    [{ email: ada }, { role: ["This field is required."] }],
    [{ email: ada, role: "ADMIN" }, { role: ['"ADMIN" is not a valid choice.'] }],
    [{ email: "not an e-mail", role: "READER" }, { email: ["Enter a valid email address."] }],
    [{ email: "nobody@acme.test", role: "OWNER" }, { email: ["User with this email does not exist."] }],
  ])("are refused with errors by field for %j", async (body, errors) => {
    const reply = await rig.call("POST", path, body);
    expect(reply).toMatchObject({ status: 400, body: { errors } });
    expect(await embedded()).toHaveLength(1);
  });

  it("cannot be added twice", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    const reply = await rig.call("POST", path, { email: ada.toUpperCase(), role: "OWNER" });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ errors: { email: ["User is already a member of this organization."] } });
    expect(await embedded()).toMatchObject([{}, { role: "READER" }]);
  });

  it("change their role by PUT, whose message has no full stop", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    const reply = await rig.call("PUT", path, { email: ada, role: "OWNER" });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ message: "User role updated successfully" });
    expect(await embedded()).toMatchObject([{}, { role: "OWNER" }]);
  });

  it("are removed by DELETE with a body, and leave the organization's projects too", async () => {
    const projectId = await rig.createProject(orgId);
    await rig.call("POST", path, { email: ada, role: "READER" });
    await rig.call("POST", `${rig.projectPath(orgId, projectId)}members/`, { email: ada, role: "READER" });
    const reply = await rig.call("DELETE", path, { email: ada });
    expect(reply).toMatchObject({ status: 200, body: { message: "User removed from organization." } });
    expect(await embedded()).toHaveLength(1);
    const project = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(project).toMatchObject({ members: [{ username: "platform" }] });
    const again = await rig.call("DELETE", path, { email: ada });
    expect(again).toMatchObject({
      status: 404,
      body: { message: "User is not a member of this organization." },
    });
  });

  it("always have an OWNER among them: the last one can neither leave nor be demoted", async () => {
    const email = "platform@loci.test";
    expect(await rig.call("DELETE", path, { email })).toMatchObject({ status: 400 });
    expect(await rig.call("PUT", path, { email, role: "READER" })).toMatchObject({ status: 400 });
    expect(await embedded()).toMatchObject([{ email, role: "OWNER" }]);
    await rig.call("POST", path, { email: ada, role: "OWNER" });
    expect(await rig.call("DELETE", path, { email })).toMatchObject({ status: 200 });
  });

  it("cannot be changed by a READER, and are unknown to who is no member", async () => {
    const reader = await rig.somebodyElse(ada);
    expect(await reader.call("GET", path)).toMatchObject({
      status: 404,
      body: { message: "Organization not found" },
    });
    await rig.control("POST", "members", { org_id: orgId, email: ada, role: "READER" });
    expect(await reader.call("GET", path)).toMatchObject({ status: 200 });
    const forbidden = { status: 403, body: { message: "Unauthorized" } };
    expect(await reader.call("POST", path, { email: ada, role: "OWNER" })).toMatchObject(forbidden);
    expect(await reader.call("PUT", path, { email: ada, role: "OWNER" })).toMatchObject(forbidden);
    expect(await reader.call("DELETE", path, { email: "platform@loci.test" })).toMatchObject(forbidden);
  });
});
