import type { Caller } from "../access/caller.ts";
import type { Prisma } from "../generated/prisma/client.ts";

/**
 * Which rows there are for a caller. They stand in every look-up of something that the caller named, so that what is not
 * his is not found, by the same statement and with the same answer as what is not there. Always by `andVisible`, or as
 * `AND: […]`: spread, they would take the place of the id that was asked for.
 */

/** One row by its id, if it is there for the caller. Without a restriction Prisma asks for many of them in one statement. */
export function andVisible<Where extends object>(id: string, visible: Where): { id: string; AND?: Where[] } {
  return Object.keys(visible).length === 0 ? { id } : { id, AND: [visible] };
}

/** Holds for no row. */
const none = { id: { in: [] as string[] } };

/** Those who read the whole control plane. */
function seesAll({ scopes }: Caller): boolean {
  return scopes.has("control:read");
}

/** All; its own; or those that it asked something to be done to. */
export function visibleTenants(caller: Caller): Prisma.TenantWhereInput {
  if (seesAll(caller)) return {};
  if (caller.tenantId !== null) return { id: { in: [caller.tenantId] } };
  return { operations: { some: { actor: caller.actor } } };
}

/** All, or those that it asked for. A tenant sees none. */
export function visibleOperations(caller: Caller): Prisma.OperationWhereInput {
  if (seesAll(caller)) return {};
  return caller.tenantId === null ? { actor: caller.actor } : none;
}

/** All, or those of the tenants that it asked something to be done to. A tenant sees none. */
export function visibleResources(caller: Caller): Prisma.ResourceWhereInput {
  if (seesAll(caller)) return {};
  return caller.tenantId === null ? { tenant: visibleTenants(caller) } : none;
}

/** What is of the installation: all of it or nothing. */
export function visibleControl(caller: Caller): { readonly id?: { readonly in: string[] } } {
  return seesAll(caller) ? {} : none;
}
