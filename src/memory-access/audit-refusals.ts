import type { PrismaClient } from "../generated/prisma/client.ts";
import { recordRefused, type VerbCall } from "../tenants/audit.ts";
import { InvalidInput, Refusal } from "../tenants/refusals.ts";

/**
 * Runs a change of keys, and writes into the audit that it was refused, if it was and for another reason than its input.
 * `learned` takes what the change finds out of whom it is about. What it throws is thrown on.
 */
export async function auditingRefusals<T>(
  prisma: PrismaClient,
  call: VerbCall,
  run: (learned: { tenantId: string | null }) => Promise<T>,
): Promise<T> {
  const learned: { tenantId: string | null } = { tenantId: null };
  try {
    return await run(learned);
  } catch (error) {
    if (error instanceof Refusal && !(error instanceof InvalidInput)) {
      await recordRefused(prisma, { ...call, tenantId: learned.tenantId }, error);
    }
    throw error;
  }
}
