import { Prisma } from "../generated/prisma/client.ts";
import { commitsLater } from "./later-commit.ts";
import type { Db } from "./mapping.ts";

/** Which way a step goes. */
export type Direction = "invoke" | "compensate";

/** What is recorded of an error: for people, and for programs that watch. */
export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** A step that begins. */
export interface StepStart {
  readonly name: string;
  /** Until when it is tried, unless that was set by an earlier start in this direction. */
  readonly deadlineAt: Date;
}

/** How steps are begun. */
export interface Start {
  readonly direction: Direction;
  /** Whether a request to cancel the operation keeps the step from beginning, as long as the tenant is not ACTIVE. */
  readonly heedsCancel: boolean;
  /** Whether the record may reach the disk with the next one that waits for it, and not by itself. */
  readonly mayCommitLater: boolean;
}

/** What is known of a step that begins. */
export interface StartedStep {
  /** 1 for the first; counted over all runs and both directions. */
  readonly attempt: number;
  readonly deadlineAt: Date;
  /** Null for what began before operations had deadlines. */
  readonly operationDeadlineAt: Date | null;
  /** How often in a row the operation was parked because Mem0 could not be used. */
  readonly parks: number;
  /** Why the operation is to be cancelled: then no attempt may be made. Null: nobody asked, or it is too late. */
  readonly cancelReason: string | null;
}

interface StartedRow {
  name: string;
  attempts: number;
  deadline_at: Date;
  operation_deadline_at: Date | null;
  parks: number;
  cancel_reason: string | null;
}

/**
 * Deeds, or their undoings, are about to begin. Recorded first, so that whatever started can be undone. A step that a
 * cancellation keeps from beginning counts as started, too, but not as attempted: so its undoing closes its part of the
 * mapping. Answers by name, without what the operation does not have. One round trip for all of them.
 */
export async function recordStepsStarted(
  db: Db,
  id: string,
  starts: readonly StepStart[],
  { direction, heedsCancel, mayCommitLater }: Start,
): Promise<Map<string, StartedStep>> {
  const isInvoke = direction === "invoke";
  const names = starts.map(({ name }) => name);
  const deadlines = starts.map(({ deadlineAt }) => deadlineAt.toISOString());
  const rows = await db.$queryRaw<StartedRow[]>`
    UPDATE operation_step s SET finished_at = NULL, next_attempt_at = NULL,
      attempts = s.attempts + CASE WHEN ${heedsCancel}::boolean AND t.status <> 'ACTIVE' AND o.cancel_reason IS NOT NULL THEN 0 ELSE 1 END,
      started_at = coalesce(s.started_at, ${new Date()}::timestamptz),
      deadline_at = coalesce(
        CASE WHEN ${isInvoke}::boolean OR s.status IN ('COMPENSATING', 'COMPENSATION_FAILED') THEN s.deadline_at END,
        begun.deadline_at),
      status = (CASE WHEN s.status = 'SUPERSEDED' THEN s.status::text
        ELSE ${isInvoke ? "RUNNING" : "COMPENSATING"} END)::"StepStatus"
    FROM operation o JOIN tenant t ON t.id = o.tenant_id,
      unnest(${names}::text[], ${deadlines}::timestamptz[]) AS begun (name, deadline_at)
    WHERE s.operation_id = ${id} AND s.name = begun.name AND o.id = s.operation_id
      ${mayCommitLater ? Prisma.sql`AND ${commitsLater}` : Prisma.empty}
    RETURNING s.name, s.attempts, s.deadline_at, o.deadline_at AS operation_deadline_at, o.parks,
      CASE WHEN ${heedsCancel}::boolean AND t.status <> 'ACTIVE' THEN o.cancel_reason END AS cancel_reason`;
  const started = rows.map((row): [string, StartedStep] => [
    row.name,
    {
      attempt: row.attempts,
      deadlineAt: row.deadline_at,
      operationDeadlineAt: row.operation_deadline_at,
      parks: row.parks,
      cancelReason: row.cancel_reason,
    },
  ]);
  return new Map(started);
}

/** Why an operation is to be cancelled. Null: nobody asked, or it is too late, for its tenant is ACTIVE. */
export async function readCancelReason(db: Db, id: string): Promise<string | null> {
  const asked = await db.operation.findFirst({
    where: { id, tenant: { status: { not: "ACTIVE" } } },
    select: { cancelReason: true },
  });
  return asked?.cancelReason ?? null;
}

/** How a deed, or its undoing, was done. */
export interface StepDone {
  readonly direction: Direction;
  /** What the deed answered. An undoing answers nothing. */
  readonly output: Prisma.InputJsonValue;
  /** Requests to Mem0 since the last record of this step. */
  readonly upstreamCalls: number;
}

