import type { Operation } from "../generated/prisma/client.ts";
import { queueNextRun } from "../tenants/operation-store.ts";
import type { Engine } from "./engine.ts";
import type { Provisioning } from "./provisioning.ts";

/**
 * Tells an operation that needs attention, or is parked, to go on now, in the direction it was going. What is done is
 * not done again; what has no known outcome is looked at first.
 * @throws {OperationNotFound}
 * @throws {OperationNotResumable} when it is in any other status, so a repeat while it runs is refused
 */
export async function retryOperation(
  { prisma }: Provisioning,
  engine: Engine,
  operationId: string,
): Promise<Operation> {
  const operation = await queueNextRun(prisma, operationId);
  engine.start(operation.id, operation.run);
  return operation;
}
