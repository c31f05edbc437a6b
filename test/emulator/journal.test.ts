import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { type Rig, startRig } from "./rig.ts";

describe("the journal", () => {
  let root: string;
  let path: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "emulator-journal-"));
    path = join(root, "folder", "journal");
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const fill = async (rig: Rig): Promise<void> => {
    const orgId = await rig.createOrganization("Acme");
    const projectId = await rig.createProject(orgId, "memories", "loci:abc");
    await rig.call("PATCH", rig.projectPath(orgId, projectId), { custom_instructions: "Only facts." });
    await rig.control("POST", "users", { email: "ada@acme.test", username: "ada" });
    const members = `${rig.organizationPath(orgId)}members/`;
    await rig.call("POST", members, { email: "ada@acme.test", role: "READER" });
    const webhook = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };
    await rig.call("POST", rig.webhooksPath(projectId), webhook);
    await rig.control("POST", "keys", { org_id: orgId, project_id: projectId, email: "ada@acme.test" });
    await rig.call("DELETE", rig.organizationPath(await rig.createOrganization("gone")));
    await rig.switches({ listScopedToKey: true });
  };

  it("gives a second emulator the same upstream while the first was never closed, as after a kill", async () => {
    const first = await startRig({ journalPath: path });
    await fill(first);
    const second = await startRig({ journalPath: path });
    expect(second.apiKey).toBe(first.apiKey);
    expect(await second.tables("?deleted=true")).toEqual(await first.tables("?deleted=true"));
    expect(await second.control("GET", "switches")).toEqual(await first.control("GET", "switches"));
    expect(await second.ping()).toEqual(await first.ping());
  });

  it("has the change in it before the answer is sent", async () => {
    const rig = await startRig({ journalPath: path });
    await rig.failNext({ kind: "do-then-drop" });
    await expect(rig.createOrganization("lost answer")).rejects.toThrow();
    expect(readFileSync(path, "utf8")).toContain("lost answer");
  });

  it("drops a last line that was torn, and goes on behind it", async () => {
    const rig = await startRig({ journalPath: path });
    await rig.createOrganization("whole");
    await rig.createOrganization("torn");
    truncateSync(path, statSync(path).size - 20);
    const second = await startRig({ journalPath: path });
    const names = async (of: Rig): Promise<unknown[]> =>
      (await of.tables()).organizations.map(({ name }) => name);
    expect(await names(second)).toEqual(["default-org", "whole"]);
    await second.createOrganization("after");
    const third = await startRig({ journalPath: path });
    expect(await names(third)).toEqual(["default-org", "whole", "after"]);
  });

  it("never shows half of a change: a torn cascade is no deletion at all", async () => {
    const rig = await startRig({ journalPath: path });
    const orgId = await rig.createOrganization();
    await rig.createProject(orgId);
    await rig.call("DELETE", rig.organizationPath(orgId));
    truncateSync(path, statSync(path).size - 1);
    const tables = await (await startRig({ journalPath: path })).tables();
    expect(tables.organizations).toHaveLength(2);
    expect(tables.projects).toHaveLength(3);
  });

  it("can be read by its owner alone, whatever its mode was", async () => {
    await startRig({ journalPath: path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    await startRig({ journalPath: path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("is compacted on load when it is much larger than the state, and says the same", async () => {
    const rig = await startRig({ journalPath: path });
    await fill(rig);
    const { org_id, project_id } = await rig.ping();
    for (let turn = 0; turn < 120; turn += 1) {
      await rig.call("PATCH", rig.projectPath(org_id, project_id), { description: `turn ${turn}` });
    }
    const before = statSync(path).size;
    const second = await startRig({ journalPath: path });
    expect(statSync(path).size).toBeLessThan(before / 2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await second.tables("?deleted=true")).toEqual(await rig.tables("?deleted=true"));
    const orgId = await second.createOrganization("after compaction");
    const third = await startRig({ journalPath: path });
    expect((await third.tables()).organizations.at(-1)).toMatchObject({ org_id: orgId });
    expect(await third.control("GET", "switches")).toEqual(await rig.control("GET", "switches"));
  });

  it("keeps a reset", async () => {
    const rig = await startRig({ journalPath: path });
    await fill(rig);
    await rig.control("POST", "reset");
    const second = await startRig({ journalPath: path });
    expect((await second.tables("?deleted=true")).organizations).toHaveLength(1);
    expect(second.apiKey).toBe(rig.apiKey);
    expect(await second.ping()).toEqual(await rig.ping());
  });

  it("takes a key that is given later beside the one it has, and switches that are given over its own", async () => {
    const first = await startRig({ journalPath: path });
    await first.switches({ latencyMs: 5, nameLengthMax: 7 });
    const second = await startRig({ journalPath: path, apiKey: "m0-given", switches: { latencyMs: 0 } });
    expect(second.apiKey).toBe("m0-given");
    expect(await second.ping()).toEqual(await second.as(first.apiKey).ping());
    expect(await second.control("GET", "switches")).toMatchObject({ latencyMs: 0, nameLengthMax: 7 });
  });

  it("that is damaged in its midst, or is another file, is refused and left as it is", async () => {
    const rig = await startRig({ journalPath: path });
    const whole = readFileSync(path, "utf8");
    await rig.createOrganization();
    writeFileSync(path, `${whole}{"puts":[{"tab\n`);
    appendFileSync(path, '{"puts":[]}\n');
    await expect(startEmulator({ journalPath: path })).rejects.toThrow(/damaged in line \d+/);
    writeFileSync(path, "dear diary\n");
    await expect(startEmulator({ journalPath: path })).rejects.toThrow("not a journal");
    expect(readFileSync(path, "utf8")).toBe("dear diary\n");
  });

  it("is not touched when the port is taken", async () => {
    const rig = await startRig({ journalPath: path });
    await rig.createOrganization("torn");
    truncateSync(path, statSync(path).size - 20);
    const size = statSync(path).size;
    const port = Number(new URL(rig.url).port);
    await expect(startEmulator({ port, journalPath: path })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(statSync(path).size).toBe(size);
  });
});