/** The end of a deed, to be recorded in the statement that writes the last of what it did. */
export interface StepEnd {
  readonly operationId: string;
  readonly step: string;
  /** What the deed answers. */
  readonly output: Prisma.InputJsonObject;
  /** Requests to Mem0 since the last record of this step. */
  readonly upstreamCalls: number;
}

/**
 * The same record as `recordStepDone` makes, as common table expressions that follow others, the first of them with its
 * comma; so that what was done and that it is done are committed together. It is made when the expression named `after`
 * wrote a row. Nothing for null.
 */
export function stepEndAfter(after: string, end: StepEnd | null): Prisma.Sql {
  if (end === null) return Prisma.empty;
  return Prisma.sql`, done AS (
      UPDATE operation_step SET status = 'SUCCEEDED', finished_at = ${new Date()}::timestamptz, next_attempt_at = NULL,
        upstream_calls = upstream_calls + ${end.upstreamCalls}::int, output = ${JSON.stringify(end.output)}::jsonb,
        error_code = NULL, error_message = NULL, error_retryable = NULL
      WHERE operation_id = ${end.operationId} AND name = ${end.step} AND status <> 'SUPERSEDED'
        AND EXISTS (SELECT FROM ${Prisma.raw(after)}) RETURNING operation_id
    ), unparked AS (
      UPDATE operation SET parks = 0 FROM done WHERE id = done.operation_id AND parks > 0
    )`;
}

/** The deed, or its undoing, is done: so Mem0 can be used, and the operation's parks begin anew. One round trip. */
export async function recordStepDone(db: Db, id: string, name: string, done: StepDone): Promise<void> {
  const isInvoke = done.direction === "invoke";
  await db.$executeRaw`
    WITH done AS (
      UPDATE operation_step SET status = ${isInvoke ? "SUCCEEDED" : "COMPENSATED"}::"StepStatus",
        finished_at = ${new Date()}::timestamptz, next_attempt_at = NULL,
        upstream_calls = upstream_calls + ${done.upstreamCalls}::int,
        output = CASE WHEN ${isInvoke}::boolean THEN ${JSON.stringify(done.output)}::jsonb ELSE output END,
        error_code = CASE WHEN ${isInvoke}::boolean THEN NULL ELSE error_code END,
        error_message = CASE WHEN ${isInvoke}::boolean THEN NULL ELSE error_message END,
        error_retryable = CASE WHEN ${isInvoke}::boolean THEN NULL ELSE error_retryable END
      WHERE operation_id = ${id} AND name = ${name} AND status <> 'SUPERSEDED' RETURNING operation_id
    ) UPDATE operation SET parks = 0 FROM done WHERE id = done.operation_id AND parks > 0`;
}

/** How an attempt failed. */
export interface StepFailed {
  readonly direction: Direction;
  readonly error: StepError;
  /** Whether no other attempt follows until a person says so. */
  readonly isFinal: boolean;
  /** When this run makes the next attempt. Null: it makes none. */
  readonly nextAttemptAt: Date | null;
  /** Requests to Mem0 since the last record of this step. */
  readonly upstreamCalls: number;
}

/** An attempt at a step failed. One round trip. */
export async function recordStepError(db: Db, id: string, name: string, failed: StepFailed): Promise<void> {
  const { code, message, retryable } = failed.error;
  const finalStatus = failed.direction === "invoke" ? "FAILED" : "COMPENSATION_FAILED";
  await db.$executeRaw`
    UPDATE operation_step SET error_code = ${code}, error_message = ${message}, error_retryable = ${retryable}::boolean,
      next_attempt_at = ${failed.nextAttemptAt}::timestamptz,
      upstream_calls = upstream_calls + ${failed.upstreamCalls}::int,
      status = CASE WHEN ${failed.isFinal}::boolean THEN ${finalStatus}::"StepStatus" ELSE status END,
      finished_at = CASE WHEN ${failed.isFinal}::boolean THEN ${new Date()}::timestamptz ELSE finished_at END
    WHERE operation_id = ${id} AND name = ${name} AND status <> 'SUPERSEDED'`;
}

/** Plans more steps of an operation, behind those that it has. Those that it has already are left as they are. */
export async function addSteps(db: Db, operationId: string, names: readonly string[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO operation_step (operation_id, position, name)
    SELECT ${operationId}, last + number, name
    FROM unnest(${[...names]}::text[]) WITH ORDINALITY AS added (name, number),
      (SELECT coalesce(max(position), -1) AS last FROM operation_step WHERE operation_id = ${operationId}) AS planned
    ON CONFLICT DO NOTHING`;
}
