import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ProofWork, proveDue, startProofs } from "../../src/memory-access/proofs.ts";
import { seal } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { newId } from "../../src/tenants/ids.ts";
import { claimDueProofs, recordProof } from "../../src/tenants/key-proofs.ts";
import { until } from "../main-job.ts";
import { startScriptedServer } from "../mem0/scripted-server.ts";
import { createWorld, type World } from "../world.ts";
import { accessOf, attachNew, type Placed, place } from "./key-rig.ts";

let world: World;
let work: ProofWork;

beforeAll(async () => {
  world = await createWorld();
  const { ring } = world.projectKeys;
  if (ring === null) throw new Error("The world has no key ring.");
  work = { ...world.projectKeys, ring };
});
afterAll(() => world?.close());
afterEach(async () => {
  await world.emulator.clearFaults();
  await world.prisma.projectKey.updateMany({
    where: { state: { not: "DETACHED" } },
    data: { proofDueAt: null },
  });
});

/** A tenant whose key was proved an hour ago, and whose next proof is due now. */
async function dueTenant() {
  const tenant = await place(world);
  const attached = await attachNew(world, tenant);
  await makeDue(tenant);
  return { tenant, ...attached };
}

async function makeDue({ tenantId }: Placed): Promise<void> {
  await world.prisma.$executeRaw`
    UPDATE project_key SET proof_due_at = now() - interval '1 second', proved_at = proved_at - interval '1 hour'
    WHERE tenant_id = ${tenantId} AND state <> 'DETACHED'`;
}

const rowOf = ({ tenantId }: Placed) => world.prisma.projectKey.findFirstOrThrow({ where: { tenantId } });

const pings = async () =>
  (await world.emulator.requests()).requests.filter(({ path }) => path === "/v1/ping/").length;

