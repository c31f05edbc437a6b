import { Mem0Error } from "../mem0/errors.ts";
import { recordAllowed, recordRefused } from "../tenants/audit.ts";
import { UpstreamNotReadable } from "../tenants/refusals.ts";
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
  const { prisma } = provisioning;
  try {
    const inventory = await takeInventory(provisioning);
    const { at, ...counts } = inventory;
    const details = { at: at.toISOString(), ...counts };
    await recordAllowed(prisma, installationCall("takeInventory", order, details));
    return inventory;
  } catch (error) {
    if (!(error instanceof Mem0Error)) throw error;
    const refusal = new UpstreamNotReadable(error.message, error.retryable);
    await recordRefused(prisma, installationCall("takeInventory", order), refusal);
    throw refusal;
  }
}
