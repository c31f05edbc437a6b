import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { faultKinds } from "../../src/emulator/control/fault-routes.ts";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { defaultSwitches, readSwitchText } from "../../src/emulator/switches.ts";
import { organizationsPath, startRig } from "./rig.ts";

const hourMs = 3_600_000;
const webhook = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };

describe("the switch", () => {
  it("latencyMs slows every answer", async () => {
    const rig = await startRig({ switches: { latencyMs: 120 } });
    const startedMs = performance.now();
    await rig.ping();
    await rig.as("m0-wrong").call("GET", "/v1/ping/");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(238);
  });

  it("listLagMs hides a new organization and project from lists, not from a look by id", async () => {
    const rig = await startRig({ switches: { listLagMs: hourMs } });
    const { org_id } = await rig.ping();
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    const projects = `${rig.organizationPath(orgId)}projects/`;
    expect((await rig.call("GET", organizationsPath)).body).toMatchObject([{ org_id }]);
    expect((await rig.call("GET", projects)).body).toEqual([]);
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 200 });
    expect(await rig.call("GET", rig.projectPath(orgId, projectId))).toMatchObject({ status: 200 });
    await rig.switches({ listLagMs: 0 });
    expect((await rig.call("GET", organizationsPath)).body).toMatchObject([{ org_id: orgId }, { org_id }]);
    expect((await rig.call("GET", projects)).body).toHaveLength(2);
  });

  it("deleteLagMs lets deleted things be read on, but not changed", async () => {
    const rig = await startRig({ switches: { deleteLagMs: hourMs } });
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    const paths = [
      rig.organizationPath(orgId),
      rig.projectPath(orgId, projectId),
      rig.webhooksPath(projectId),
    ];
    const statuses = (): Promise<number[]> =>
      Promise.all(paths.map(async (path) => (await rig.call("GET", path)).status));
    await rig.call("DELETE", rig.organizationPath(orgId));
    expect(await statuses()).toEqual([200, 200, 200]);
    expect((await rig.call("GET", rig.webhooksPath(projectId))).body).toHaveLength(1);
    expect((await rig.call("GET", organizationsPath)).body).toHaveLength(2);
    expect(await rig.call("DELETE", rig.organizationPath(orgId))).toMatchObject({ status: 404 });
    expect(await rig.call("PATCH", rig.projectPath(orgId, projectId), {})).toMatchObject({ status: 404 });
    expect(await rig.call("POST", rig.webhooksPath(projectId), webhook)).toMatchObject({ status: 403 });
    await rig.switches({ deleteLagMs: 0 });
    expect(await statuses()).toEqual([404, 404, 403]);
  });

  it("listScopedToKey narrows the organizations list to the key's own", async () => {
    const rig = await startRig({ switches: { listScopedToKey: true } });
    const orgId = await rig.createOrganization();
    const { org_id } = await rig.ping();
    const list = (await rig.call("GET", organizationsPath)).body;
    expect(list).toMatchObject([{ org_id }]);
    expect(list).toHaveLength(1);
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 200 });
  });

  it("equalNamesRefused refuses a twin of what lives and of it alone", async () => {
    const rig = await startRig({ switches: { equalNamesRefused: true } });
    const orgId = await rig.createOrganization("twin");
    const again = await rig.call("POST", organizationsPath, { name: "twin" });
    expect(again.status).toBe(400);
    expect(again.body).toEqual({ errors: { name: ["Organization with this name already exists."] } });
    const projects = `${rig.organizationPath(orgId)}projects/`;
    await rig.createProject(orgId, "twin");
    expect(await rig.call("POST", projects, { name: "twin" })).toMatchObject({
      status: 400,
      body: { message: "A project with this name already exists in this organization." },
    });
    await rig.call("DELETE", rig.organizationPath(orgId));
    expect(await rig.call("POST", organizationsPath, { name: "twin" })).toMatchObject({ status: 201 });
  });

  it("nameLengthMax bounds names", async () => {
    const rig = await startRig({ switches: { nameLengthMax: 5 } });
    expect(await rig.call("POST", organizationsPath, { name: "12345" })).toMatchObject({ status: 201 });
    expect(await rig.call("POST", organizationsPath, { name: "123456" })).toMatchObject({ status: 400 });
  });

  it("newOrganizationHasDefaultProject makes new organizations empty when it is off", async () => {
    const rig = await startRig({ switches: { newOrganizationHasDefaultProject: false } });
    const orgId = await rig.createOrganization();
    expect((await rig.call("GET", `${rig.organizationPath(orgId)}projects/`)).body).toEqual([]);
  });

  it("projectDescriptionKept drops the description at creation when it is off, and PATCH still sets it", async () => {
    const rig = await startRig({ switches: { projectDescriptionKept: false } });
    const orgId = await rig.createOrganization();
    const path = rig.projectPath(orgId, await rig.createProject(orgId, "memories", "loci:abc"));
    expect((await rig.call("GET", path)).body).toMatchObject({ description: null });
    await rig.call("PATCH", path, { description: "loci:abc" });
    expect((await rig.call("GET", path)).body).toMatchObject({ description: "loci:abc" });
  });

  it("webhookUrlUnique allows equal URLs when it is off, and webhookUrlLengthMax bounds them", async () => {
    const rig = await startRig({ switches: { webhookUrlUnique: false, webhookUrlLengthMax: 30 } });
    const path = rig.webhooksPath((await rig.ping()).project_id);
    expect(await rig.call("POST", path, webhook)).toMatchObject({ status: 201 });
    expect(await rig.call("POST", path, webhook)).toMatchObject({ status: 201 });
    const long = await rig.call("POST", path, { ...webhook, url: `${webhook.url}/${"x".repeat(30)}` });
    expect(long.status).toBe(400);
    expect(long.body).toEqual({ url: ["Ensure this field has no more than 30 characters."] });
  });

  it("projectDeleteRemovesWebhooks leaves webhooks behind when it is off, and their OWNER can delete them", async () => {
    const rig = await startRig({ switches: { projectDeleteRemovesWebhooks: false } });
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    await rig.call("DELETE", rig.projectPath(orgId, projectId));
    const [left] = (await rig.tables()).webhooks;
    expect(left).toMatchObject({ project_id: projectId });
    const path = `/api/v1/webhooks/${String(left?.webhook_id)}/`;
    expect(await rig.call("DELETE", path)).toMatchObject({ status: 200 });
  });

  it("organizationDeleteCascades leaves projects and webhooks behind when it is off", async () => {
    const rig = await startRig({ switches: { organizationDeleteCascades: false } });
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    await rig.call("DELETE", rig.organizationPath(orgId));
    expect(await rig.call("GET", rig.organizationPath(orgId))).toMatchObject({ status: 404 });
    const tables = await rig.tables();
    expect(tables.projects).toHaveLength(3);
    expect((await rig.call("GET", rig.webhooksPath(projectId))).body).toHaveLength(1);
  });

  it("projectFieldsNarrow lets ?fields= narrow a project, which it otherwise does not", async () => {
    const rig = await startRig();
    const { org_id, project_id } = await rig.ping();
    const path = `${rig.projectPath(org_id, project_id)}?fields=decay&fields=name`;
    expect((await rig.call("GET", path)).body).toHaveProperty("multilingual");
    await rig.switches({ projectFieldsNarrow: true });
    expect((await rig.call("GET", path)).body).toEqual({ name: "default-project", decay: false });
  });

  it("strictTrailingSlash serves paths without their last slash when it is off", async () => {
    const rig = await startRig({ switches: { strictTrailingSlash: false } });
    expect(await rig.call("POST", organizationsPath.slice(0, -1), { name: "x" })).toMatchObject({
      status: 201,
    });
  });

  it("bearerAccepted refuses Bearer when it is off", async () => {
    const rig = await startRig({ switches: { bearerAccepted: false } });
    const headers = { authorization: `Bearer ${rig.apiKey}` };
    expect(await rig.send("/v1/ping/", { headers })).toMatchObject({ status: 401 });
  });

  it("dates writes the same moment with an offset or with Z, in microseconds", async () => {
    const rig = await startRig();
    const path = rig.organizationPath((await rig.ping()).org_id);
    const createdAt = async (): Promise<string> =>
      ((await rig.call("GET", path)).body as { created_at: string }).created_at;
    const pacific = await createdAt();
    await rig.switches({ dates: "utc" });
    const utc = await createdAt();
    expect(pacific).toMatch(/\.\d{6}-0[78]:00$/);
    expect(utc).toMatch(/\.\d{6}Z$/);
    expect(Date.parse(pacific)).toBe(Date.parse(utc));
    expect(Math.abs(Date.parse(utc) - Date.now())).toBeLessThan(60_000);
  });
});

