import type { Unaccounted } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import { newId } from "./ids.ts";
import type { Db } from "./mapping.ts";
import { UnaccountedNotFound } from "./refusals.ts";

/** Something upstream that no resource of the mapping accounts for. */
export interface Finding {
  readonly kind: ResourceKind;
  readonly upstreamId: string;
  readonly name: string;
  /** Why it is not in the mapping, in words for people. */
  readonly reason: string;
  /** Mem0's own time of its creation. */
  readonly createdAt: Date;
}

/**
 * Lists a finding for an operator. One that is listed already keeps when it was found and whether it was settled, and
 * gets the new name and reason.
 */
export async function recordUnaccounted(db: Db, finding: Finding): Promise<void> {
  const { kind, upstreamId, name, reason } = finding;
  await db.unaccounted.upsert({
    where: { kind_upstreamId: { kind, upstreamId } },
    create: { id: newId("una"), ...finding },
    update: { name, reason },
  });
}

/** Whether an inventory lists this upstream id, and no operator has settled what it is. */
export async function isUnaccounted(db: Db, upstreamId: string): Promise<boolean> {
  return (await db.unaccounted.count({ where: { upstreamId, settledAt: null } })) > 0;
}

/** Settles what has got into the mapping since it was found. Answers how many. */
export async function settleMapped(db: Db): Promise<number> {
  return db.$executeRaw`
    UPDATE unaccounted SET settled_at = now(), reason = unaccounted.reason || ' It is in the mapping now.' FROM resource r
    WHERE settled_at IS NULL AND r.kind = unaccounted.kind AND r.upstream_id = unaccounted.upstream_id
      AND r.state = 'PRESENT'`;
}

/**
 * An operator has settled what it is. Nothing is done to it upstream. A repeat keeps the first time.
 * @throws {UnaccountedNotFound}
 */
export async function settle(db: Db, id: string): Promise<Unaccounted> {
  await db.unaccounted.updateMany({ where: { id, settledAt: null }, data: { settledAt: new Date() } });
  const settled = await db.unaccounted.findUnique({ where: { id } });
  if (settled === null) throw new UnaccountedNotFound();
  return settled;
}
