import type { Prisma } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";
import type { Place } from "./place.ts";
import { UpstreamAlreadyMapped } from "./refusals.ts";

/** What operators change of the mapping, each under the lock of an operation that is not running; see `mapping.ts`. */

/**
 * Writes the upstream id that an operator vouches for, by compare-and-set: only where there is none yet. The create
 * whose answer was lost, if there is one, is thereby done. Answers whether it was written.
 * @throws {UpstreamAlreadyMapped} when it is another resource's; the transaction is void then
 */
export async function adoptUpstreamId(
  tx: Prisma.TransactionClient,
  adopted: { readonly resourceId: string; readonly upstreamId: string },
): Promise<boolean> {
  const { resourceId, upstreamId } = adopted;
  try {
    const written = await tx.$queryRaw<unknown[]>`
      WITH written AS (
        UPDATE resource SET upstream_id = ${upstreamId}, state = 'PRESENT', reason = NULL, present_at = now()
        WHERE id = ${resourceId} AND upstream_id IS NULL AND state <> 'GONE' RETURNING id
      ), closed AS (
        UPDATE attempt SET outcome = 'DONE', finished_at = ${new Date()}::timestamptz FROM written
        WHERE attempt.resource_id = written.id AND action = 'CREATE' AND (outcome IS NULL OR outcome = 'UNKNOWN')
      )
      SELECT id FROM written`;
    return written.length === 1;
  } catch (error) {
    if (isTakenUpstreamId(error)) throw new UpstreamAlreadyMapped(upstreamId);
    throw error;
  }
}

/** Whether a write ran into the index that keeps two resources from being the same thing upstream. */
function isTakenUpstreamId(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Prisma tells of a raw statement's error in its message alone, or in the cause it keeps of the driver's error.
  const told = `${error.message} ${JSON.stringify("meta" in error ? error.meta : null)}`;
  return told.includes("resource_upstream_once") || /Unique constraint.*upstream_id/i.test(told);
}

/** Whether a resource of this kind has this upstream id, whatever became of it. */
export async function isMapped(db: Db, kind: ResourceKind, upstreamId: string): Promise<boolean> {
  return (await db.resource.count({ where: { kind, upstreamId } })) > 0;
}

/** We are told that these need no more deed of ours, and cannot tell what became of them. With `isDeep`, nor of what lies in them. */
export async function recordSkipped(
  tx: Prisma.TransactionClient,
  skipped: { readonly resourceIds: readonly string[]; readonly isDeep: boolean; readonly evidence: string },
): Promise<void> {
  const ids = [...skipped.resourceIds];
  await tx.$executeRaw`
    WITH RECURSIVE doubted AS (
      SELECT id FROM resource WHERE id = ANY(${ids})
      UNION SELECT r.id FROM resource r JOIN doubted ON r.parent_id = doubted.id WHERE ${skipped.isDeep}
    )
    UPDATE resource SET state = 'UNKNOWN', reason = ${skipped.evidence}, retry_at = NULL
    FROM doubted WHERE resource.id = doubted.id AND resource.state <> 'GONE'`;
}

/**
 * A member's e-mail was wrong. He is the same member under another one, in the organization and in the project; one who
 * waits for registration is due at once. Who is PRESENT, GONE or UNKNOWN is left alone.
 */
export async function renameMember(
  tx: Prisma.TransactionClient,
  tenantId: string,
  { from, to }: { readonly from: string; readonly to: Place["members"][number] },
): Promise<void> {
  const desired = { email: to.email, role: to.role };
  const theirs = {
    tenantId,
    name: from,
    kind: { in: ["ORGANIZATION_MEMBER", "PROJECT_MEMBER"] },
  } satisfies Prisma.ResourceWhereInput;
  await tx.resource.updateMany({
    where: { ...theirs, state: "AWAITING_REGISTRATION" },
    data: { name: to.email, desired, retryAt: new Date(), retries: 0 },
  });
  await tx.resource.updateMany({
    where: { ...theirs, state: "INTENDED" },
    data: { name: to.email, desired },
  });
}

/** A webhook's URL was wrong. Its name stays; one that is anything but INTENDED is left alone. */
export async function redirectWebhook(
  tx: Prisma.TransactionClient,
  tenantId: string,
  { name, url, eventTypes }: { readonly name: string } & Omit<Place["webhooks"][number], "name">,
): Promise<void> {
  await tx.resource.updateMany({
    where: { tenantId, kind: "WEBHOOK", name, upstreamId: null, state: "INTENDED" },
    data: { desired: { name, url, eventTypes } },
  });
}
