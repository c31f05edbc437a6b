import type { AuditEvent, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import type { AuditDecision } from "../generated/prisma/enums.ts";

/** What to look for. All that is given must hold. */
export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly decision?: AuditDecision | undefined;
  /** All tenants of this key, of whatever generation. */
  readonly tenantKey?: string | undefined;
  readonly since?: Date | undefined;
  /** Events at this very moment are not included. */
  readonly until?: Date | undefined;
}

/** Where an event stands in the list. */
export interface AuditPlace {
  readonly at: Date;
  readonly id: string;
}

/** A page of the events, the newest first. */
export interface AuditPage {
  /** At most this many, at least 1. */
  readonly limit: number;
  /** Only what comes after this place in the list: older. */
  readonly after?: AuditPlace | undefined;
  /** Only what comes before it: newer. */
  readonly before?: AuditPlace | undefined;
  /** Whether the page is read from its end: then the last are taken, and answered in reverse. */
  readonly isBackward: boolean;
}

/**
 * The events that a filter lets through, by keyset: the cost of a page does not depend on how far it lies. In the direction
 * of reading, by time and then by id. One round trip, two with a key.
 */
export async function findAuditEvents(
  prisma: PrismaClient,
  { tenantKey, since, until, actor, action, decision }: AuditFilter,
  { limit, after, before, isBackward }: AuditPage,
): Promise<AuditEvent[]> {
  const conditions: Prisma.AuditEventWhereInput[] = [];
  if (tenantKey !== undefined) {
    const tenants = await prisma.tenant.findMany({ where: { key: tenantKey }, select: { id: true } });
    conditions.push({ tenantId: { in: tenants.map(({ id }) => id) } });
  }
  if (actor !== undefined) conditions.push({ actor });
  if (action !== undefined) conditions.push({ action });
  if (decision !== undefined) conditions.push({ decision });
  if (since !== undefined) conditions.push({ at: { gte: since } });
  if (until !== undefined) conditions.push({ at: { lt: until } });
  // The bound on the time alone is what an index takes; the second half decides within one millisecond.
  if (after !== undefined) {
    const { at, id } = after;
    conditions.push({ at: { lte: at } }, { OR: [{ at: { lt: at } }, { id: { lt: id } }] });
  }
  if (before !== undefined) {
    const { at, id } = before;
    conditions.push({ at: { gte: at } }, { OR: [{ at: { gt: at } }, { id: { gt: id } }] });
  }
  const order = isBackward ? "asc" : "desc";
  return prisma.auditEvent.findMany({
    where: { AND: conditions },
    orderBy: [{ at: order }, { id: order }],
    take: limit,
  });
}
