import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { afterRestore } from "../../src/provisioning/after-restore.ts";
import { resumeProvisioning } from "../../src/provisioning/resume-provisioning.ts";
import { takeInventory } from "../../src/provisioning/take-inventory.ts";
import { freshKey, offboard, settled, signUp } from "../main-job.ts";
import { linkedCustomer, linkedTenant, signUpLinked } from "../memory-access/account-rig.ts";
import { createWorld, type World } from "../world.ts";
import { backUp, holdSteps } from "./restored-world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  await signUp(world, { key: "made" });
  await settled(world, "made");
});
afterAll(() => world?.close());

const mappingOf = (prisma: World["prisma"], key: string) =>
  prisma.resource.findMany({
    where: { tenant: { key } },
    orderBy: { id: "asc" },
    select: { kind: true, state: true, upstreamId: true, goneBy: true },
  });

describe("an inventory", () => {
  it("leaves a tenant on its customer's own account alone, whether the platform sees the place or not", async () => {
    const [unseen, seen] = [await linkedTenant(world), await linkedTenant(world)];
    const email = world.provisioning.account.userEmail;
    await world.emulator.putMember({ org_id: seen.orgId, email, role: "READER" });
    const before = await Promise.all([unseen, seen].map(({ key }) => mappingOf(world.prisma, key)));
    const { missing } = await takeInventory(world.provisioning);
    expect(missing).toBe(0);
    expect(await Promise.all([unseen, seen].map(({ key }) => mappingOf(world.prisma, key)))).toEqual(before);
    for (const { key, orgId, projectId } of [unseen, seen]) {
      const tenant = await world.prisma.tenant.findFirstOrThrow({ where: { key } });
      expect(tenant.drift).toEqual([]);
      const found = { where: { upstreamId: { in: [orgId, projectId] } } };
      expect(await world.prisma.unaccounted.count(found)).toBe(0);
    }
  });

  it("takes what was released for a stranger's", async () => {
    const tenant = await linkedTenant(world);
    const email = world.provisioning.account.userEmail;
    await world.emulator.putMember({ org_id: tenant.orgId, email, role: "READER" });
    await offboard(world, { key: tenant.key });
    await takeInventory(world.provisioning);
    const found = await world.prisma.unaccounted.findFirstOrThrow({ where: { upstreamId: tenant.orgId } });
    expect(found.reason).toContain("Loci did not make it");
  });
});

describe("a restore", () => {
  it("does not doubt a customer's own place, and a sign-up onto one goes on when it is told to", async () => {
    const settledTenant = await linkedTenant(world);
    const customer = await linkedCustomer(world);
    const late = freshKey();
    const [held] = holdSteps(world, [{ key: late, step: "recordPlace", when: "before" }]);
    await signUpLinked(world, { key: late, accountId: customer.account.id, waitMs: 0 });
    await held?.reached;
    const backup = await backUp(world);
    held?.release();
    world.setAround();
    await settled(world, late);

    await afterRestore(backup.provisioning, backup.findAlive);
    const { prisma } = backup;
    expect(await mappingOf(prisma, settledTenant.key)).toMatchObject([
      { kind: "ORGANIZATION", state: "PRESENT", upstreamId: settledTenant.orgId },
      { kind: "PROJECT", state: "PRESENT", upstreamId: settledTenant.projectId },
    ]);
    const stopped = await prisma.operation.findFirstOrThrow({ where: { tenant: { key: late } } });
    expect(stopped).toMatchObject({ kind: "LINK", status: "NEEDS_ATTENTION", ambiguous: false });
    expect(await prisma.attempt.count({ where: { resource: { tenant: { key: late } } } })).toBe(0);

    await resumeProvisioning(backup.provisioning, {
      ...{ actor: "admin", reason: "for a test", retryRestored: false },
    });
    await backup.retry(stopped.id);
    expect(await prisma.operation.findUniqueOrThrow({ where: { id: stopped.id } })).toMatchObject({
      ...{ status: "SUCCEEDED", twinCheckAt: null },
    });
    expect(await mappingOf(prisma, late)).toMatchObject([
      { state: "PRESENT", upstreamId: customer.orgId },
      { state: "PRESENT", upstreamId: customer.projectId },
    ]);
    await backup.close();
  });
});
