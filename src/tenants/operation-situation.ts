import type { Prisma } from "../generated/prisma/client.ts";
import type { Db } from "./mapping.ts";
import { OperationNotFound } from "./refusals.ts";

/** What has to be known of an operation to tell what an operator can do about it. */
export const situationSelect = {
  id: true,
  kind: true,
  tenantId: true,
  status: true,
  run: true,
  unwinding: true,
  startedAt: true,
  cancelRequestedAt: true,
  steps: { select: { name: true, status: true }, orderBy: { position: "asc" } },
  attempts: { where: { action: "CREATE" }, select: { resourceId: true, outcome: true } },
  tenant: {
    select: {
      status: true,
      resources: {
        select: { id: true, kind: true, name: true, parentId: true, state: true, upstreamId: true },
        orderBy: { id: "asc" },
      },
    },
  },
} as const satisfies Prisma.OperationSelect;

/** An operation with its steps and creates, its tenant and mapping, at one moment. */
export type OperationSituation = Prisma.OperationGetPayload<{ select: typeof situationSelect }>;

/** A resource of such an operation's tenant. */
export type SituatedResource = OperationSituation["tenant"]["resources"][number];

/**
 * Reads the situation, and keeps everybody else from moving the operation until the transaction ends: of two operators
 * at once, the second sees what the first did.
 * @throws {OperationNotFound}
 */
export async function lockSituation(
  tx: Prisma.TransactionClient,
  operationId: string,
): Promise<OperationSituation> {
  await tx.$queryRaw`SELECT id FROM operation WHERE id = ${operationId} FOR UPDATE`;
  return readSituation(tx, operationId);
}

/**
 * Reads the situation as it is now.
 * @throws {OperationNotFound}
 */
export async function readSituation(db: Db, operationId: string): Promise<OperationSituation> {
  const situation = await db.operation.findUnique({ where: { id: operationId }, select: situationSelect });
  if (situation === null) throw new OperationNotFound();
  return situation;
}
