import type { Operation } from "../generated/prisma/client.ts";
import { queueNextRun } from "../tenants/operation-store.ts";
import { OperationNotResumable } from "../tenants/refusals.ts";
import { auditedVerb, type VerbRequest } from "./audited-verb.ts";
import type { RunStarter } from "./engine.ts";
import { whyNotRetry } from "./operator-actions.ts";
import type { Provisioning } from "./provisioning.ts";

/** What is to go on. */
export interface RetryRequest extends VerbRequest {
  readonly operationId: string;
}

/**
 * Tells an operation that needs attention, or is parked, to go on now, in the direction it was going. What is done is
 * not done again; what has no known outcome is looked at first. Audited.
 * @throws {OperationNotFound}
 * @throws {OperationNotResumable} when it is in any other status, so a repeat while it runs is refused
 */
export async function retryOperation(
  provisioning: Provisioning,
  engine: RunStarter,
  { operationId, ...request }: RetryRequest,
): Promise<Operation> {
  const call = { ...request, verb: "retryOperation", operationId, details: {} } as const;
  const operation = await auditedVerb(provisioning, call, async (tx, situation) => {
    if (whyNotRetry(situation) !== null) throw new OperationNotResumable(operationId, situation.status);
    await queueNextRun(tx, operationId);
    return {};
  });
  engine.start(operation.id, operation.run);
  return operation;
}
