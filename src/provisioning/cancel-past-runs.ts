import type { PrismaClient } from "../generated/prisma/client.ts";

/**
 * Cancels whatever the engine's record (DBOS 5.3.0, schema `dbos`) says is not finished, as the engine's own
 * `cancelWorkflows` does, so that no process ever recovers it. In SQL, because the engine must not be launched for it:
 * launching is what begins to recover. Where the engine has no tables yet nothing is done; a repeat finds nothing.
 */
export async function cancelPastRuns(prisma: PrismaClient): Promise<void> {
  const [found] = await prisma.$queryRaw<{ exists: boolean }[]>`
    SELECT to_regclass('dbos.workflow_status') IS NOT NULL AS "exists"`;
  if (found?.exists !== true) return;
  await prisma.$executeRaw`
    UPDATE dbos.workflow_status SET status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
      started_at_epoch_ms = NULL, updated_at = (EXTRACT(EPOCH FROM now()) * 1000)::bigint,
      completed_at = (EXTRACT(EPOCH FROM now()) * 1000)::bigint
    WHERE status NOT IN ('SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')`;
}
