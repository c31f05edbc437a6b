import type { TenantStatus } from "../generated/prisma/enums.ts";
import { TenantStatusRefused } from "./refusals.ts";

/** The moves a tenant can make. The same table stands in the database as a trigger (see the first migration). */
const moves: Readonly<Record<TenantStatus, readonly TenantStatus[]>> = {
  PROVISIONING: ["ACTIVE", "FAILED"],
  ACTIVE: ["OFFBOARDING"],
  FAILED: [],
  OFFBOARDING: ["OFFBOARDED"],
  OFFBOARDED: [],
};

/** Statuses in which a tenant's key is free again, and nothing of it is expected upstream. */
export const closedStatuses = ["FAILED", "OFFBOARDED"] as const satisfies readonly TenantStatus[];

/** The statuses from which a tenant can be moved to `to`. */
export function statusesBefore(to: TenantStatus): TenantStatus[] {
  return (Object.keys(moves) as TenantStatus[]).filter((from) => moves[from].includes(to));
}

/**
 * Refuses an illegal move of a tenant's status.
 * @throws {TenantStatusRefused} when a tenant that is `from` can not become `to`
 */
export function checkMove(tenant: { readonly id: string; readonly status: TenantStatus }, to: TenantStatus) {
  if (moves[tenant.status].includes(to)) return;
  throw new TenantStatusRefused(
    tenant.id,
    `The tenant is ${tenant.status} and cannot become ${to}; only ${statusesBefore(to).join(" or ")} can.`,
  );
}
