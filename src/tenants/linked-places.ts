import type { Prisma, PrismaClient } from "../generated/prisma/client.ts";
import type { Db } from "./mapping.ts";
import { brokenConstraint } from "./operation-store.ts";

/**
 * What is written of a place that a customer brought: nothing of it is ever made or deleted upstream, so it has no attempts.
 * Beside `mapping.ts`.
 */

/** Mem0's ids of a place, as its own key proved them. */
export interface LinkedPlace {
  readonly orgId: string;
  readonly projectId: string;
}

/**
 * The organization and the project of a tenant are these, and there. One statement; a repeat changes nothing. Answers
 * false, and writes nothing, when one of them is another tenant's.
 * @throws {Error} when the tenant has other ones already, or none to be
 */
export async function recordLinkedPlace(
  prisma: PrismaClient,
  tenantId: string,
  { orgId, projectId }: LinkedPlace,
): Promise<boolean> {
  try {
    await prisma.$executeRaw`
      UPDATE resource r SET upstream_id = place.id, state = 'PRESENT', reason = NULL, present_at = now()
      FROM (VALUES ('ORGANIZATION', ${orgId}::text), ('PROJECT', ${projectId}::text)) AS place (kind, id)
      WHERE r.tenant_id = ${tenantId} AND r.kind = place.kind::"ResourceKind" AND r.state IN ('INTENDED', 'UNKNOWN')
        AND (r.upstream_id IS NULL OR r.upstream_id = place.id)`;
  } catch (error) {
    if (brokenConstraint(error) === "upstream-id") return false;
    throw error;
  }
  const present = await prisma.resource.findMany({
    where: { tenantId, state: "PRESENT", kind: { in: ["ORGANIZATION", "PROJECT"] } },
    select: { kind: true, upstreamId: true },
  });
  const isThere = (kind: string, id: string) =>
    present.some((resource) => resource.kind === kind && resource.upstreamId === id);
  if (isThere("ORGANIZATION", orgId) && isThere("PROJECT", projectId)) return true;
  throw new Error(`The mapping of tenant ${tenantId} does not take the place that its account proved.`);
}

/**
 * A tenant lets go of its customer's own place, which may become another tenant's then. Upstream nothing happens. A repeat
 * changes nothing; nor does it for a tenant whose place Loci made.
 */
export async function releasePlace(db: Db, tenantId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE resource r SET state = 'GONE', gone_at = now(), reason = NULL, retry_at = NULL,
      gone_by = (CASE WHEN r.upstream_id IS NULL THEN 'NEVER_MADE' ELSE 'RELEASED' END)::"GoneBy"
    FROM tenant t WHERE t.id = ${tenantId} AND t.account_id IS NOT NULL AND r.tenant_id = t.id AND r.state <> 'GONE'`;
}

/** The tenant in whose mapping one of these is, unless it was released; null when there is none. */
export async function tenantOfPlace(
  tx: Prisma.TransactionClient,
  { orgId, projectId }: LinkedPlace,
): Promise<string | null> {
  const [mapped] = await tx.$queryRaw<{ tenant_id: string }[]>`
    SELECT tenant_id FROM resource
    WHERE (kind = 'ORGANIZATION' AND upstream_id = ${orgId} OR kind = 'PROJECT' AND upstream_id = ${projectId})
      AND gone_by IS DISTINCT FROM 'RELEASED' LIMIT 1`;
  return mapped?.tenant_id ?? null;
}
