import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { beginDelete } from "../../src/tenants/delete-attempts.ts";
import { newId } from "../../src/tenants/ids.ts";
import {
  abandonAttempt,
  claimCreate,
  claimDueMembers,
  type Db,
  recordGone,
  recordMade,
  recordNotDone,
  recordUnknown,
} from "../../src/tenants/mapping.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { recordAwaiting } from "../../src/tenants/resources-without-id.ts";
import { activateTenant, insertSignUp } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let testDatabase: TestDatabase;
let database: Database;
let tenants = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase(testDatabase.connectionString);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** A tenant that was just signed up, with its mapping as it is before the first step. */
async function newTenant() {
  tenants += 1;
  const place = placeSchema.parse({ name: "Acme", members: [{ email: "ada@acme.test" }] });
  const { operation } = await insertSignUp(
    database.prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey: `key-${tenants}`, input: { tenants } },
    {
      operationId: newId("op"),
      key: `tenant-${tenants}`,
      place,
      markerSecret: randomBytes(32),
      steps: ["step"],
    },
  );
  const resources = await database.prisma.resource.findMany({ where: { tenantId: operation.tenantId } });
  const organization = resources.find(({ kind }) => kind === "ORGANIZATION");
  if (organization === undefined) throw new Error("No organization was planned.");
  const of = { resourceId: organization.id, operationId: operation.id, step: "step" };
  return { operation, resources, organization, of };
}

const readAgain = (id: string) => database.prisma.resource.findUniqueOrThrow({ where: { id } });

describe("claimCreate", () => {
  it("gives leave once to ten callers at the same moment", async () => {
    const { of } = await newTenant();
    const claims = await Promise.all(Array.from({ length: 10 }, () => claimCreate(database.prisma, of)));
    expect(claims.filter(({ is }) => is === "claimed")).toHaveLength(1);
    expect(claims.filter(({ is }) => is === "unresolved")).toHaveLength(9);
  });

  it("gives leave again only after the earlier attempt is known not to be done, or was given up", async () => {
    const { of } = await newTenant();
    const first = await claimCreate(database.prisma, of);
    if (first.is !== "claimed") throw new Error("No leave for the first.");
    await recordNotDone(database.prisma, first.attemptId, "refused");
    const second = await claimCreate(database.prisma, of);
    if (second.is !== "claimed") throw new Error("No leave after one that was not done.");
    await recordUnknown(database.prisma, second.attemptId, "lost");
    expect(await claimCreate(database.prisma, of)).toMatchObject({
      is: "unresolved",
      attempt: { id: second.attemptId },
    });
    await abandonAttempt(database.prisma, second.attemptId);
    expect((await claimCreate(database.prisma, of)).is).toBe("claimed");
  });

  it("answers the upstream id of what was made", async () => {
    const { of, organization } = await newTenant();
    const claim = await claimCreate(database.prisma, of);
    const attemptId = claim.is === "claimed" ? claim.attemptId : "";
    await recordMade(database.prisma, { resourceId: organization.id, attemptId, upstreamId: "org_present" });
    expect(await claimCreate(database.prisma, of)).toEqual({ is: "present", upstreamId: "org_present" });
  });
});

describe("recordMade", () => {
  it("writes the upstream id where there is none, and says so when there is one already", async () => {
    const { organization } = await newTenant();
    const made = (upstreamId: string) =>
      recordMade(database.prisma, { resourceId: organization.id, attemptId: null, upstreamId });
    expect(await made("org_first")).toBe(true);
    expect(await made("org_second")).toBe(false);
    expect(await readAgain(organization.id)).toMatchObject({ upstreamId: "org_first", state: "PRESENT" });
  });

  it("does not bring back what is gone", async () => {
    const { organization } = await newTenant();
    await recordGone(database.prisma, { resourceId: organization.id, attemptId: null, goneBy: "NEVER_MADE" });
    const upstreamId = "org_late";
    expect(
      await recordMade(database.prisma, { resourceId: organization.id, attemptId: null, upstreamId }),
    ).toBe(false);
    expect((await readAgain(organization.id)).state).toBe("GONE");
  });
});

describe("recordUnknown", () => {
  it("fixes once the moment from which the settle delay counts, and marks the operation ambiguous", async () => {
    const { of, operation } = await newTenant();
    const claim = await claimCreate(database.prisma, of);
    const attemptId = claim.is === "claimed" ? claim.attemptId : "";
    const first = await recordUnknown(database.prisma, attemptId, "lost");
    const again = await recordUnknown(database.prisma, attemptId, "lost, again");
    expect(again).toEqual(first);
    const { ambiguous } = await database.prisma.operation.findUniqueOrThrow({ where: { id: operation.id } });
    expect(ambiguous).toBe(true);
    expect(await database.prisma.attempt.findUniqueOrThrow({ where: { id: attemptId } })).toMatchObject({
      error: "lost",
    });
  });
});

