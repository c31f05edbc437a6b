import { Prisma } from "../generated/prisma/client.ts";
import type { TenantStatus } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";

/** What to look for. All that is given must hold. */
export interface TenantFilter {
  readonly status?: TenantStatus | undefined;
  /** Words; each must be the beginning of a word of the key or the name, without regard to case. */
  readonly search?: string | undefined;
}

/** A page of a list that is ordered by id. */
export interface PageOfIds {
  /** At most this many, at least 1. */
  readonly limit: number;
  /** Only ids beyond this one, in the direction of reading. */
  readonly beyond?: string | undefined;
  /** Newest first, or from the old end. */
  readonly isBackward: boolean;
}

/**
 * The ids of the tenants that a filter lets through, by keyset: the cost of a page does not depend on how far it lies.
 * In the direction of reading; ids sort by the time of sign-up. One round trip.
 */
export async function findTenantIds(db: Db, filter: TenantFilter, page: PageOfIds): Promise<string[]> {
  const conditions = [Prisma.sql`true`];
  if (filter.status !== undefined) conditions.push(Prisma.sql`status = ${filter.status}::"TenantStatus"`);
  if (filter.search !== undefined) {
    const words = filter.search.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
    if (words.length === 0) return [];
    // Only letters and digits are left of the words, so nothing of them can be an operator.
    const query = words.map((word) => `${word}:*`).join(" & ");
    conditions.push(Prisma.sql`
      to_tsvector('simple', regexp_replace("key" || ' ' || "name", '[._:@/+-]+', ' ', 'g')) @@ to_tsquery('simple', ${query})`);
  }
  if (page.beyond !== undefined) {
    conditions.push(page.isBackward ? Prisma.sql`id > ${page.beyond}` : Prisma.sql`id < ${page.beyond}`);
  }
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM tenant WHERE ${Prisma.join(conditions, " AND ")}
    ORDER BY id ${page.isBackward ? Prisma.sql`ASC` : Prisma.sql`DESC`} LIMIT ${page.limit}`;
  return rows.map(({ id }) => id);
}