describe("switches", () => {
  it("that do not exist or cannot have the value are refused at the start", async () => {
    const wrong: object = { noSuchSwitch: true };
    await expect(startEmulator({ switches: wrong })).rejects.toThrow('Switch "noSuchSwitch" does not exist.');
    await expect(startEmulator({ switches: { latencyMs: 0.5 } })).rejects.toThrow(
      'Switch "latencyMs" must be',
    );
  });

  it("are read from text by their own kind", () => {
    expect(readSwitchText("latencyMs=20")).toEqual({ latencyMs: 20 });
    expect(readSwitchText("lastOwnerKept=false")).toEqual({ lastOwnerKept: false });
    expect(readSwitchText("dates=utc")).toEqual({ dates: "utc" });
    expect(() => readSwitchText("latencyMs=soon")).toThrow("must be a whole number");
    expect(() => readSwitchText("latencyMs")).toThrow("must be a whole number");
    expect(() => readSwitchText("toString=1")).toThrow("does not exist");
  });

  it("and faults are all in the README, switches with their defaults", () => {
    const written = readFileSync(new URL("../../src/emulator/README.md", import.meta.url), "utf8");
    const readme = written.replace(/ +/g, " ");
    const missing = Object.entries(defaultSwitches)
      .map(([name, initial]) => `| \`${name}\` | \`${initial}\` |`)
      .concat(faultKinds.map((kind) => `| \`${kind}\` |`))
      .filter((row) => !readme.includes(row));
    expect(missing).toEqual([]);
  });
});
