import { Prisma } from "../generated/prisma/client.ts";
import { unprovedCodes } from "./installation.ts";
import type { Db } from "./mapping.ts";
import { openStatuses } from "./operation-store.ts";

/** A run of an operation. */
export interface RunId {
  readonly operationId: string;
  readonly run: number;
}

/** After this another process takes what one took out of the queue and did not begin. */
const claimMs = 3_000;

/**
 * Takes QUEUED operations out of the queue for this process to start, the oldest first, at most `limit`. No two processes
 * get the same, until one has had it for 3 s without beginning, or it was queued anew. None while the installation is
 * paused.
 */
export async function claimQueued(db: Db, limit: number): Promise<RunId[]> {
  if (limit === 0) return [];
  return db.$queryRaw<RunId[]>`
    UPDATE operation SET claimed_at = now() WHERE id IN (
      SELECT id FROM operation WHERE status = 'QUEUED'
        AND (claimed_at IS NULL OR claimed_at < updated_at OR claimed_at < now() - ${claimMs} * interval '1 millisecond')
        AND NOT EXISTS (SELECT FROM installation WHERE paused_at IS NOT NULL)
      ORDER BY created_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING id AS "operationId", run`;
}

/** Queues the next run of every PARKED operation whose time has come, at most `limit`. */
export async function queueDueParked(db: Db, limit: number): Promise<void> {
  await db.$executeRaw`
    UPDATE operation SET status = 'QUEUED', run = run + 1, resume_at = NULL, updated_at = now()
    WHERE id IN (SELECT id FROM operation WHERE status = 'PARKED' AND resume_at <= ${new Date()}::timestamptz LIMIT ${limit})
      AND status = 'PARKED'`;
}

/** A run that shows no change, and whether it has not even begun. */
export interface QuietRun extends RunId {
  readonly isQueued: boolean;
}

/**
 * Operations that have been running, or were taken out of the queue, without any change of their own row, since before
 * `since`; at most `limit`.
 */
export async function findQuietSince(db: Db, since: Date, limit: number): Promise<QuietRun[]> {
  const quiet = await db.operation.findMany({
    where: {
      updatedAt: { lt: since },
      OR: [{ status: { in: ["RUNNING", "UNWINDING"] } }, { status: "QUEUED", claimedAt: { not: null } }],
    },
    orderBy: { updatedAt: "asc" },
    take: limit,
    select: { id: true, run: true, status: true },
  });
  return quiet.map(({ id, run, status }) => ({ operationId: id, run, isQueued: status === "QUEUED" }));
}

/** Whether the runs of this executor were given to its peers already. */
export async function wasHandedOver(db: Db, executorId: string): Promise<boolean> {
  return (await db.executor.count({ where: { id: executorId, handedOverAt: { not: null } } })) > 0;
}

/**
 * The engine has no live workflow for a run that our row says is running or waits to begin. Queues the next run; after
 * `runsMax` runs a person must look.
 */
export async function requeueLost(db: Db, { operationId, run }: RunId, runsMax: number): Promise<void> {
  const where = {
    id: operationId,
    run,
    status: { in: ["QUEUED", "RUNNING", "UNWINDING"] },
  } satisfies Prisma.OperationWhereInput;
  const updatedAt = new Date();
  if (run < runsMax) {
    await db.operation.updateMany({ where, data: { status: "QUEUED", run: { increment: 1 }, updatedAt } });
  } else {
    const reason = "The engine gave this operation up again and again; the log says why.";
    await db.operation.updateMany({ where, data: { status: "NEEDS_ATTENTION", reason, updatedAt } });
  }
}

/** Ended operations whose late look for twins is due, of tenants without an open operation; at most `limit`. */
export async function findDueTwinChecks(
  db: Db,
  limit: number,
): Promise<{ readonly operationId: string; readonly tenantId: string }[]> {
  const due = await db.operation.findMany({
    where: {
      twinCheckAt: { lte: new Date() },
      tenant: { operations: { none: { status: { in: [...openStatuses] } } } },
    },
    take: limit,
    select: { id: true, tenantId: true },
  });
  return due.map(({ id, tenantId }) => ({ operationId: id, tenantId }));
}

/** The late look after this operation was started. */
export async function clearTwinCheck(db: Db, operationId: string): Promise<void> {
  await db.operation.update({ where: { id: operationId }, data: { twinCheckAt: null } });
}

const isProvable = Prisma.sql`s.status IN ('FAILED', 'COMPENSATION_FAILED') AND (
  s.error_code = ${unprovedCodes.organizations} AND a.organization_list_sees_created
  OR s.error_code = ${unprovedCodes.projects} AND a.project_list_sees_created)`;

/**
 * Operations that need attention only because a list proved nothing, and since then it was seen to show what this account
 * creates; at most `limit`. A step that failed for another reason keeps its operation where it is.
 */
export async function findProvable(db: Db, accountId: string, limit: number): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT o.id FROM operation o, mem0_account a
    WHERE a.id = ${accountId} AND o.status = 'NEEDS_ATTENTION'
      AND EXISTS (SELECT FROM operation_step s WHERE s.operation_id = o.id AND ${isProvable})
      AND NOT EXISTS (SELECT FROM operation_step s WHERE s.operation_id = o.id
        AND s.status IN ('FAILED', 'COMPENSATION_FAILED') AND NOT (${isProvable}))
    LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}
