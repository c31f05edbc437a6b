import { Mem0Error, Mem0Refused } from "../mem0/errors.ts";
import { beginDelete, isProvedGone, recordTwinGone, unresolvedDelete } from "../tenants/delete-attempts.ts";
import { recordGone, recordNotDone, recordUnknowable, recordUnknown } from "../tenants/mapping.ts";
import { NeedsAttention, NotYet } from "./failures.ts";
import type { SagaContext } from "./saga.ts";

/** A thing upstream to delete, and how to see what is the case. */
export interface Removal {
  /** For messages: "organization org_…". */
  readonly what: string;
  readonly upstreamId: string;
  /** Whether it, or what holds it, shows that we are its OWNER. A 404 is "absent". */
  observe(): Promise<"owner" | "not-owner" | "absent">;
  remove(): Promise<void>;
  /** Asked after the DELETE, when we are known to have been OWNER. */
  isGone(): Promise<boolean>;
  /**
   * Whether absence is seen by reading, as OWNER, a list that would show it, and not by a 404. Then a DELETE that is
   * answered by 404 needs no further proof; and when `observe` says "absent" it means the list's owner, which proves
   * nothing of the thing itself.
   */
  readonly isAbsenceSeen: boolean;
}

type AnyContext = Pick<SagaContext<unknown>, "provisioning" | "operationId" | "step">;

/**
 * Deletes a thing and proves that it is gone. Neither a success message nor a 404 is proof: a stranger gets 404 too.
 * So it takes an observation that we are OWNER, committed before the DELETE; then our own DELETE, answered by 2xx or
 * by nothing; then its absence. Afterwards the resource is GONE with all that lay in it ("twin": the attempt alone is
 * closed). A repeat after a crash relies on the stored observation, and of two at once each relies on the other's.
 *
 * @throws {NeedsAttention} when the proof cannot be had; the resource is UNKNOWN then
 * @throws {NotYet} when the thing is still there after its DELETE
 * @throws {Mem0Error}
 */
export async function removeAndProve(
  context: AnyContext,
  resourceId: string,
  removal: Removal,
  role: "resource" | "twin",
): Promise<void> {
  const { provisioning, operationId, step } = context;
  const { prisma } = provisioning;
  const twinId = role === "twin" ? removal.upstreamId : null;
  const earlier = await unresolvedDelete(prisma, resourceId, twinId);
  const prove = async (attemptId: string) => {
    if (role === "twin") await recordTwinGone(prisma, attemptId);
    else await recordGone(prisma, { resourceId, attemptId, goneBy: "DELETED" });
  };
  const giveUp = async (reason: string): Promise<void> => {
    if (await isProvedGone(prisma, resourceId, twinId)) return;
    if (role === "resource") await recordUnknowable(prisma, resourceId, reason);
    throw new NeedsAttention(reason);
  };

  const seen = await removal.observe();
  if (seen === "absent" && earlier !== null && !removal.isAbsenceSeen) return prove(earlier.id);
  if (seen === "absent") {
    return giveUp(
      `The ${removal.what} answers 404, but we did not delete it: it may be gone, or we may have been removed from it. ` +
        "A 404 alone proves nothing.",
    );
  }
  if (seen === "not-owner")
    return giveUp(`We are not OWNER of the ${removal.what}, so it cannot be deleted by us.`);

  const of = { resourceId, operationId, step, twinId };
  const { attemptId, isShared } =
    earlier === null
      ? await beginDelete(prisma, { ...of, ownerSeenAt: new Date() })
      : { attemptId: earlier.id, isShared: true };
  try {
    await removal.remove();
  } catch (error) {
    if (!(error instanceof Mem0Error)) throw error;
    const isNotFound = error instanceof Mem0Refused && error.status === 404;
    if (error.mayHaveHappened) {
      await recordUnknown(prisma, attemptId, error.message);
    } else if (!isNotFound) {
      if (!isShared) await recordNotDone(prisma, attemptId, error.message);
      throw error;
    } else if (!isShared && !removal.isAbsenceSeen) {
      await recordNotDone(prisma, attemptId, error.message);
      return giveUp(
        `The ${removal.what} vanished between our look and our DELETE, so we cannot prove where it went.`,
      );
    }
  }
  if (await removal.isGone()) return prove(attemptId);
  throw new NotYet(`The ${removal.what} was deleted, but is still there.`);
}
