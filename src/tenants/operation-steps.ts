import type { Prisma } from "../generated/prisma/client.ts";
import type { Db } from "./mapping.ts";

/** Which way a step goes. */
export type Direction = "invoke" | "compensate";

/** What is recorded of an error: for people, and for programs that watch. */
export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/**
 * The deed, or its undoing, is about to begin. Recorded first, so that whatever started can be undone. Answers which
 * attempt this is: 1 for the first, counted over all runs and both directions.
 */
export async function recordStepStarted(
  db: Db,
  id: string,
  name: string,
  direction: Direction,
): Promise<number> {
  const [row] = await db.$queryRaw<{ attempts: number }[]>`
    UPDATE operation_step SET attempts = attempts + 1, finished_at = NULL, started_at = coalesce(started_at, ${new Date()}::timestamptz),
      status = (CASE WHEN status = 'SUPERSEDED' THEN status::text
        ELSE ${direction === "invoke" ? "RUNNING" : "COMPENSATING"} END)::"StepStatus"
    WHERE operation_id = ${id} AND name = ${name} RETURNING attempts`;
  if (row === undefined) throw new Error(`Operation ${id} has no step ${name}.`);
  return row.attempts;
}

/** The deed, or its undoing, is done. */
export async function recordStepDone(
  db: Db,
  id: string,
  name: string,
  done: { readonly direction: Direction; readonly output?: Prisma.InputJsonValue },
): Promise<void> {
  await db.operationStep.updateMany({
    where: { operationId: id, name, status: { not: "SUPERSEDED" } },
    data: {
      finishedAt: new Date(),
      ...(done.direction === "invoke"
        ? {
            status: "SUCCEEDED",
            output: done.output ?? {},
            errorCode: null,
            errorMessage: null,
            errorRetryable: null,
          }
        : { status: "COMPENSATED" }),
    },
  });
}

/** An attempt at a step failed. `isFinal` says that no other follows in this run. */
export async function recordStepError(
  db: Db,
  id: string,
  name: string,
  failed: { readonly direction: Direction; readonly error: StepError; readonly isFinal: boolean },
): Promise<void> {
  const { code, message, retryable } = failed.error;
  const finalStatus = failed.direction === "invoke" ? "FAILED" : "COMPENSATION_FAILED";
  await db.operationStep.updateMany({
    where: { operationId: id, name, status: { not: "SUPERSEDED" } },
    data: {
      errorCode: code,
      errorMessage: message,
      errorRetryable: retryable,
      ...(failed.isFinal ? { status: finalStatus, finishedAt: new Date() } : {}),
    },
  });
}
