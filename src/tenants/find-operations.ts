import { Prisma } from "../generated/prisma/client.ts";
import type { OperationKind, OperationStatus } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";
import type { openStatuses } from "./operation-store.ts";

/** Statuses of an operation that has not ended. */
type OpenStatus = (typeof openStatuses)[number];

/** What to look for among the open operations. All that is given must hold. */
export interface OpenOperationFilter {
  /** In one of these. */
  readonly statuses: readonly OpenStatus[];
  readonly kind?: OperationKind | undefined;
  /** Unchanged since then, or longer. */
  readonly unchangedSince?: Date | undefined;
}

/** What to look for among the operations of one key's tenants. All that is given must hold. */
export interface TenantOperationFilter {
  readonly tenantKey: string;
  readonly statuses?: readonly OperationStatus[] | undefined;
  readonly kind?: OperationKind | undefined;
  readonly unchangedSince?: Date | undefined;
}

/** Where an operation stands in a list. */
export interface OperationPosition {
  readonly id: string;
  readonly createdAt: Date;
}

/** A page of such a list. */
export interface PageOfOperations {
  /** At most this many, at least 1. */
  readonly limit: number;
  /** Only what comes after this in the list. */
  readonly after?: OperationPosition | undefined;
  /** Only what comes before this in the list. */
  readonly before?: OperationPosition | undefined;
  /** Whether the page is read from its end: then the last are taken, and answered in reverse. */
  readonly isBackward: boolean;
}

// Written out, and not a parameter: only then can the planner prove that the partial index holds all that is asked for.
const literals: Readonly<Record<OpenStatus, Prisma.Sql>> = {
  QUEUED: Prisma.sql`'QUEUED'`,
  RUNNING: Prisma.sql`'RUNNING'`,
  PARKED: Prisma.sql`'PARKED'`,
  UNWINDING: Prisma.sql`'UNWINDING'`,
  NEEDS_ATTENTION: Prisma.sql`'NEEDS_ATTENTION'`,
};

/** The statement of `findOpenOperations`. Apart, so that a test can ask Postgres how it would go about it. */
export function openOperationsQuery(filter: OpenOperationFilter, page: PageOfOperations): Prisma.Sql {
  const conditions = conditionsOf(filter);
  if (filter.unchangedSince !== undefined) {
    // What is unchanged for so long is at least so old, and that the index knows.
    conditions.push(Prisma.sql`created_at <= ${filter.unchangedSince}::timestamptz`);
  }
  const { after, before } = page;
  if (after !== undefined) {
    conditions.push(Prisma.sql`(created_at, id) > (${after.createdAt}::timestamptz, ${after.id})`);
  }
  if (before !== undefined) {
    conditions.push(Prisma.sql`(created_at, id) < (${before.createdAt}::timestamptz, ${before.id})`);
  }
  const order = page.isBackward
    ? Prisma.sql`ORDER BY created_at DESC, id DESC LIMIT ${page.limit}`
    : Prisma.sql`ORDER BY created_at, id LIMIT ${page.limit}`;
  // One ordered stretch of the index for each status; together they hold the page.
  const stretches = [...new Set(filter.statuses)].map(
    (status) => Prisma.sql`(SELECT id, created_at FROM operation
      WHERE status = ${literals[status]} AND ${Prisma.join(conditions, " AND ")} ${order})`,
  );
  return Prisma.sql`SELECT id FROM (${Prisma.join(stretches, " UNION ALL ")}) AS open ${order}`;
}

/**
 * The ids of open operations, by keyset: the oldest first. Asks the index of open operations alone, so that a page costs
 * the same however many have ended. One round trip.
 */
export async function findOpenOperations(
  db: Db,
  filter: OpenOperationFilter,
  page: PageOfOperations,
): Promise<string[]> {
  if (filter.statuses.length === 0) return [];
  const rows = await db.$queryRaw<{ id: string }[]>(openOperationsQuery(filter, page));
  return rows.map(({ id }) => id);
}

/**
 * The ids of the operations of all tenants that ever had a key, by keyset: the newest first. One round trip.
 */
export async function findTenantOperations(
  db: Db,
  filter: TenantOperationFilter,
  page: PageOfOperations,
): Promise<string[]> {
  const conditions = conditionsOf(filter);
  if (filter.statuses !== undefined) {
    conditions.push(Prisma.sql`status::text = ANY(${[...filter.statuses]}::text[])`);
  }
  if (page.after !== undefined) conditions.push(Prisma.sql`id < ${page.after.id}`);
  if (page.before !== undefined) conditions.push(Prisma.sql`id > ${page.before.id}`);
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM operation
    WHERE tenant_id IN (SELECT id FROM tenant WHERE key = ${filter.tenantKey})
      AND ${Prisma.join(conditions, " AND ")}
    ORDER BY id ${page.isBackward ? Prisma.sql`ASC` : Prisma.sql`DESC`} LIMIT ${page.limit}`;
  return rows.map(({ id }) => id);
}

function conditionsOf(filter: Pick<OpenOperationFilter, "kind" | "unchangedSince">): Prisma.Sql[] {
  const conditions = [Prisma.sql`true`];
  if (filter.kind !== undefined) conditions.push(Prisma.sql`kind = ${filter.kind}::"OperationKind"`);
  if (filter.unchangedSince !== undefined) {
    conditions.push(Prisma.sql`updated_at <= ${filter.unchangedSince}::timestamptz`);
  }
  return conditions;
}
