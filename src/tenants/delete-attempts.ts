import type { AttemptAction } from "../generated/prisma/enums.ts";
import { newId } from "./ids.ts";
import type { AttemptOf, Db, UnresolvedAttempt } from "./mapping.ts";

/** Attempts to delete, of a resource or of a twin of it: `twinId` is the twin's upstream id, null for the resource. */

/** The delete attempt that is under way or lost, for this resource or for a twin of it. */
export async function unresolvedDelete(
  db: Db,
  resourceId: string,
  twinId: string | null,
): Promise<UnresolvedAttempt | null> {
  return db.attempt.findFirst({
    where: { resourceId, twinId, action: "DELETE", OR: [{ outcome: null }, { outcome: "UNKNOWN" }] },
    select: { id: true, startedAt: true, finishedAt: true, ownerSeenAt: true },
  });
}

/** A delete attempt that may be sent. */
export interface BegunDelete {
  readonly attemptId: string;
  /** Whether somebody else began it at the same moment, so that a 404 may be the answer to theirs. */
  readonly isShared: boolean;
}

/**
 * Commits a delete attempt with the observation that we are OWNER. Must be committed before the DELETE is sent: a repeat
 * after a crash relies on it. Of two callers at once both get the same attempt.
 */
export async function beginDelete(
  db: Db,
  of: AttemptOf & { readonly twinId: string | null; readonly ownerSeenAt: Date },
): Promise<BegunDelete> {
  const action: AttemptAction = "DELETE";
  const id = newId("att");
  const { count } = await db.attempt.createMany({
    data: [{ id, action, startedAt: new Date(), ...of }],
    skipDuplicates: true,
  });
  if (count === 1) return { attemptId: id, isShared: false };
  const other = await unresolvedDelete(db, of.resourceId, of.twinId);
  // It may have ended between the two statements.
  return other === null ? beginDelete(db, of) : { attemptId: other.id, isShared: true };
}

/** Whether a delete of this resource, or of this twin of it, was proved already, perhaps by somebody else. */
export async function isProvedGone(db: Db, resourceId: string, twinId: string | null): Promise<boolean> {
  const proved = { resourceId, twinId, action: "DELETE", outcome: "DONE" } as const;
  return (await db.attempt.count({ where: proved })) > 0;
}

/** A twin is gone, proved. The resource itself is not touched. A repeat changes nothing that matters. */
export async function recordTwinGone(db: Db, attemptId: string): Promise<void> {
  await db.attempt.update({ where: { id: attemptId }, data: { outcome: "DONE", finishedAt: new Date() } });
}
