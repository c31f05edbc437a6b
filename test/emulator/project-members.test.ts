import { beforeEach, describe, expect, it } from "vitest";
import { type Rig, startRig } from "./rig.ts";

const ada = "ada+1@acme.test";

describe("members of a project", () => {
  let rig: Rig;
  let orgId: string;
  let projectId: string;
  let path: string;

  beforeEach(async () => {
    rig = await startRig();
    orgId = await rig.createOrganization();
    projectId = await rig.createProject(orgId);
    path = `${rig.projectPath(orgId, projectId)}members/`;
    await rig.control("POST", "users", { email: ada, username: "ada" });
  });

  it("are added with 200, not 201, and listed by username without e-mail", async () => {
    const reply = await rig.call("POST", path, { email: ada, role: "READER" });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ message: "User added to the project successfully." });
    const list = await rig.call("GET", path);
    expect(list.body).toEqual({
      members: [
        { username: "platform", role: "OWNER" },
        { username: "ada", role: "READER" },
      ],
    });
    const project = (await rig.call("GET", rig.projectPath(orgId, projectId))).body;
    expect(project).toMatchObject({ members: [{}, { username: "ada", role: "READER", email: ada }] });
  });

  it.each([
    [{ role: "READER" }, { email: ["This field is required."] }],
    [{ email: ada, role: "MEMBER" }, { role: ['"MEMBER" is not a valid choice.'] }],
  ])("are refused with errors by field for %j", async (body, errors) => {
    expect(await rig.call("POST", path, body)).toMatchObject({ status: 400, body: { errors } });
  });

  it("must be registered: an unknown e-mail is a 404", async () => {
    const reply = await rig.call("POST", path, { email: "nobody@acme.test", role: "READER" });
    expect(reply).toMatchObject({ status: 404, body: { message: "User not found" } });
  });

  it("cannot be added twice", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    const reply = await rig.call("POST", path, { email: ada, role: "READER" });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ message: "User is already a member of this project." });
  });

  it("change their role by PUT, whose message has a full stop", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    const reply = await rig.call("PUT", path, { email: ada, role: "OWNER" });
    expect(reply).toMatchObject({ status: 200, body: { message: "User role updated successfully." } });
    expect((await rig.call("GET", path)).body).toMatchObject({ members: [{}, { role: "OWNER" }] });
  });

  it("are removed by DELETE with the e-mail in the query, its + encoded", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    const encoded = `${path}?email=${encodeURIComponent(ada)}`;
    const raw = await rig.call("DELETE", `${path}?email=${ada}`);
    expect(raw.status, "a raw + is a space, as in every query").toBe(400);
    const reply = await rig.call("DELETE", encoded);
    expect(reply).toMatchObject({ status: 200, body: { message: "Member removed from the project" } });
    expect((await rig.call("GET", path)).body).toMatchObject({ members: [{ username: "platform" }] });
    expect(await rig.call("DELETE", encoded)).toMatchObject({ status: 404 });
  });

  it("are also removed by an e-mail in the body", async () => {
    await rig.call("POST", path, { email: ada, role: "READER" });
    expect(await rig.call("DELETE", path, { email: ada })).toMatchObject({ status: 200 });
  });

  it("always have an OWNER among them", async () => {
    const email = "platform@loci.test";
    expect(await rig.call("DELETE", `${path}?email=${email}`)).toMatchObject({ status: 400 });
    expect(await rig.call("PUT", path, { email, role: "READER" })).toMatchObject({ status: 400 });
    expect((await rig.call("GET", path)).body).toEqual({
      members: [{ username: "platform", role: "OWNER" }],
    });
  });

  it("cannot be changed by a READER, and are unknown to who has no role in the project", async () => {
    const reader = await rig.somebodyElse(ada);
    const notFound = { status: 404, body: { message: "Organization or project not found" } };
    expect(await reader.call("GET", path)).toMatchObject(notFound);
    expect(await reader.call("POST", path, { email: ada, role: "OWNER" })).toMatchObject(notFound);
    const membership = { org_id: orgId, project_id: projectId, email: ada, role: "READER" };
    await rig.control("POST", "members", membership);
    const forbidden = { status: 403, body: { message: "Unauthorized to modify project members." } };
    expect(await reader.call("POST", path, { email: ada, role: "OWNER" })).toMatchObject(forbidden);
    expect(await reader.call("PUT", path, { email: ada, role: "OWNER" })).toMatchObject(forbidden);
    expect(await reader.call("DELETE", `${path}?email=platform@loci.test`)).toMatchObject(forbidden);
  });
});
