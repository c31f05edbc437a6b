import { Prisma } from "../generated/prisma/client.ts";
import type { TenantStatus } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";

/** The longest text that is searched for, in characters. */
export const searchLengthMax = 200;

/** What to look for. All that is given must hold. */
export interface TenantFilter {
  readonly status?: TenantStatus | undefined;
  /** Words; each must be the beginning of a word of the key or the name, without regard to case. No words: no tenant. */
  readonly search?: string | undefined;
}

/** A page of a list that is ordered by id, the newest first. */
export interface PageOfIds {
  /** At most this many, at least 1. */
  readonly limit: number;
  /** Only ids that come after this one in the list: older ones. */
  readonly after?: string | undefined;
  /** Only ids that come before this one in the list: newer ones. */
  readonly before?: string | undefined;
  /** Whether the page is read from its end: then the last ids are taken, and answered in reverse. */
  readonly isBackward: boolean;
}

/**
 * The ids of the tenants that a filter lets through, by keyset: the cost of a page does not depend on how far it lies.
 * In the direction of reading; ids sort by the time of sign-up. One round trip.
 */
export async function findTenantIds(db: Db, filter: TenantFilter, page: PageOfIds): Promise<string[]> {
  const conditions = [Prisma.sql`true`];
  if (filter.status !== undefined) conditions.push(Prisma.sql`status = ${filter.status}::"TenantStatus"`);
  if (filter.search !== undefined) conditions.push(matches(filter.search));
  if (page.after !== undefined) conditions.push(Prisma.sql`id < ${page.after}`);
  if (page.before !== undefined) conditions.push(Prisma.sql`id > ${page.before}`);
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM tenant WHERE ${Prisma.join(conditions, " AND ")}
    ORDER BY id ${page.isBackward ? Prisma.sql`ASC` : Prisma.sql`DESC`} LIMIT ${page.limit}`;
  return rows.map(({ id }) => id);
}

/**
 * Words are taken apart by Postgres, in the search as in what is searched, so that the two always agree on what a word
 * is; it takes no NUL in a text. The expression on the left is that of the index `tenant_search`.
 */
function matches(search: string): Prisma.Sql {
  return Prisma.sql`
    to_tsvector('simple', regexp_replace("key" || ' ' || "name", '[._:@/+-]+', ' ', 'g')) @@ (
      SELECT coalesce(string_agg('''' || replace(lexeme, '''', '''''') || ''':*', ' & '), '')::tsquery
      FROM unnest(to_tsvector('simple', regexp_replace(${search.replaceAll("\0", " ")}, '[._:@/+\\\\-]+', ' ', 'g'))))`;
}
