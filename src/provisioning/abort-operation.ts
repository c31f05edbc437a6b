import type { Operation } from "../generated/prisma/client.ts";
import { cancelUnstarted, requestCancel, turnBackWaiting } from "../tenants/operator-writes.ts";
import { OperationNotAbortable } from "../tenants/refusals.ts";
import { auditedVerb, type VerbRequest } from "./audited-verb.ts";
import type { RunStarter } from "./engine.ts";
import { isAborted, whyNotAbort } from "./operator-actions.ts";
import type { Provisioning } from "./provisioning.ts";

/** What is not wanted any more. */
export interface AbortRequest extends VerbRequest {
  readonly operationId: string;
}

/**
 * Calls a sign-up off. Nothing started: it is CANCELLED at once. Under way: it stops at the next border between steps,
 * and is undone. Waiting: its next run undoes it. Audited. A repeat answers the same operation and changes nothing.
 * @throws {OperationNotFound}
 * @throws {OperationNotAbortable} when it has ended, is being undone for another reason, or is no sign-up that could be
 */
export async function abortOperation(
  provisioning: Provisioning,
  engine: RunStarter,
  { operationId, ...request }: AbortRequest,
): Promise<Operation> {
  const call = { ...request, verb: "abortOperation", operationId, details: {} } as const;
  const operation = await auditedVerb(provisioning, call, async (tx, situation) => {
    if (isAborted(situation)) return { isRepeat: true };
    const objection = whyNotAbort(situation);
    if (objection !== null) throw new OperationNotAbortable(operationId, objection);
    const { status, startedAt } = situation;
    // The words of a run that turns back by itself; see `attempt-step.ts`.
    const reason = `Cancelled: ${request.reason}`;
    if (status === "QUEUED" && startedAt === null) {
      await cancelUnstarted(tx, situation, reason);
      return { details: { was: "not started" } };
    }
    if (status === "QUEUED" || status === "RUNNING") {
      await requestCancel(tx, operationId, request.reason);
      return { details: { was: "under way" } };
    }
    await turnBackWaiting(tx, situation, reason);
    return { details: { was: "waiting" } };
  });
  if (operation.status === "QUEUED") engine.start(operation.id, operation.run);
  return operation;
}
