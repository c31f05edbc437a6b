import type { Operation, Prisma } from "../generated/prisma/client.ts";
import { auditingRefusals, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { lockSituation, type OperationSituation } from "../tenants/operation-situation.ts";
import type { Provisioning } from "./provisioning.ts";

/** What every verb is told. */
export interface VerbRequest {
  readonly actor: string;
  readonly reason: string;
}

/** What a verb changed. */
export interface VerbChange {
  /** What the audit says besides what was asked for. */
  readonly details?: Prisma.InputJsonObject;
  /** Whether nothing had to be changed, because the same was asked for before: then nothing is audited. */
  readonly isRepeat?: boolean;
}

/**
 * Makes a change of an operator in one transaction, under the operation's lock, and writes it into the audit there: no
 * change without its event, and no event without its change. A refusal changes nothing and is written, too; only an
 * input that breaks a rule is not. Answers the operation after the change.
 * @throws {OperationNotFound} and whatever refusal `change` throws
 */
export async function auditedVerb(
  provisioning: Provisioning,
  call: Omit<VerbCall, "tenantId">,
  change: (tx: Prisma.TransactionClient, situation: OperationSituation) => Promise<VerbChange>,
): Promise<Operation> {
  const { prisma, announce } = provisioning;
  const { operationId } = call;
  return auditRefusals(provisioning, call, async () => {
    if (operationId === null) throw new Error(`${call.verb} was called without an operation.`);
    const operation = await prisma.$transaction(async (tx) => {
      const situation = await lockSituation(tx, operationId);
      const { details, isRepeat = false } = await change(tx, situation);
      if (!isRepeat) {
        const { tenantId } = situation;
        await recordAllowed(tx, { ...call, tenantId, details: { ...call.details, ...details } });
      }
      return tx.operation.findUniqueOrThrow({ where: { id: operationId } });
    });
    announce(operationId);
    return operation;
  });
}

/**
 * Runs a part of a verb that comes before its change, or all of it; writes into the audit that it was refused, if it was
 * and for another reason than its input. What it throws is thrown on.
 */
export async function auditRefusals<T>(
  { prisma }: Provisioning,
  call: Omit<VerbCall, "tenantId">,
  run: () => Promise<T>,
): Promise<T> {
  return auditingRefusals(prisma, { ...call, tenantId: null }, run, async () => {
    const tenantId = await readTenantId(prisma, call.operationId);
    if (tenantId !== null) return { tenantId };
    const asked = call.operationId === null ? {} : { operation: call.operationId };
    return { operationId: null, details: { ...asked, ...call.details } };
  });
}

async function readTenantId(
  prisma: Provisioning["prisma"],
  operationId: string | null,
): Promise<string | null> {
  if (operationId === null) return null;
  const operation = await prisma.operation.findUnique({
    where: { id: operationId },
    select: { tenantId: true },
  });
  return operation?.tenantId ?? null;
}
