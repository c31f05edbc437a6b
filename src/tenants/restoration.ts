import type { PrismaClient } from "../generated/prisma/client.ts";
import { newId } from "./ids.ts";
import type { Db } from "./mapping.ts";

/**
 * What a restored database is told of its own age. Beside `mapping.ts` the only writer of resources and attempts, and it
 * only ever makes them less certain. Every function changes nothing when it is repeated.
 */

/** How the reason begins of whatever a restore stopped; by it `resumeProvisioning` finds what to start again. */
const restored = "Restored from a backup";

/**
 * How old the backup is: the time of the last thing that its database says was done. What is accepted while paused does
 * not count, since nothing of it is begun.
 */
export async function readBackupTime(db: Db): Promise<Date> {
  const [row] = await db.$queryRaw<{ at: Date }[]>`
    SELECT greatest(i.created_at, (SELECT max(started_at) FROM attempt), (SELECT max(read_back_at) FROM tenant),
      (SELECT max(greatest(started_at, finished_at)) FROM operation),
      (SELECT max(greatest(started_at, finished_at)) FROM operation_step)) AS at
    FROM installation i`;
  if (row === undefined) throw new Error("The database has no installation yet.");
  return row.at;
}

/** Why everything is uncertain, a sentence for people. */
export function restoredBecause(backupTime: Date): string {
  return `${restored} whose last entry is of ${backupTime.toISOString()}; what was done since then is not known.`;
}

/** All executors so far are dead, and nothing of theirs is to be taken over. For before our own is registered. */
export async function buryPastExecutors(db: Db): Promise<void> {
  await db.$executeRaw`
    UPDATE executor SET condemned_at = coalesce(condemned_at, now()), handed_over_at = now()
    WHERE handed_over_at IS NULL`;
}

/**
 * Every open operation NEEDS_ATTENTION, under another run, so that no run of the past can go on with it. Its steps that
 * are not known to be done count as begun: they may have been, after the backup, and then must be undone if it unwinds.
 */
export async function stopOpenOperations(prisma: PrismaClient, because: string): Promise<void> {
  await prisma.$transaction(async (tx) => {
    await tx.$executeRaw`
      UPDATE operation SET status = 'NEEDS_ATTENTION', run = run + 1, resume_at = NULL,
        ambiguous = (SELECT account_id IS NULL FROM tenant WHERE tenant.id = tenant_id),
        claimed_at = NULL, deadline_at = NULL, parks = 0, updated_at = now(),
        reason = ${because} || ' It was ' || status || ' then' || coalesce(' (' || reason || ').', '.')
      WHERE status IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING', 'NEEDS_ATTENTION')
        AND NOT (status = 'NEEDS_ATTENTION' AND reason LIKE ${`${restored}%`})`;
    await tx.$executeRaw`
      UPDATE operation_step SET attempts = greatest(attempts, 1), next_attempt_at = NULL, deadline_at = NULL,
        status = (CASE WHEN operation_step.status = 'COMPENSATING' THEN 'COMPENSATION_FAILED' ELSE 'FAILED' END)::"StepStatus",
        error_code = 'Restored', error_message = 'It may have been done after the backup.', error_retryable = true
      FROM operation o WHERE o.id = operation_id AND o.status = 'NEEDS_ATTENTION' AND o.reason LIKE ${`${restored}%`}
        AND (operation_step.status IN ('RUNNING', 'COMPENSATING') OR operation_step.status = 'PENDING' AND NOT o.unwinding)`;
  });
}

/**
 * Everything of the mapping that is not proved to be gone is UNKNOWN. When a waiting member was due stays written. What is on
 * a customer's own account is left as it is: no inventory of ours sees it, and the proofs of its key say what has become of it.
 */
export async function doubtResources(db: Db, because: string): Promise<void> {
  await db.$executeRaw`
    UPDATE resource SET state = 'UNKNOWN', reason = ${because} FROM tenant t
    WHERE t.id = tenant_id AND t.status NOT IN ('FAILED', 'OFFBOARDED') AND t.account_id IS NULL AND state <> 'GONE'`;
}

const createSteps = {
  ORGANIZATION: "createOrganization",
  PROJECT: "createProject",
  WEBHOOK: "createWebhooks",
};

/**
 * Whatever has no upstream id may have been made after the backup, but on a customer's own account, where we make nothing. It gets a create attempt without a known outcome,
 * begun when its first one was or when it was intended: so that nobody makes it without having looked, and what is
 * found since that time can be trusted.
 */
export async function doubtCreates(prisma: PrismaClient, because: string): Promise<void> {
  const unmade = await prisma.resource.findMany({
    where: {
      upstreamId: null,
      state: { not: "GONE" },
      kind: { in: ["ORGANIZATION", "PROJECT", "WEBHOOK"] },
      tenant: { status: { notIn: ["FAILED", "OFFBOARDED"] }, accountId: null },
    },
    include: { attempts: { where: { action: "CREATE" }, orderBy: { startedAt: "asc" } } },
  });
  const undecided = unmade.filter(
    ({ attempts }) => !attempts.some(({ outcome }) => outcome === null || outcome === "UNKNOWN"),
  );
  await prisma.attempt.createMany({
    data: undecided.map(({ id, operationId, kind, createdAt, attempts }) => ({
      id: newId("att"),
      resourceId: id,
      operationId,
      step: createSteps[kind as keyof typeof createSteps],
      action: "CREATE",
      outcome: "UNKNOWN",
      error: because,
      startedAt: attempts[0]?.startedAt ?? createdAt,
      finishedAt: new Date(),
    })),
    skipDuplicates: true,
  });
}

/** A member who is not where he should be, and never was as far as we know, is what he was before the restore. */
export async function recordMemberNotThere(db: Db, resourceId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE resource SET reason = CASE WHEN retry_at IS NOT NULL THEN 'Mem0 did not take this member.' END,
      state = (CASE WHEN retry_at IS NOT NULL THEN 'AWAITING_REGISTRATION' ELSE 'INTENDED' END)::"ResourceState"
    WHERE id = ${resourceId} AND state = 'UNKNOWN' AND present_at IS NULL`;
}

/**
 * Writes into a tenant's drift what an inventory found of its organization, in place of what an earlier one did. Null:
 * nothing is wrong with it.
 */
export async function recordInventoryDrift(db: Db, tenantId: string, sentence: string | null): Promise<void> {
  const found = sentence === null ? [] : [sentence];
  await db.$executeRaw`
    UPDATE tenant SET drift = ARRAY(SELECT d FROM unnest(drift) d WHERE d NOT LIKE '%in the inventory of%') || ${found}::text[]
    WHERE id = ${tenantId} AND (${sentence}::text IS NOT NULL OR EXISTS (
      SELECT FROM unnest(drift) d WHERE d LIKE '%in the inventory of%'))`;
}

/** Queues the next run of every operation that a restore stopped and nobody has told to go on. Answers how many. */
export async function queueRestored(db: Db): Promise<number> {
  return db.$executeRaw`
    UPDATE operation SET status = 'QUEUED', run = run + 1, resume_at = NULL, updated_at = now()
    WHERE status = 'NEEDS_ATTENTION' AND reason LIKE ${`${restored}%`}`;
}
