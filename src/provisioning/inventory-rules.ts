import type { Resource, Tenant } from "../generated/prisma/client.ts";
import { recordMade, unresolvedCreate } from "../tenants/mapping.ts";
import type { Finding } from "../tenants/unaccounted.ts";
import type { Provisioning } from "./provisioning.ts";

/** What every part of one inventory goes by. */
export interface InventoryRules {
  readonly provisioning: Provisioning;
  readonly at: Date;
  /**
   * Whether what bears a resource's marker may be taken into the mapping. Only while paused: otherwise it may be that of a
   * create under way, whose own step records it.
   */
  readonly mayAdopt: boolean;
  /** What was last seen before this moment and is not found is missing; what was made later may not show yet. */
  readonly madeBefore: Date;
  /** Tells an operator of what is nobody's, and counts it. */
  readonly report: (finding: Finding) => Promise<void>;
}

/** A row of the mapping with the tenant whose it is. */
export type OwnedResource = Resource & { readonly tenant: Tenant };

/**
 * Writes an id that was found by its marker into the mapping, and closes the attempt that may have made it. False:
 * another was written meanwhile.
 */
export async function adopt(
  { provisioning }: InventoryRules,
  resourceId: string,
  upstreamId: string,
): Promise<boolean> {
  const { prisma } = provisioning;
  const lost = await unresolvedCreate(prisma, resourceId);
  return recordMade(prisma, { resourceId, attemptId: lost?.id ?? null, upstreamId });
}
