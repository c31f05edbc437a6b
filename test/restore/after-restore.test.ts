import { randomUUID } from "node:crypto";
import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openEnginePool } from "../../src/database/engine-pool.ts";
import { holdExecutorLease } from "../../src/database/executor-lease.ts";
import { afterRestore, StillRunning } from "../../src/provisioning/after-restore.ts";
import { startEngine } from "../../src/provisioning/engine.ts";
import { resumeProvisioning } from "../../src/provisioning/resume-provisioning.ts";
import { takeInventory } from "../../src/provisioning/take-inventory.ts";
import { readPause } from "../../src/tenants/pause.ts";
import type { Tables } from "../emulator-control.ts";
import { offboard, settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { type Backup, backUp, holdSteps } from "./restored-world.ts";

/** Tenants of the past, by what became of them since the backup. */
const place = {
  members: [{ email: "ada@acme.test" }, { email: "nobody@acme.test" }],
  webhooks: [{ url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD"] }],
  settings: { decay: true },
};

let world: World;
let backup: Backup;
/** The backup as it was, for runs that must begin anew. */
let tablesBefore: Tables;

/** Everything there is upstream, without our account's own organization. */
async function upstream() {
  return world.emulator.tables();
}

async function organizationOf(key: string, prisma = world.prisma) {
  const resource = await prisma.resource.findFirstOrThrow({
    where: { kind: "ORGANIZATION", tenant: { key } },
    orderBy: { tenant: { generation: "desc" } },
  });
  return resource;
}

async function operationOf(key: string) {
  return backup.prisma.operation.findFirstOrThrow({ where: { tenant: { key } }, orderBy: { id: "desc" } });
}

/** All rows that a restore may change, without ids and times that a second run gives anew. */
async function rowsOf({ prisma }: Backup) {
  const [operations, resources, attempts, unaccounted, tenants, pause] = await Promise.all([
    prisma.operation.findMany({ orderBy: { id: "asc" }, omit: { updatedAt: true } }),
    prisma.resource.findMany({ orderBy: { id: "asc" }, omit: { presentAt: true } }),
    prisma.attempt.findMany({
      orderBy: [{ resourceId: "asc" }, { startedAt: "asc" }],
      omit: { id: true, finishedAt: true },
    }),
    prisma.unaccounted.findMany({ orderBy: { upstreamId: "asc" }, omit: { id: true, foundAt: true } }),
    prisma.tenant.findMany({ orderBy: { id: "asc" } }),
    readPause(prisma),
  ]);
  // The time of the inventory stands in what it says.
  const text = JSON.stringify({
    operations,
    resources,
    attempts,
    unaccounted,
    tenants,
    because: pause?.because,
  });
  return JSON.parse(text.replaceAll(/in the inventory of [0-9TZ:.-]+/g, "in the inventory"));
}

beforeAll(async () => {
  world = await createWorld({ timeoutMs: 2_000 });
  await world.emulator.registerUser("ada@acme.test");
  for (const key of ["stays", "leaves"]) {
    await signUp(world, { key, ...place });
    await settled(world, key);
  }
  await world.emulator.failNext({
    match: { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" },
    fault: { kind: "refuse", status: 400 },
  });
  await signUp(world, { key: "failed", ...place });
  await settled(world, "failed");
  await world.emulator.clearFaults();

  const held = holdSteps(world, [
    { key: "at-organization", step: "createOrganization", when: "before" },
    { key: "at-project", step: "createProject", when: "before" },
    { key: "at-record", step: "createOrganization", when: "after" },
  ]);
  for (const key of ["at-organization", "at-project", "at-record"]) {
    await signUp(world, { key, ...place, waitMs: 0 });
  }
  await Promise.all(held.map(({ reached }) => reached));
  backup = await backUp(world);

  // What the backup does not know: three sign-ups end, two more come, one of them goes again, and one tenant goes.
  for (const { release } of held) release();
  for (const key of ["at-organization", "at-project", "at-record"]) await settled(world, key);
  world.setAround();
  for (const key of ["new", "came-and-went"]) {
    await signUp(world, { key, ...place });
    await settled(world, key);
  }
  await offboard(world, { key: "came-and-went" });
  await offboard(world, { key: "leaves" });
  await world.emulator.putOrganization({
    name: "Somebody else's",
    owner_email: world.provisioning.account.userEmail,
  });
  await lookAlike("stays", {});
  await lookAlike("at-organization", { created_at: "2020-01-01T00:00:00Z" });
  const { marker } = await organizationOf("at-record");
  const owner_email = world.provisioning.account.userEmail;
  await world.emulator.putOrganization({ name: `Twin ·${marker}`, owner_email });
  tablesBefore = await upstream();
});

/** A stranger's organization that bears the marker of a tenant's, with our account in it. */
async function lookAlike(key: string, more: object): Promise<void> {
  const { marker } = await organizationOf(key);
  await world.emulator.putOrganization({
    name: `Look-alike of ${key} ·${marker}`,
    owner_email: "eve@elsewhere.test",
    members: [{ email: world.provisioning.account.userEmail, role: "READER" }],
    ...more,
  });
}

afterEach(() => world.setAround());

afterAll(async () => {
  await backup.close();
  await world.close();
});

describe("--after-restore on an old database beside a newer Mem0", () => {
  it("is refused while a process still works on the database, and changes nothing then", async () => {
    const lease = await holdExecutorLease(backup.connectionString, { isAlone: false, onCondemned: () => {} });
    await expect(afterRestore(backup.provisioning, backup.findAlive)).rejects.toThrow(StillRunning);
    await lease.release();
    expect(await readPause(backup.prisma)).toBeNull();
    expect(await backup.prisma.operation.count({ where: { status: "NEEDS_ATTENTION" } })).toBe(0);
  });

  it("ends the same when it is broken off at any stage and run again, and is paused from the first on", async () => {
    const stages = [
      "pause",
      "cancel the engine's runs",
      "bury past executors",
      "stop open operations",
      "doubt resources",
      "doubt creates",
      "inventory",
    ];
    for (const stage of stages) {
      const log = pino(
        { level: "info" },
        {
          write: (line: string) => {
            if (JSON.parse(line).stage === stage) throw new Error(`broken off after ${stage}`);
          },
        },
      );
      await expect(afterRestore({ ...backup.provisioning, log }, backup.findAlive)).rejects.toThrow(
        "broken off",
      );
      expect(await readPause(backup.prisma)).not.toBeNull();
    }
    await world.emulator.failNext({
      match: { method: "GET", path: "/api/v1/orgs/organizations/*/projects/" },
      fault: { kind: "refuse", status: 403 },
    });
    await expect(afterRestore(backup.provisioning, backup.findAlive)).rejects.toThrow();
    await world.emulator.clearFaults();
    const inventory = await afterRestore(backup.provisioning, backup.findAlive);
    // stays, and the three that were in flight; leaves answers 404; new and somebody else's are nobody's.
    expect(inventory).toMatchObject({ matched: 4, missing: 1 });
    const once = await rowsOf(backup);
    await afterRestore(backup.provisioning, backup.findAlive);
    expect(await rowsOf(backup)).toEqual(once);
  });

  it("asked Mem0 to change nothing", async () => {
    expect(await upstream()).toEqual(tablesBefore);
  });

  it("matches every organization, or lists it as unaccounted", async () => {
    const account = await backup.prisma.mem0Account.findFirstOrThrow();
    const mapped = await backup.prisma.resource.findMany({
      where: { kind: "ORGANIZATION", state: "PRESENT" },
    });
    const unaccounted = await backup.prisma.unaccounted.findMany();
    const known = [...mapped, ...unaccounted].map(({ upstreamId }) => upstreamId ?? "none");
    const listed = tablesBefore.organizations.map(({ org_id }) => org_id);
    expect([...known, account.orgId].toSorted()).toEqual(listed.toSorted());
    const fresh = await organizationOf("new");
    expect(unaccounted.find(({ upstreamId }) => upstreamId === fresh.upstreamId)?.reason).toContain(
      "made after the backup",
    );
    const reasonOf = (beginning: string) =>
      unaccounted.find(({ name }) => name.startsWith(beginning))?.reason;
    expect(reasonOf("Somebody else's")).toContain("no marker");
    expect(reasonOf("Look-alike of stays")).toContain("suspicious: we are not its owner");
    expect(reasonOf("Twin")).toContain("it is a twin");
    expect(reasonOf("Look-alike of at-organization")).toContain("suspicious: we are not its owner");
  });

  it("finds what stayed PRESENT again, with whoever waits still waiting", async () => {
    const resources = await backup.prisma.resource.findMany({ where: { tenant: { key: "stays" } } });
    const states = resources.map(({ kind, name, state }) => `${kind} ${name} ${state}`).toSorted();
    expect(states).toEqual([
      "ORGANIZATION main PRESENT",
      "ORGANIZATION_MEMBER ada@acme.test PRESENT",
      "ORGANIZATION_MEMBER nobody@acme.test AWAITING_REGISTRATION",
      "PROJECT default-project PRESENT",
      "PROJECT main PRESENT",
      "PROJECT_MEMBER ada@acme.test PRESENT",
      "PROJECT_MEMBER nobody@acme.test AWAITING_REGISTRATION",
      "PROJECT_SETTINGS main PRESENT",
      "WEBHOOK webhook-1 PRESENT",
    ]);
    const { drift } = await backup.prisma.tenant.findFirstOrThrow({ where: { key: "stays" } });
    expect(drift).toEqual([]);
  });

  it("says of a tenant that went after the backup that its organization was not found, and leaves it ACTIVE", async () => {
    const tenant = await backup.prisma.tenant.findFirstOrThrow({
      where: { key: "leaves" },
      include: { resources: true },
    });
    expect(tenant.status).toBe("ACTIVE");
    expect(tenant.drift).toEqual([expect.stringContaining("was not found in the inventory of")]);
    expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["UNKNOWN"]));
  });

  it("leaves a tenant that had FAILED as it was", async () => {
    const tenant = await backup.prisma.tenant.findFirstOrThrow({
      where: { key: "failed" },
      include: { resources: true },
    });
    expect(tenant.status).toBe("FAILED");
    expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["GONE"]));
  });

  it("lets the engine go on with nothing of the past", async () => {
    const left = await backup.prisma.$queryRaw<{ executor_id: string; status: string }[]>`
      SELECT executor_id, status FROM dbos.workflow_status WHERE workflow_uuid = ${`${(await operationOf("at-project")).id}:1`}`;
    expect(left).toEqual([{ executor_id: expect.any(String), status: "CANCELLED" }]);
    await world.engine.stop(2_000);
    const begun: string[] = [];
    const database = openEnginePool(backup.connectionString, { connectionsMax: 5, log: () => {} });
    const engine = await startEngine({
      database,
      executorId: `test-${randomUUID()}`,
      log: backup.provisioning.log,
      inFlightMax: 10,
      run: async (_journal, operationId) => {
        begun.push(operationId);
      },
    });
    await engine.handOver(left[0]?.executor_id ?? "");
    expect(await engine.stateOf((await operationOf("at-project")).id, 1)).toMatchObject({ is: "lost" });
    await engine.stop(2_000);
    await database.close();
    expect(begun).toEqual([]);
  });

  it.each(["at-organization", "at-project", "at-record"])(
    "lets %s, when it is retried, take what was made since",
    async (key) => {
      const stopped = await operationOf(key);
      expect(stopped).toMatchObject({ status: "NEEDS_ATTENTION", run: 2, ambiguous: true });
      expect(stopped.reason).toMatch(/^Restored from a backup whose last entry is of 20/);
      // What may have been done since counts as begun: it is looked for, and undone if it comes to that.
      const steps = await backup.prisma.operationStep.findMany({ where: { operationId: stopped.id } });
      expect(steps.filter(({ status }) => status !== "SUCCEEDED" && status !== "FAILED")).toEqual([]);
      expect(steps.filter(({ attempts }) => attempts === 0)).toEqual([]);
      await backup.retry(stopped.id);
      const tenant = await backup.prisma.tenant.findFirstOrThrow({
        where: { key },
        include: { resources: true },
      });
      expect((await operationOf(key)).status).toBe("SUCCEEDED");
      expect(tenant).toMatchObject({ status: "ACTIVE", drift: [] });
      const told = (
        resources: readonly { kind: string; name: string; state: string; upstreamId: string | null }[],
      ) =>
        resources
          .map(({ kind, name, state, upstreamId }) => `${kind} ${name} ${state} ${upstreamId}`)
          .toSorted();
      const truth = await world.prisma.resource.findMany({ where: { tenant: { key } } });
      expect(told(tenant.resources)).toEqual(told(truth));
    },
  );

  it("has made nothing twice, and deleted nothing, when all that is done", async () => {
    const now = await upstream();
    const idsOf = (tables: Tables) => [
      ...tables.organizations.map(({ org_id }) => org_id),
      ...tables.projects.map(({ project_id }) => project_id),
      ...tables.webhooks.map(({ webhook_id }) => webhook_id),
    ];
    expect(idsOf(now).toSorted()).toEqual(idsOf(tablesBefore).toSorted());
  });

  it("stays paused until an operator says so, which is audited", async () => {
    expect(await readPause(backup.prisma)).not.toBeNull();
    await resumeProvisioning(backup.provisioning, {
      actor: "ada",
      reason: "All is well.",
      retryRestored: true,
    });
    expect(await readPause(backup.prisma)).toBeNull();
    const [event] = await backup.prisma.auditEvent.findMany({ where: { action: "resumeProvisioning" } });
    expect(event).toMatchObject({
      actor: "ada",
      action: "resumeProvisioning",
      decision: "ALLOWED",
      reason: "All is well.",
    });
    const again = resumeProvisioning(backup.provisioning, {
      actor: "ada",
      reason: "Again.",
      retryRestored: false,
    });
    await expect(again).rejects.toMatchObject({ code: "NOT_PAUSED" });
    expect((await takeInventory(backup.provisioning)).missing).toBe(1);
  });
});
