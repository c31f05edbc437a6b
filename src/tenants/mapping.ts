import type { Prisma, PrismaClient, Resource } from "../generated/prisma/client.ts";
import type { GoneBy, ResourceState } from "../generated/prisma/enums.ts";
import { newId } from "./ids.ts";
import { type StepEnd, stepEndAfter } from "./operation-steps.ts";

/**
 * The only writer of resources and of their attempts, with `delete-attempts.ts`, `resources-without-id.ts` and
 * `linked-places.ts` beside it.
 * Each function is one statement, or one transaction, and each write says in its WHERE what it takes for granted, so
 * that a repeat, or a process that should have stopped, changes nothing.
 */

/** A client, or a transaction of it. */
export type Db = PrismaClient | Prisma.TransactionClient;

/** On whose behalf an attempt is made: it is always under an operation. */
export interface AttemptOf {
  readonly resourceId: string;
  readonly operationId: string;
  readonly step: string;
}

/** An attempt whose outcome nobody knows: its process died, or its answer was lost. */
export interface UnresolvedAttempt {
  readonly id: string;
  readonly startedAt: Date;
  /** When it was known that the answer is lost. Null: not written yet, because the process died. */
  readonly finishedAt: Date | null;
  readonly ownerSeenAt: Date | null;
}

/** What a step that wants to create may do. */
export type CreateClaim =
  | { readonly is: "present"; readonly upstreamId: string }
  | { readonly is: "gone" }
  | { readonly is: "claimed"; readonly attemptId: string }
  | { readonly is: "unresolved"; readonly attempt: UnresolvedAttempt };

interface ClaimRow {
  state: ResourceState;
  upstream_id: string | null;
  claimed: string | null;
  attempt_id: string | null;
  started_at: Date | null;
  finished_at: Date | null;
  owner_seen_at: Date | null;
}

function unresolvedOf(row: ClaimRow): UnresolvedAttempt | null {
  if (row.attempt_id === null || row.started_at === null) return null;
  return {
    id: row.attempt_id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    ownerSeenAt: row.owner_seen_at,
  };
}

/**
 * Asks for leave to create a resource upstream, and commits the attempt when it is given. Leave is given when the
 * resource has no upstream id, is not GONE, and no earlier attempt is without a known outcome. One round trip; two
 * callers at once: one of them gets leave, the other finds the attempt unresolved.
 */
export async function claimCreate(db: Db, of: AttemptOf): Promise<CreateClaim> {
  const [row] = await db.$queryRaw<ClaimRow[]>`
    WITH unresolved AS (
      SELECT id, started_at, finished_at, owner_seen_at FROM attempt
      WHERE resource_id = ${of.resourceId} AND action = 'CREATE' AND (outcome IS NULL OR outcome = 'UNKNOWN')
    ), claimed AS (
      INSERT INTO attempt (id, resource_id, operation_id, step, action, started_at)
      SELECT ${newId("att")}, r.id, ${of.operationId}, ${of.step}, 'CREATE', ${new Date()}::timestamptz FROM resource r
      WHERE r.id = ${of.resourceId} AND r.upstream_id IS NULL AND r.state <> 'GONE'
        AND NOT EXISTS (SELECT FROM unresolved)
      ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT r.state, r.upstream_id, c.id AS claimed, u.id AS attempt_id, u.started_at, u.finished_at, u.owner_seen_at
    FROM resource r LEFT JOIN claimed c ON true LEFT JOIN unresolved u ON true WHERE r.id = ${of.resourceId}`;
  if (row === undefined) throw new Error(`Resource ${of.resourceId} is not in the mapping.`);
  if (row.state === "GONE") return { is: "gone" };
  if (row.upstream_id !== null) return { is: "present", upstreamId: row.upstream_id };
  if (row.claimed !== null) return { is: "claimed", attemptId: row.claimed };
  const attempt = unresolvedOf(row);
  // Without an attempt another caller claimed in between, and its row was not visible to this statement yet.
  return attempt === null ? claimCreate(db, of) : { is: "unresolved", attempt };
}

/** The create attempt of a resource whose outcome is not known, if there is one. */
export async function unresolvedCreate(db: Db, resourceId: string): Promise<UnresolvedAttempt | null> {
  return db.attempt.findFirst({
    where: { resourceId, action: "CREATE", OR: [{ outcome: null }, { outcome: "UNKNOWN" }] },
    select: { id: true, startedAt: true, finishedAt: true, ownerSeenAt: true },
  });
}

