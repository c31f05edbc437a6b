import type { Prisma, Tenant } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";
import { closedStatuses } from "./tenant.ts";

/** Kinds of the mapping that Mem0 has ids for. */
export type IdentifiedKind = Extract<ResourceKind, "ORGANIZATION" | "PROJECT" | "WEBHOOK">;

/** Something in Mem0, by its kind and Mem0's id of it. */
export interface UpstreamId {
  readonly kind: IdentifiedKind;
  readonly upstreamId: string;
}

/** Something in Mem0 that is in a mapping. */
export interface Mapped extends UpstreamId {
  readonly tenant: Tenant;
}

/** Statuses of tenants whose organization may be in Mem0 without the mapping knowing its id. An ACTIVE one has its id. */
const unfinishedStatuses = ["PROVISIONING", "OFFBOARDING"] as const;

/** Selects what was not released: that is the customer's again, and may be in the mapping of another tenant by now. */
export const notReleased = {
  OR: [{ goneBy: null }, { goneBy: { not: "RELEASED" } }],
} as const satisfies Prisma.ResourceWhereInput;

/** What of these is in the mapping of a tenant, whatever became of the tenant; in any order. One page costs two statements. */
export async function findMapped(db: Db, ids: readonly UpstreamId[]): Promise<Mapped[]> {
  const rows = await db.resource.findMany({
    where: { AND: [notReleased, { OR: byKind(ids) }] },
    select: { kind: true, upstreamId: true, tenant: true },
  });
  return rows.flatMap(({ upstreamId, tenant, kind }) =>
    upstreamId === null || !isIdentified(kind) ? [] : [{ kind, upstreamId, tenant }],
  );
}

/** The same, of tenants that are not closed: what nothing but their sagas may change. */
export async function findManaged(db: Db, ids: readonly UpstreamId[]): Promise<Mapped[]> {
  const mapped = await findMapped(db, ids);
  return mapped.filter(({ tenant }) => closedStatuses.every((status) => status !== tenant.status));
}

/**
 * Whether there may be organizations of tenants in Mem0 whose ids the mapping does not know: those that are just being
 * made, and those whose answer was lost. They are known by their markers alone.
 */
export async function hasUnidentifiedOrganizations(db: Db): Promise<boolean> {
  const found = await db.tenant.findFirst({
    where: {
      status: { in: [...unfinishedStatuses] },
      resources: { some: { kind: "ORGANIZATION", upstreamId: null, state: { not: "GONE" } } },
    },
    select: { id: true },
  });
  return found !== null;
}

/** The tenant whose organization bears this marker and has no known id; null when there is none. */
export async function findByMarker(db: Db, marker: string): Promise<Tenant | null> {
  return db.tenant.findFirst({
    where: {
      status: { in: [...unfinishedStatuses] },
      resources: { some: { kind: "ORGANIZATION", marker, upstreamId: null, state: { not: "GONE" } } },
    },
  });
}

/** One condition for each kind, so that each is looked up in the index `resource_upstream_once`. */
function byKind(ids: readonly UpstreamId[]) {
  const kinds = new Map<IdentifiedKind, string[]>();
  for (const { kind, upstreamId } of ids) kinds.set(kind, [...(kinds.get(kind) ?? []), upstreamId]);
  return [...kinds].map(([kind, upstreamIds]) => ({ kind, upstreamId: { in: upstreamIds } }));
}

function isIdentified(kind: ResourceKind): kind is IdentifiedKind {
  return kind === "ORGANIZATION" || kind === "PROJECT" || kind === "WEBHOOK";
}
