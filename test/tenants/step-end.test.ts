import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { recordReadBack, recordSuspicions } from "../../src/tenants/drift.ts";
import { claimCreate, recordMade } from "../../src/tenants/mapping.ts";
import type { StepEnd } from "../../src/tenants/operation-steps.ts";
import { beginRun } from "../../src/tenants/operation-store.ts";
import { recordAllPresent } from "../../src/tenants/resources-without-id.ts";
import { activateTenant } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { waitUntil } from "../wait-until.ts";
import { signedUp } from "./signed-up.ts";

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase(testDatabase.connectionString);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const endOf = ({ id }: { readonly id: string }): StepEnd => ({
  ...{ operationId: id, step: "step" },
  ...{ output: { an: "answer" }, upstreamCalls: 2 },
});

const stepOf = ({ id }: { readonly id: string }) =>
  database.prisma.operationStep.findFirstOrThrow({ where: { operationId: id } });

const isDone = { status: "SUCCEEDED", output: { an: "answer" }, upstreamCalls: 2, errorCode: null };

describe("the end of a step that is recorded with what it did", () => {
  it("is there with the upstream id, and not without it", async () => {
    const { operation, idOf } = await signedUp(database.prisma);
    const resourceId = idOf("ORGANIZATION");
    const claim = await claimCreate(database.prisma, { resourceId, operationId: operation.id, step: "step" });
    const attemptId = claim.is === "claimed" ? claim.attemptId : "";
    const made = { resourceId, attemptId, upstreamId: `org_${attemptId}` };
    expect(await recordMade(database.prisma, made, endOf(operation))).toBe(true);
    expect(await stepOf(operation)).toMatchObject(isDone);

    const { operation: other, idOf: otherIdOf } = await signedUp(database.prisma);
    const taken = { resourceId: otherIdOf("ORGANIZATION"), attemptId: null };
    await recordMade(database.prisma, { ...taken, upstreamId: `first_${attemptId}` });
    const late = { ...taken, upstreamId: `second_${attemptId}` };
    expect(await recordMade(database.prisma, late, endOf(other))).toBe(false);
    expect(await stepOf(other)).toMatchObject({ status: "PENDING", output: null });
  });

  it("is there when all of several are there, and not when one of them is gone", async () => {
    const { operation, idOf } = await signedUp(database.prisma);
    const ids = [idOf("ORGANIZATION_MEMBER"), idOf("PROJECT_MEMBER")];
    expect(await recordAllPresent(database.prisma, ids, endOf(operation))).toBe(true);
    expect(await stepOf(operation)).toMatchObject(isDone);

    const { operation: other, idOf: otherIdOf } = await signedUp(database.prisma);
    const goneId = otherIdOf("PROJECT_MEMBER");
    await database.prisma.resource.update({
      where: { id: goneId },
      data: { state: "GONE", goneAt: new Date(), goneBy: "PARENT" },
    });
    const others = [otherIdOf("ORGANIZATION_MEMBER"), goneId];
    expect(await recordAllPresent(database.prisma, others, endOf(other))).toBe(false);
    expect(await stepOf(other)).toMatchObject({ status: "PENDING" });
    // Who is there is recorded all the same.
    const [present] = await database.prisma.resource.findMany({ where: { id: others[0] ?? "" } });
    expect(present).toMatchObject({ state: "PRESENT" });
  });

  it("is there when the tenant becomes ACTIVE by it, and not when it was ACTIVE before", async () => {
    const { operation, tenantId } = await signedUp(database.prisma);
    const now = new Date();
    expect(await activateTenant(database.prisma, tenantId, now, endOf(operation))).toEqual({
      ...{ activatedAt: now, isNew: true },
    });
    expect(await stepOf(operation)).toMatchObject(isDone);

    const { operation: other, tenantId: otherId } = await signedUp(database.prisma);
    await activateTenant(database.prisma, otherId, now);
    const later = new Date(now.getTime() + 1_000);
    expect(await activateTenant(database.prisma, otherId, later, endOf(other))).toEqual({
      ...{ activatedAt: now, isNew: false },
    });
    expect(await stepOf(other)).toMatchObject({ status: "PENDING" });
  });

  it("never brings a step back that an off-boarding has superseded", async () => {
    const { operation, idOf } = await signedUp(database.prisma);
    await database.prisma.operationStep.updateMany({
      where: { operationId: operation.id },
      data: { status: "SUPERSEDED" },
    });
    await recordAllPresent(database.prisma, [idOf("PROJECT_SETTINGS")], endOf(operation));
    expect(await stepOf(operation)).toMatchObject({ status: "SUPERSEDED", output: null });
  });
});

