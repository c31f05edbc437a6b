import type { Unaccounted } from "../generated/prisma/client.ts";
import { recordAllowed } from "../tenants/audit.ts";
import { settle } from "../tenants/unaccounted.ts";
import { auditRefusals } from "./audited-verb.ts";
import type { Provisioning } from "./provisioning.ts";
import { installationCall } from "./resume-provisioning.ts";

/**
 * An operator has settled what something unaccounted is. Nothing is done to it upstream. Audited; a repeat is audited
 * again, and keeps the first time.
 * @throws {UnaccountedNotFound} which is audited, too
 */
export async function settleUnaccounted(
  provisioning: Provisioning,
  settling: { readonly id: string; readonly actor: string; readonly reason: string },
): Promise<Unaccounted> {
  const { id } = settling;
  const call = installationCall("settleUnaccounted", settling, { id });
  return auditRefusals(provisioning, call, () =>
    provisioning.prisma.$transaction(async (tx) => {
      const settled = await settle(tx, id);
      await recordAllowed(tx, call);
      return settled;
    }),
  );
}