describe("a proof that is due", () => {
  it("is made, and dates the key anew", async () => {
    const { tenant } = await dueTenant();
    const before = await rowOf(tenant);
    await proveDue(work);
    const after = await rowOf(tenant);
    expect(after.state).toBe("PROVED");
    expect(after.provedAt.getTime()).toBeGreaterThan(before.provedAt.getTime());
    const waitMs = (after.proofDueAt?.getTime() ?? 0) - Date.now();
    expect(waitMs).toBeGreaterThan(work.proofEveryMs / 2);
    expect(waitMs).toBeLessThanOrEqual(work.proofEveryMs);
    await world.emulator.clearRequests();
    await proveDue(work);
    expect(await pings()).toBe(0);
  });

  it("closes the door when the key was revoked, and a good one opens it again", async () => {
    const { tenant, apiKey } = await dueTenant();
    await world.door.open(tenant.tenantId, "with-body");
    await world.emulator.failNext({ match: { path: "/v1/ping/" }, fault: { kind: "refuse", status: 401 } });
    await proveDue(work);
    expect(await accessOf(world, tenant.key)).toMatchObject({
      state: "REFUTED",
      keys: [{ state: "REFUTED" }],
    });
    await until(
      () =>
        world.door.open(tenant.tenantId, "with-body").then(
          () => false,
          () => true,
        ),
      "the door is closed",
    );
    await makeDue(tenant);
    await proveDue(work);
    expect(await accessOf(world, tenant.key)).toMatchObject({
      state: "BOUND_KEY",
      keys: [{ state: "PROVED" }],
    });
    await world.door.open(tenant.tenantId, "with-body");
    await world.emulator.revokeKey(apiKey);
    await makeDue(tenant);
    await proveDue(work);
    expect((await accessOf(world, tenant.key)).message).toContain("not valid");
  });

  it.each(["orgId", "projectId"] as const)("closes the door when Mem0 names another %s", async (field) => {
    const { tenant } = await dueTenant();
    const identity = { org_id: tenant.orgId, project_id: tenant.projectId, user_email: "ada@acme.test" };
    const other = field === "orgId" ? { org_id: "org_other" } : { project_id: "proj_other" };
    const mem0 = await startScriptedServer();
    try {
      mem0.answer(200, { status: "ok", ...identity, ...other });
      await proveDue({ ...work, target: { ...work.target, baseUrl: mem0.baseUrl } });
    } finally {
      await mem0.close();
    }
    expect(await rowOf(tenant)).toMatchObject({ state: "REFUTED" });
  });

  it("that Mem0 does not answer leaves the key as it is, and is tried again soon", async () => {
    const { tenant } = await dueTenant();
    const before = await rowOf(tenant);
    await world.emulator.failNext({ match: { path: "/v1/ping/" }, fault: { kind: "fail-500" } });
    await proveDue(work);
    const after = await rowOf(tenant);
    expect(after).toMatchObject({ state: "PROVED", provedAt: before.provedAt });
    expect((after.proofDueAt?.getTime() ?? 0) - Date.now()).toBeLessThan(60_000);
  });

  it("is left to whoever is taking it, without waiting", async () => {
    await dueTenant();
    await world.prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM project_key WHERE proof_due_at <= now() FOR UPDATE`;
      expect(await claimDueProofs(world.prisma, 10)).toEqual([]);
    });
    expect(await claimDueProofs(world.prisma, 10)).toHaveLength(1);
    expect(await claimDueProofs(world.prisma, 10)).toEqual([]);
  });

  it("is made by one process alone", async () => {
    for (let count = 0; count < 5; count += 1) await dueTenant();
    await world.emulator.clearRequests();
    await Promise.all([proveDue(work), proveDue(work), proveDue(work)]);
    expect(await pings()).toBe(5);
  });

  it("counts for nothing when the key was refused meanwhile", async () => {
    const { tenant } = await dueTenant();
    const [task] = await claimDueProofs(world.prisma, 10);
    if (task === undefined) throw new Error("Nothing was due.");
    await world.prisma.projectKey.updateMany({
      where: { tenantId: tenant.tenantId },
      data: { state: "REFUTED", refutedBecause: "any", proofDueAt: new Date(Date.now() + 60_000) },
    });
    expect(await recordProof(world.prisma, task, { is: "PROVED" }, new Date())).toBe(false);
    expect(await rowOf(tenant)).toMatchObject({ state: "REFUTED" });
  });

  it("is found by what runs all the time, which ends when it is told to, a ping under way or not", async () => {
    const { tenant, apiKey } = await dueTenant();
    await world.emulator.revokeKey(apiKey);
    const proving = startProofs(work);
    try {
      await until(async () => (await rowOf(tenant)).state === "REFUTED", "it is refuted");
      await makeDue(tenant);
      await world.emulator.clearRequests();
      await world.emulator.failNext({ match: { path: "/v1/ping/" }, fault: { kind: "hang", done: false } });
      await makeDue(tenant);
      await until(
        async () => (await world.emulator.faults()).every(({ fired }) => fired > 0),
        "a ping hangs",
      );
    } finally {
      const startedAt = Date.now();
      await proving.stop();
      expect(Date.now() - startedAt).toBeLessThan(2_000);
    }
  });
});

describe("a proof of a customer's account", () => {
  it("is made like every other", async () => {
    const tenant = await place(world);
    const apiKey = await world.emulator.makeKey({ org_id: tenant.orgId, project_id: tenant.projectId });
    const id = newId("acc");
    const sealedKey = await seal(work.ring, new Secret(apiKey), { purpose: "account-key", id });
    await world.prisma.mem0Account.create({
      data: {
        ...{ id, sealedKey, orgId: tenant.orgId, projectId: tenant.projectId, role: "CUSTOMER" },
        ...{
          upstream: "emulator",
          userEmail: "ada@acme.test",
          keyHint: apiKey.slice(-4),
          keyState: "PROVED",
        },
        ...{ provedAt: new Date(0), proofDueAt: new Date() },
      },
    });
    const account = () => world.prisma.mem0Account.findUniqueOrThrow({ where: { id } });
    await proveDue(work);
    expect(await account()).toMatchObject({ keyState: "PROVED", provedAt: expect.any(Date) });
    expect((await account()).provedAt?.getTime()).toBeGreaterThan(0);
    await world.emulator.revokeKey(apiKey);
    await world.prisma.mem0Account.update({ where: { id }, data: { proofDueAt: new Date() } });
    await proveDue(work);
    expect(await account()).toMatchObject({ keyState: "REFUTED" });
  });
});

describe("a key that was replaced", () => {
  it("is forgotten when its overlap is over, and not before", async () => {
    const tenant = await place(world);
    const first = await attachNew(world, tenant);
    await attachNew(world, tenant, { overlapMs: 60_000 });
    await proveDue(work);
    const row = () =>
      world.prisma.projectKey.findFirstOrThrow({
        where: { keyHint: first.key.hint, tenantId: tenant.tenantId },
      });
    expect(await row()).toMatchObject({ state: "PROVED" });
    await world.prisma.projectKey.update({
      where: { id: (await row()).id },
      data: { retiresAt: new Date(Date.now() - 1) },
    });
    await proveDue(work);
    expect(await row()).toMatchObject({ state: "DETACHED", sealedKey: null });
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
  });

  it("does not serve any more once its overlap is over, also while nobody has forgotten it yet", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const second = await attachNew(world, tenant, { overlapMs: 0 });
    await world.emulator.revokeKey(second.apiKey);
    await makeDue(tenant);
    await world.prisma.$executeRaw`
      UPDATE project_key SET state = 'REFUTED', refuted_because = 'any'
      WHERE tenant_id = ${tenant.tenantId} AND retires_at IS NULL`;
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "REFUTED" });
  });
});