describe("a resource whose create was lost", () => {
  async function lost() {
    const { of } = await newTenant();
    const claim = await claimCreate(database.prisma, of);
    const attemptId = claim.is === "claimed" ? claim.attemptId : "";
    await recordUnknown(database.prisma, attemptId, "The line broke.");
    return { of, attemptId, resourceId: of.resourceId };
  }

  it("is UNKNOWN and says why, until it is made", async () => {
    const { attemptId, resourceId } = await lost();
    expect(await readAgain(resourceId)).toMatchObject({
      state: "UNKNOWN",
      reason: "The answer to its creation was lost. The line broke.",
    });
    await recordMade(database.prisma, { resourceId, attemptId, upstreamId: `org_${attemptId}` });
    expect(await readAgain(resourceId)).toMatchObject({ state: "PRESENT", reason: null });
  });

  it("is INTENDED again once the attempt is given up, or is known to have done nothing", async () => {
    for (const settle of [abandonAttempt, (db: Db, id: string) => recordNotDone(db, id, "refused")]) {
      const { attemptId, resourceId } = await lost();
      await settle(database.prisma, attemptId);
      expect(await readAgain(resourceId)).toMatchObject({ state: "INTENDED", reason: null });
    }
  });

  it("takes no doubt back or on when somebody else has settled it", async () => {
    const { attemptId, resourceId } = await lost();
    const upstreamId = `org_${attemptId}`;
    await recordMade(database.prisma, { resourceId, attemptId, upstreamId });
    expect(await recordUnknown(database.prisma, attemptId, "late")).toBeNull();
    await abandonAttempt(database.prisma, attemptId);
    await recordNotDone(database.prisma, attemptId, "late");
    expect(await readAgain(resourceId)).toMatchObject({ state: "PRESENT", upstreamId, reason: null });
    expect(await database.prisma.attempt.findUniqueOrThrow({ where: { id: attemptId } })).toMatchObject({
      outcome: "DONE",
    });
  });

  it.each([
    ["recordUnknown", (db: Db, id: string) => recordUnknown(db, id, "again")],
    ["abandonAttempt", abandonAttempt],
    ["recordNotDone", (db: Db, id: string) => recordNotDone(db, id, "refused")],
  ])(
    "is locked before its attempt by %s, as by who adopts it, so that two never deadlock",
    async (_, settle) => {
      const { attemptId, resourceId } = await lost();
      const { prisma } = database;
      const settled = await prisma.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT id FROM resource WHERE id = ${resourceId} FOR UPDATE`;
        const waiting = settle(prisma, attemptId);
        await vi.waitFor(async () => {
          const [row] = await prisma.$queryRaw<
            { count: bigint }[]
          >`SELECT count(*) FROM pg_locks WHERE NOT granted`;
          expect(Number(row?.count)).toBeGreaterThan(0);
        });
        expect(
          await tx.$queryRaw`SELECT id FROM attempt WHERE id = ${attemptId} FOR UPDATE NOWAIT`,
        ).toHaveLength(1);
        return { waiting };
      });
      await settled.waiting;
    },
  );

  it("gives no leave to create what is gone", async () => {
    const { of, organization } = await newTenant();
    await recordGone(database.prisma, { resourceId: organization.id, attemptId: null, goneBy: "NEVER_MADE" });
    expect(await claimCreate(database.prisma, of)).toEqual({ is: "gone" });
  });
});

describe("recordGone", () => {
  it("takes all that lies in the resource with it, and closes the delete that was proved", async () => {
    const { organization, resources, of } = await newTenant();
    await recordMade(database.prisma, {
      resourceId: organization.id,
      attemptId: null,
      upstreamId: "org_gone",
    });
    const { attemptId } = await beginDelete(database.prisma, {
      ...of,
      twinId: null,
      ownerSeenAt: new Date(),
    });
    await recordGone(database.prisma, { resourceId: organization.id, attemptId, goneBy: "DELETED" });
    const after = await Promise.all(resources.map(({ id }) => readAgain(id)));
    expect(after.map(({ kind, goneBy }) => `${kind} ${goneBy}`).toSorted()).toEqual([
      "ORGANIZATION DELETED",
      "ORGANIZATION_MEMBER PARENT",
      "PROJECT PARENT",
      "PROJECT_MEMBER PARENT",
    ]);
    expect(await database.prisma.attempt.findUniqueOrThrow({ where: { id: attemptId } })).toMatchObject({
      outcome: "DONE",
    });
  });
});

describe("claimDueMembers", () => {
  it("answers a tenant once per try, with twice the wait each time, and never while an operation is open", async () => {
    const { operation, resources } = await newTenant();
    const { tenantId } = operation;
    const members = resources.filter(({ kind }) => kind.endsWith("MEMBER")).map(({ id }) => id);
    await recordAwaiting(database.prisma, {
      resourceIds: members,
      retryAt: new Date(Date.now() - 1_000),
      reason: "unknown",
    });
    const claim = () => claimDueMembers(database.prisma, { retryMs: 1_000, retryMaxMs: 5_000, limit: 10 });
    await activateTenant(database.prisma, tenantId);
    expect(await claim()).toEqual([]);

    await database.prisma.operation.update({
      where: { id: operation.id },
      data: { status: "SUCCEEDED", finishedAt: new Date() },
    });
    const before = Date.now();
    expect(await claim()).toEqual([tenantId]);
    expect(await claim()).toEqual([]);
    const waits = async () => {
      const { retryAt } = await readAgain(members[0] ?? "");
      return Math.round(((retryAt?.getTime() ?? 0) - before) / 1_000);
    };
    expect(await waits()).toBe(2);
    await database.prisma.resource.updateMany({ where: { tenantId }, data: { retryAt: new Date(0) } });
    await claim();
    expect(await waits()).toBe(4);
    await database.prisma.resource.updateMany({
      where: { tenantId, state: "AWAITING_REGISTRATION" },
      data: { retryAt: new Date(0) },
    });
    await claim();
    expect(await waits()).toBe(5);
  });
});
