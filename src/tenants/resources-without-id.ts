import type { Db } from "./mapping.ts";
import { type StepEnd, stepEndAfter } from "./operation-steps.ts";

/**
 * Members and settings, which Mem0 gives no id: members are told apart by their e-mail, settings by their project. They
 * need no attempts, for adding or setting again makes no second one.
 */

/**
 * The answer about a resource without an upstream id is lost: a member, settings. UNKNOWN until it is seen; a member
 * who waits goes on waiting for the next try, which looks first.
 */
export async function recordUnanswered(db: Db, resourceId: string, error: string): Promise<void> {
  await db.$executeRaw`
    UPDATE resource SET reason = ${`The answer was lost. ${error}`},
      state = CASE WHEN state = 'INTENDED' THEN 'UNKNOWN' ELSE state END
    WHERE id = ${resourceId} AND state IN ('INTENDED', 'AWAITING_REGISTRATION') AND upstream_id IS NULL`;
}

/** A resource without an upstream id is there: members are told apart by their e-mail, settings by their project. */
export async function recordPresent(db: Db, resourceId: string): Promise<void> {
  await recordAllPresent(db, [resourceId]);
}

/**
 * The same of several. With `end` the step is recorded as done in the same statement, if all of them are there now.
 * Answers whether it was. One round trip.
 */
export async function recordAllPresent(
  db: Db,
  resourceIds: readonly string[],
  end: StepEnd | null = null,
): Promise<boolean> {
  const ids = [...resourceIds];
  const [row] = await db.$queryRaw<{ is_ended: boolean }[]>`
    WITH seen AS (
      UPDATE resource SET state = 'PRESENT', present_at = now(), reason = NULL, retry_at = NULL
      WHERE id = ANY(${ids}::text[]) AND state IN ('INTENDED', 'AWAITING_REGISTRATION', 'UNKNOWN') RETURNING id
    ), all_seen AS (
      SELECT count(*) FROM seen HAVING count(*) = ${ids.length}::int
    )${stepEndAfter("all_seen", end)}
    SELECT EXISTS (SELECT FROM all_seen) AS is_ended`;
  return end !== null && row?.is_ended === true;
}

/** A member whom Mem0 does not take yet, in the organization and in the project, or in the project alone. */
export interface AwaitedMember {
  readonly resourceIds: readonly string[];
  /** When the next try is due. */
  readonly retryAt: Date;
  /** What Mem0 said, for people. */
  readonly reason: string;
}

/**
 * A member waits, and is tried again from `retryAt` on. One who waits already keeps the time of his next try, with the
 * newer reason.
 */
export async function recordAwaiting(db: Db, { resourceIds, retryAt, reason }: AwaitedMember): Promise<void> {
  await db.$executeRaw`
    UPDATE resource SET state = 'AWAITING_REGISTRATION', reason = ${reason},
      retry_at = CASE WHEN state = 'AWAITING_REGISTRATION' THEN retry_at ELSE ${retryAt}::timestamptz END,
      retries = CASE WHEN state = 'AWAITING_REGISTRATION' THEN retries ELSE 1 END
    WHERE id = ANY(${[...resourceIds]}::text[]) AND state IN ('INTENDED', 'UNKNOWN', 'AWAITING_REGISTRATION')`;
}
