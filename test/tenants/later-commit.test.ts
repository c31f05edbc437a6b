import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { everyStep } from "../../src/provisioning/saga.ts";
import { sagas } from "../../src/provisioning/sagas.ts";
import { claimCreate, type Db, recordMade } from "../../src/tenants/mapping.ts";
import { recordStepDone, recordStepsStarted } from "../../src/tenants/operation-steps.ts";
import { beginRun, endOperation } from "../../src/tenants/operation-store.ts";
import { recordAllPresent } from "../../src/tenants/resources-without-id.ts";
import { activateTenant } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
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

/** Whether the commit of this write would wait for the disk where the server is set to wait. */
async function waits(write: (db: Db) => Promise<unknown>): Promise<boolean> {
  return database.prisma.$transaction(async (tx) => {
    await tx.$executeRaw`SET LOCAL synchronous_commit = on`;
    await write(tx);
    const [setting] = await tx.$queryRaw<
      { now: string }[]
    >`SELECT current_setting('synchronous_commit') AS now`;
    return setting?.now === "on";
  });
}

describe("a commit", () => {
  it("waits for the disk where a request, an answer or the engine's record rests on it", async () => {
    const { operation, tenantId, idOf } = await signedUp(database.prisma);
    const { id } = operation;
    const resourceId = idOf("ORGANIZATION");
    const end = { operationId: id, step: "step", output: {}, upstreamCalls: 0 };
    const start = { direction: "invoke", heedsCancel: true, mayCommitLater: false } as const;
    const starts = [{ name: "step", deadlineAt: new Date() }];
    expect(await waits((db) => recordStepsStarted(db, id, starts, start))).toBe(true);
    expect(await waits((db) => claimCreate(db, { resourceId, operationId: id, step: "step" }))).toBe(true);
    const made = { resourceId, attemptId: null, upstreamId: `org_${id}` };
    expect(await waits((db) => recordMade(db, made, end))).toBe(true);
    expect(await waits((db) => recordAllPresent(db, [idOf("PROJECT_SETTINGS")], end))).toBe(true);
    expect(await waits((db) => recordStepDone(db, id, "step", { direction: "invoke", ...end }))).toBe(true);
    expect(await waits((db) => activateTenant(db, tenantId, new Date(), end))).toBe(true);
    const ending = { status: "SUCCEEDED", tenantId, tenantStatus: null, twinCheckAt: new Date() } as const;
    expect(await waits((db) => endOperation(db, id, 1, ending))).toBe(true);
  });

  it("does not wait where a run begins, nor for the start of steps for which it need not", async () => {
    const { operation } = await signedUp(database.prisma);
    const { id } = operation;
    expect(await waits((db) => beginRun(db, id, 1, { deadlineAt: new Date() }))).toBe(false);
    const start = { direction: "invoke", heedsCancel: true, mayCommitLater: true } as const;
    const starts = [{ name: "step", deadlineAt: new Date() }];
    expect(await waits((db) => recordStepsStarted(db, id, starts, start))).toBe(false);
    // It is the transaction's alone: the next statement on any connection waits again.
    const settings = await Promise.all(
      Array.from({ length: 10 }, () => database.pool.query("SHOW synchronous_commit")),
    );
    expect(new Set(settings.map(({ rows }) => rows[0].synchronous_commit))).toHaveLength(1);
  });

  it("is not waited for at the start of these steps alone, each for a reason that its saga gives", () => {
    const names = Object.values(sagas).flatMap((saga) =>
      everyStep<{ readonly name: string; readonly isStartImplied?: boolean }>(saga)
        .filter(({ isStartImplied }) => isStartImplied === true)
        .map(({ name }) => `${saga.kind}: ${name}`),
    );
    expect(names).toEqual([
      "SIGN_UP: createOrganization",
      "SIGN_UP: createProject",
      "SIGN_UP: applySettings",
      "SIGN_UP: addProjectMembers",
      "SIGN_UP: createWebhooks",
    ]);
  });
});