/** Waits until a read-back waits for a lock that somebody else holds. */
async function untilReadBackWaits(): Promise<void> {
  const waits = async () => {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%read_back_at%'
         AND datname = current_database()`,
    );
    return rowCount === 1;
  };
  await waitUntil(waits, { what: "a read-back waits for a lock", timeoutMs: 20_000, intervalMs: 10 });
}

describe("a read-back", () => {
  const drift = ["The webhook is not there."];

  it("is written with the end of its step and the default project; a repeat writes the same", async () => {
    const { operation, tenantId, idOf } = await signedUp(database.prisma);
    await beginRun(database.prisma, operation.id, 1, { deadlineAt: new Date() });
    const parentId = idOf("ORGANIZATION");
    const defaultProject = { upstreamId: `proj_${tenantId}`, name: "default-project", parentId };
    const readBack = { operationId: operation.id, tenantId, drift, defaultProject };
    for (let time = 0; time < 2; time++) {
      expect(await recordReadBack(database.prisma, readBack, endOf(operation))).toBe(true);
    }
    const { resources, ...tenant } = await database.prisma.tenant.findUniqueOrThrow({
      where: { id: tenantId },
      include: { resources: { where: { name: "default-project" } } },
    });
    expect(tenant).toMatchObject({ drift, readBackAt: expect.any(Date) });
    expect(resources).toMatchObject([
      {
        ...{ kind: "PROJECT", state: "PRESENT", upstreamId: defaultProject.upstreamId, parentId },
        ...{ desired: { name: "default-project" }, operationId: operation.id },
      },
    ]);
    expect(await stepOf(operation)).toMatchObject({ status: "SUCCEEDED", output: { an: "answer" } });
  });

  it("changes nothing, and ends no step, of an operation that is over", async () => {
    const { operation, tenantId } = await signedUp(database.prisma);
    await database.prisma.operation.update({
      where: { id: operation.id },
      data: { status: "SUCCEEDED", finishedAt: new Date() },
    });
    const readBack = { operationId: operation.id, tenantId, drift, defaultProject: null };
    expect(await recordReadBack(database.prisma, readBack, endOf(operation))).toBe(false);
    const tenant = await database.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    expect(tenant).toMatchObject({ drift: [], readBackAt: null });
    expect(await stepOf(operation)).toMatchObject({ status: "PENDING" });
  });

  it("keeps what is suspicious, also when it is told while the read-back waits for the tenant", async () => {
    const { operation, tenantId } = await signedUp(database.prisma);
    await beginRun(database.prisma, operation.id, 1, { deadlineAt: new Date() });
    const readBack = { operationId: operation.id, tenantId, drift, defaultProject: null };
    const suspicion = { upstreamId: "org_copy", why: "we are not its OWNER" };
    let written: Promise<boolean> | undefined;
    await database.prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
      written = recordReadBack(database.prisma, readBack);
      await untilReadBackWaits();
      await tx.$executeRaw`UPDATE tenant SET drift = ARRAY['Suspicious organization org_copy: it is a copy.'] WHERE id = ${tenantId}`;
    });
    expect(await written).toBe(true);
    const tenant = await database.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    expect(tenant.drift).toEqual(["Suspicious organization org_copy: it is a copy.", ...drift]);
    await recordSuspicions(database.prisma, tenantId, "organization", [suspicion]);
    await recordReadBack(database.prisma, readBack);
    const after = await database.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    expect(after.drift).toEqual([expect.stringContaining("we are not its OWNER"), ...drift]);
  });

  it("ends with nothing written when the operation is superseded while it waits for the tenant", async () => {
    const { operation, tenantId } = await signedUp(database.prisma);
    await beginRun(database.prisma, operation.id, 1, { deadlineAt: new Date() });
    const readBack = { operationId: operation.id, tenantId, drift, defaultProject: null };
    let written: Promise<boolean> | undefined;
    await database.prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
      written = recordReadBack(database.prisma, readBack, endOf(operation));
      await untilReadBackWaits();
      await tx.$executeRaw`UPDATE operation SET status = 'SUCCEEDED', finished_at = now() WHERE id = ${operation.id}`;
    });
    expect(await written).toBe(false);
    const tenant = await database.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    expect(tenant).toMatchObject({ drift: [], readBackAt: null });
    expect(await stepOf(operation)).toMatchObject({ status: "PENDING" });
  });
});
