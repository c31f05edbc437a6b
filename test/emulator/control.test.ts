import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { organizationsPath, startRig } from "./rig.ts";

describe("the control plane", () => {
  it("says that it is there, without a key", async () => {
    const rig = await startRig();
    expect(await rig.send("/_emulator/health", {})).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  it("resets to the fresh state: same key, same ids, first switches, no faults, no log", async () => {
    const rig = await startRig({ switches: { nameLengthMax: 99 } });
    const before = await rig.ping();
    await rig.createOrganization();
    await rig.control("POST", "users", { email: "ada@acme.test" });
    await rig.switches({ nameLengthMax: 5, listScopedToKey: true });
    await rig.failNext({ kind: "drop" });
    await rig.control("POST", "reset");
    expect(await rig.control("GET", "requests")).toEqual({ requests: [], criticalPath: 0 });
    expect(await rig.control("GET", "faults")).toEqual({ faults: [] });
    expect(await rig.control("GET", "switches")).toMatchObject({ nameLengthMax: 99, listScopedToKey: false });
    expect(await rig.ping()).toEqual(before);
    const tables = await rig.tables("?deleted=true");
    const filled = Object.entries(tables).filter(([, rows]) => rows.length > 0);
    expect(filled.map(([name, rows]) => [name, rows.length])).toEqual([
      ["organizations", 1],
      ["projects", 1],
      ["users", 1],
      ["keys", 1],
    ]);
  });

  it("shows the tables with members, settings, people and keys", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId, "memories", "loci:abc");
    const owner = { username: "platform", role: "OWNER", email: "platform@loci.test" };
    const tables = await rig.tables();
    expect(tables.organizations[1]).toMatchObject({ org_id: orgId, name: "Acme", members: [owner] });
    expect(tables.projects[2]).toMatchObject({
      project_id: projectId,
      org_id: orgId,
      name: "memories",
      description: "loci:abc",
      is_default: false,
      decay: false,
      members: [owner],
    });
    expect(tables.users).toMatchObject([{ email: "platform@loci.test", username: "platform" }]);
    expect(tables.keys).toMatchObject([{ api_key: rig.apiKey, email: "platform@loci.test" }]);
    expect((await rig.call("GET", "/_emulator/tables?deleted=yes")).body).toMatchObject({ field: "deleted" });
  });

  it("registers people, once each", async () => {
    const rig = await startRig();
    const first = await rig.control("POST", "users", { email: "Ada@acme.test" });
    expect(first).toMatchObject({ email: "Ada@acme.test", username: "Ada" });
    expect(await rig.control("POST", "users", { email: "ada@ACME.test", username: "x" })).toEqual(first);
    expect(await rig.control("GET", "users")).toMatchObject({ users: [{ username: "platform" }, first] });
  });

  it("makes an organization as somebody else, of any age, with us in it", async () => {
    const rig = await startRig();
    const made = await rig.control<{ org_id: string; project_id: string }>("POST", "organizations", {
      name: "look-alike",
      owner_email: "eve@else.test",
      members: [{ email: "platform@loci.test", role: "READER" }],
      created_at: "2020-01-02T03:04:05Z",
    });
    await rig.switches({ dates: "utc" });
    const [, oldest] = (await rig.call("GET", organizationsPath)).body as unknown[];
    expect(oldest).toMatchObject({
      org_id: made.org_id,
      created_at: "2020-01-02T03:04:05.000000Z",
      user_role: "READER",
      is_owner: false,
      members: [{ email: "eve@else.test", role: "OWNER" }, { role: "READER" }],
    });
    expect(made.project_id).toMatch(/^proj_/);
  });

  it("throws our own account out, last OWNER or not", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    await rig.control("DELETE", "members", { org_id: orgId, email: "platform@loci.test" });
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 404 });
    expect(await rig.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 404 });
    expect((await rig.tables()).organizations).toHaveLength(2);
  });

  it("puts a member into a project, or takes one out of it alone", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const platform = { username: "platform", role: "OWNER", email: "platform@loci.test" };
    const member = { org_id: orgId, project_id: await rig.createProject(orgId), email: "ada@acme.test" };
    await rig.control("POST", "members", { ...member, role: "READER" });
    await rig.control("POST", "members", { ...member, email: "ADA@acme.test", role: "OWNER" });
    const joined = [platform, { username: "ada", role: "OWNER", email: "ada@acme.test" }];
    expect((await rig.tables()).projects[2]).toMatchObject({ members: joined });
    await rig.control("DELETE", "members", member);
    expect((await rig.tables()).projects[2]).toMatchObject({ members: [platform] });
  });

  it.each([
    ["POST", "users", { mail: "ada@acme.test" }, "mail"],
    ["POST", "users", { email: "ada" }, "email"],
    ["POST", "keys", { org_id: "org_x", project_id: "proj_x" }, "org_id"],
    ["POST", "members", { org_id: "org_x", email: "a@b.c", role: "ADMIN" }, "role"],
    ["POST", "organizations", { owner_email: "a@b.c" }, "name"],
    ["POST", "organizations", { name: "x", owner_email: "a@b.c", created_at: "then" }, "created_at"],
    ["POST", "organizations", { name: "x", owner_email: "a@b.c", members: [{ mail: 1 }] }, "members.0.mail"],
    ["PATCH", "switches", { noSuchSwitch: 1 }, "noSuchSwitch"],
    ["PATCH", "switches", { latencyMs: -1 }, "latencyMs"],
    ["PATCH", "switches", { unknownProjectMember: "maybe" }, "unknownProjectMember"],
    ["PATCH", "switches", { lastOwnerKept: null }, "lastOwnerKept"],
  ])("refuses %s %s %j with a 400 that names the field", async (method, path, body, field) => {
    const rig = await startRig();
    const before = await rig.tables();
    const reply = await rig.call(method, `/_emulator/${path}`, body);
    expect(reply).toMatchObject({ status: 400, body: { field, error: expect.stringContaining(field) } });
    expect(await rig.tables()).toEqual(before);
  });

  it("refuses what is no endpoint, no JSON or the wrong method", async () => {
    const rig = await startRig();
    expect(await rig.send("/_emulator/nothing", {})).toMatchObject({ status: 404 });
    expect(await rig.send("/_emulator/health", { method: "POST" })).toMatchObject({ status: 405 });
    expect(await rig.send("/_emulator/users", { method: "POST", body: "{" })).toMatchObject({ status: 400 });
  });

  it.each([{ host: "evil.test" }, { origin: "https://evil.test" }])(
    "refuses what a foreign web page sends: %j",
    async (headers) => {
      const rig = await startRig();
      const status = await new Promise((resolve, reject) => {
        request(`${rig.url}/_emulator/reset`, { method: "POST", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
      expect(status).toBe(403);
    },
  );
});
