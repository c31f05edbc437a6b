import type { Operation, Prisma } from "../generated/prisma/client.ts";
import { recordGone } from "./mapping.ts";
import type { OperationSituation } from "./operation-situation.ts";
import { queueNextRun } from "./operation-store.ts";
import { statusesBefore } from "./tenant.ts";

/**
 * What the verbs of operators write of operations. Each is called in a transaction that holds the operation's lock (see
 * `lockSituation`), after its situation was judged; each still says in its WHERE what it takes for granted.
 */

/** A step that is skipped. */
export interface SkippedStep {
  readonly operationId: string;
  readonly name: string;
  /** In the operator's words. */
  readonly evidence: string;
  /** Its answer, going forward: it counts as done then. Null, going backward: its undoing counts as done. */
  readonly output: Prisma.InputJsonValue | null;
}

/**
 * The step that is stuck, or its undoing, is SKIPPED. The two are told apart by the output: only one that was skipped going
 * forward has one.
 */
export async function recordStepSkipped(tx: Prisma.TransactionClient, skipped: SkippedStep): Promise<void> {
  const { operationId, name, evidence, output } = skipped;
  await tx.$executeRaw`
    UPDATE operation_step SET status = 'SKIPPED', evidence = ${evidence}, finished_at = now(), next_attempt_at = NULL,
      output = ${output === null ? null : JSON.stringify(output)}::jsonb
    WHERE operation_id = ${operationId} AND name = ${name}
      AND status IN ('RUNNING', 'FAILED', 'COMPENSATING', 'COMPENSATION_FAILED')`;
}

/** A sign-up of which nothing has started is over: CANCELLED, its tenant FAILED, its mapping closed. */
export async function cancelUnstarted(
  tx: Prisma.TransactionClient,
  { id, tenantId, run }: OperationSituation,
  reason: string,
): Promise<void> {
  const now = new Date();
  const { count } = await tx.operation.updateMany({
    where: { id, run, status: "QUEUED", startedAt: null },
    data: {
      status: "CANCELLED",
      reason,
      cancelRequestedAt: now,
      cancelReason: reason,
      finishedAt: now,
      updatedAt: now,
    },
  });
  if (count === 0) throw new Error(`Operation ${id} started although it was locked.`);
  await tx.tenant.updateMany({
    where: { id: tenantId, status: { in: statusesBefore("FAILED") } },
    data: { status: "FAILED", closedAt: now },
  });
  const roots = await tx.resource.findMany({ where: { tenantId, parentId: null }, select: { id: true } });
  for (const root of roots) {
    await recordGone(tx, { resourceId: root.id, attemptId: null, goneBy: "NEVER_MADE" });
  }
}

/** A sign-up that is under way is to stop at the next border between steps. The first reason stays. */
export async function requestCancel(
  tx: Prisma.TransactionClient,
  operationId: string,
  reason: string,
): Promise<void> {
  await tx.operation.updateMany({
    where: { id: operationId, status: { in: ["QUEUED", "RUNNING"] }, cancelRequestedAt: null },
    data: { cancelRequestedAt: new Date(), cancelReason: reason },
  });
}

/** A sign-up that waits goes backwards from here on; its next run is queued. */
export async function turnBackWaiting(
  tx: Prisma.TransactionClient,
  { id, cancelRequestedAt }: OperationSituation,
  reason: string,
): Promise<Operation> {
  await tx.operation.updateMany({
    where: { id, status: { in: ["PARKED", "NEEDS_ATTENTION"] }, unwinding: false },
    data: {
      unwinding: true,
      reason,
      ...(cancelRequestedAt === null ? { cancelRequestedAt: new Date(), cancelReason: reason } : {}),
    },
  });
  return queueNextRun(tx, id);
}

/** The input of an operation is another one. Its hash stays, so that a repeat of the original call is still recognised. */
export async function replaceInput(
  tx: Prisma.TransactionClient,
  operationId: string,
  input: Prisma.InputJsonObject,
): Promise<void> {
  await tx.operation.updateMany({
    where: { id: operationId, status: { in: ["PARKED", "NEEDS_ATTENTION"] } },
    data: { input },
  });
}