/**
 * Writes the upstream id into the mapping: by compare-and-set, only where there is none yet. Answers whether it
 * was written; when not, somebody else's is there and the caller's thing upstream is a twin. `attemptId` is the attempt
 * that made it, if it is known which. With `end` the step is recorded as done in the same statement, if it was written.
 */
export async function recordMade(
  db: Db,
  made: { readonly resourceId: string; readonly attemptId: string | null; readonly upstreamId: string },
  end: StepEnd | null = null,
): Promise<boolean> {
  const written = await db.$queryRaw<unknown[]>`
    WITH written AS (
      UPDATE resource SET upstream_id = ${made.upstreamId}, state = 'PRESENT', reason = NULL, present_at = now()
      WHERE id = ${made.resourceId} AND upstream_id IS NULL AND state <> 'GONE' RETURNING id
    ), closed AS (
      UPDATE attempt SET outcome = 'DONE', finished_at = ${new Date()}::timestamptz FROM written
      WHERE attempt.id = ${made.attemptId}
    )${stepEndAfter("written", end)}
    SELECT id FROM written`;
  return written.length === 1;
}

/**
 * The attempt certainly changed nothing upstream. One that was thought to be lost meanwhile takes its doubt back; one
 * that has an outcome keeps it. (Here and below a resource is locked before its attempt, so that two never deadlock.)
 */
export async function recordNotDone(db: Db, attemptId: string, error: string): Promise<void> {
  await db.$executeRaw`
    WITH held AS (
      SELECT r.id FROM resource r JOIN attempt a ON a.resource_id = r.id WHERE a.id = ${attemptId} FOR UPDATE OF r
    ), earlier AS (
      SELECT a.id, a.resource_id, a.action = 'CREATE' AND a.outcome = 'UNKNOWN' AS was_lost
      FROM attempt a JOIN held ON held.id = a.resource_id
      WHERE a.id = ${attemptId} AND (a.outcome IS NULL OR a.outcome = 'UNKNOWN') FOR UPDATE OF a
    ), closed AS (
      UPDATE attempt SET outcome = 'NOT_DONE', error = ${error}, finished_at = ${new Date()}::timestamptz
      FROM earlier WHERE attempt.id = earlier.id
    )
    UPDATE resource SET state = 'INTENDED', reason = NULL FROM earlier
    WHERE resource.id = earlier.resource_id AND earlier.was_lost AND state = 'UNKNOWN' AND upstream_id IS NULL`;
}

/**
 * The answer to the attempt is lost. The first call fixes the moment from which the settle delay counts, and of a create
 * makes the resource UNKNOWN and marks the operation ambiguous; later calls change nothing. Answers that moment, or null
 * when the attempt has an outcome already: somebody else found it out.
 */
export async function recordUnknown(db: Db, attemptId: string, error: string): Promise<Date | null> {
  const [row] = await db.$queryRaw<{ finished_at: Date }[]>`
    WITH held AS (
      SELECT r.id FROM resource r JOIN attempt a ON a.resource_id = r.id WHERE a.id = ${attemptId} FOR UPDATE OF r
    ), lost AS (
      UPDATE attempt SET outcome = 'UNKNOWN', error = coalesce(error, ${error}),
        finished_at = coalesce(finished_at, ${new Date()}::timestamptz)
      FROM held WHERE attempt.id = ${attemptId} AND resource_id = held.id AND (outcome IS NULL OR outcome = 'UNKNOWN')
      RETURNING operation_id, action, finished_at, resource_id, error
    ), flagged AS (
      UPDATE operation SET ambiguous = true FROM lost
      WHERE operation.id = lost.operation_id AND lost.action = 'CREATE' AND NOT ambiguous
    ), doubted AS (
      UPDATE resource SET state = 'UNKNOWN', reason = 'The answer to its creation was lost. ' || lost.error FROM lost
      WHERE resource.id = lost.resource_id AND lost.action = 'CREATE' AND state = 'INTENDED' AND upstream_id IS NULL
    )
    SELECT finished_at FROM lost`;
  return row?.finished_at ?? null;
}

/** Says better why a resource whose creation was lost is still UNKNOWN. Whatever is known of it by now stays. */
export async function recordDoubt(db: Db, resourceId: string, reason: string): Promise<void> {
  await db.resource.updateMany({
    where: { id: resourceId, state: "UNKNOWN", upstreamId: null },
    data: { reason },
  });
}

/**
 * When the first create of a resource may have been sent: what is found upstream and is older is not ours. Null:
 * none was ever sent.
 */
