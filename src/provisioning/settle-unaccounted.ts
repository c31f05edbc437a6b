import type { Unaccounted } from "../generated/prisma/client.ts";
import { recordAllowed, recordRefused } from "../tenants/audit.ts";
import { UnaccountedNotFound } from "../tenants/refusals.ts";
import { settle } from "../tenants/unaccounted.ts";
import type { Provisioning } from "./provisioning.ts";
import { installationCall } from "./resume-provisioning.ts";

/**
 * An operator has settled what something unaccounted is. Nothing is done to it upstream. Audited; a repeat is audited
 * again, and keeps the first time.
 * @throws {UnaccountedNotFound} which is audited, too
 */
export async function settleUnaccounted(
  { prisma }: Provisioning,
  settling: { readonly id: string; readonly actor: string; readonly reason: string },
): Promise<Unaccounted> {
  const { id } = settling;
  const call = installationCall("settleUnaccounted", settling, { id });
  try {
    return await prisma.$transaction(async (tx) => {
      const settled = await settle(tx, id);
      await recordAllowed(tx, call);
      return settled;
    });
  } catch (error) {
    if (error instanceof UnaccountedNotFound) await recordRefused(prisma, call, error);
    throw error;
  }
}
