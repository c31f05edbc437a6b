import { recordAllowed } from "../tenants/audit.ts";
import { auditRefusals } from "./audited-verb.ts";
import { readingUpstream } from "./inspect-upstream.ts";
import type { Provisioning } from "./provisioning.ts";
import { installationCall } from "./resume-provisioning.ts";
import { type Inventory, takeInventory } from "./take-inventory.ts";

/**
 * Takes an inventory because an operator asks for it. Audited with what it found. Minutes where there are many
 * organizations; two at once do no harm.
 * @throws {UpstreamNotReadable} which is audited, too
 */
export async function orderInventory(
  provisioning: Provisioning,
  order: { readonly actor: string; readonly reason: string },
): Promise<Inventory> {
  const call = installationCall("takeInventory", order);
  return auditRefusals(provisioning, call, async () => {
    const inventory = await readingUpstream(() => takeInventory(provisioning));
    const { at, ...counts } = inventory;
    await recordAllowed(provisioning.prisma, { ...call, details: { at: at.toISOString(), ...counts } });
    return inventory;
  });
}