export async function firstCreateAt(db: Db, resourceId: string): Promise<Date | null> {
  const first = await db.attempt.findFirst({
    where: { resourceId, action: "CREATE" },
    orderBy: { startedAt: "asc" },
    select: { startedAt: true },
  });
  return first?.startedAt ?? null;
}

/** Whether a create of this resource was ever given up without an answer: it may have landed since. */
export async function wasEverAbandoned(db: Db, resourceId: string): Promise<boolean> {
  return (await db.attempt.count({ where: { resourceId, action: "CREATE", outcome: "ABANDONED" } })) > 0;
}

/** The resource as it is now. */
export async function readResource(db: Db, resourceId: string): Promise<Resource> {
  return db.resource.findUniqueOrThrow({ where: { id: resourceId } });
}

/**
 * Looked after the settle delay, and found nothing: the attempt is given up, the resource is INTENDED again, and another
 * attempt may be made. Changes nothing when somebody else found out meanwhile what became of it.
 */
export async function abandonAttempt(db: Db, attemptId: string): Promise<void> {
  await db.$executeRaw`
    WITH held AS (
      SELECT r.id FROM resource r JOIN attempt a ON a.resource_id = r.id WHERE a.id = ${attemptId} FOR UPDATE OF r
    ), given_up AS (
      UPDATE attempt SET outcome = 'ABANDONED' FROM held
      WHERE attempt.id = ${attemptId} AND resource_id = held.id AND outcome = 'UNKNOWN' RETURNING resource_id
    )
    UPDATE resource SET state = 'INTENDED', reason = NULL FROM given_up
    WHERE resource.id = given_up.resource_id AND state = 'UNKNOWN' AND upstream_id IS NULL`;
}

/**
 * The ACTIVE tenants without an open operation, at most `limit`, with members whose next try is due. Puts off the try after this one, twice as
 * far each time up to `retryMaxMs`, so that a tenant is answered once per try.
 */
export async function claimDueMembers(
  db: Db,
  due: { readonly retryMs: number; readonly retryMaxMs: number; readonly limit: number },
): Promise<string[]> {
  const rows = await db.$queryRaw<{ tenant_id: string }[]>`
    WITH due AS (
      SELECT DISTINCT r.tenant_id FROM resource r JOIN tenant t ON t.id = r.tenant_id
      WHERE r.state = 'AWAITING_REGISTRATION' AND r.retry_at <= ${new Date()}::timestamptz AND t.status = 'ACTIVE'
        AND NOT EXISTS (SELECT FROM operation o WHERE o.tenant_id = t.id
          AND o.status IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING', 'NEEDS_ATTENTION'))
      LIMIT ${due.limit}
    )
    UPDATE resource SET retries = retries + 1, retry_at = ${new Date()}::timestamptz
      + least(${due.retryMs}::float8 * power(2, least(retries, 30)), ${due.retryMaxMs}::float8) * interval '1 millisecond'
    FROM due WHERE resource.tenant_id = due.tenant_id AND resource.state = 'AWAITING_REGISTRATION'
    RETURNING resource.tenant_id`;
  return [...new Set(rows.map((row) => row.tenant_id))];
}

/** We cannot tell any more whether it is there. An operator must look; a later proof may still settle it. */
export async function recordUnknowable(db: Db, resourceId: string, reason: string): Promise<void> {
  await db.resource.updateMany({
    where: { id: resourceId, state: { not: "GONE" } },
    data: { state: "UNKNOWN", reason },
  });
}

/**
 * The resource is gone, and with it (PARENT) everything of the mapping that lay in it. `attemptId` is the delete
 * that was proved, or null where nothing was ever made. A repeat changes nothing.
 */
export async function recordGone(
  db: Db,
  gone: { readonly resourceId: string; readonly attemptId: string | null; readonly goneBy: GoneBy },
): Promise<void> {
  await db.$executeRaw`
    WITH RECURSIVE lost AS (
      SELECT id, 0 AS depth FROM resource WHERE id = ${gone.resourceId}
      UNION ALL SELECT r.id, lost.depth + 1 FROM resource r JOIN lost ON r.parent_id = lost.id
    ), proved AS (
      UPDATE attempt SET outcome = 'DONE', finished_at = ${new Date()}::timestamptz WHERE id = ${gone.attemptId}
    )
    UPDATE resource SET state = 'GONE', gone_at = now(), reason = NULL, retry_at = NULL,
      gone_by = CASE WHEN lost.depth = 0 THEN ${gone.goneBy}::"GoneBy" ELSE 'PARENT' END
    FROM lost WHERE resource.id = lost.id AND resource.state <> 'GONE'`;
}
