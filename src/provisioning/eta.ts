import type { Operation, OperationStep } from "../generated/prisma/client.ts";
import type { SagaTable } from "./saga.ts";
import { sagas } from "./sagas.ts";
import type { UsualMs } from "./step-durations.ts";

/** What is to be known of a step for an estimate. */
export type StepUnderWay = Pick<OperationStep, "name" | "status" | "startedAt" | "nextAttemptAt">;

/** What is to be known of an operation for an estimate. */
export interface OperationUnderWay extends Pick<Operation, "kind" | "status" | "unwinding" | "resumeAt"> {
  readonly steps: readonly StepUnderWay[];
}

/**
 * When an operation will have ended, if all goes as usual: the longest step of each stage that is left, one stage after
 * the other. Null when that cannot be said: it has ended, waits for a person, is being undone, or a step that is left was
 * seen too rarely. Never before `now`.
 */
export function etaOf(operation: OperationUnderWay, usualMs: UsualMs, now: Date): Date | null {
  const begin = beginOf(operation, now);
  if (begin === null) return null;
  const steps = new Map(operation.steps.map((step) => [step.name, step]));
  const isRunning = operation.status === "RUNNING";
  let leftMs = 0;
  const saga: SagaTable = sagas[operation.kind];
  for (const stage of saga.stages) {
    const planned = stage.flatMap(({ name }) => steps.get(name) ?? []);
    const lefts = planned.map((step) => leftOf(step, { isRunning, usualMs: usualMs.get(step.name), now }));
    leftMs += Math.max(0, ...lefts);
  }
  // A step whose duration is unknown makes the whole unknown.
  return Number.isNaN(leftMs) ? null : new Date(begin.getTime() + leftMs);
}

/** From when on it is under way. Null: it is not, or not forward. */
function beginOf({ status, unwinding, resumeAt }: OperationUnderWay, now: Date): Date | null {
  if (unwinding) return null;
  if (status === "PARKED" && resumeAt !== null && resumeAt > now) return resumeAt;
  return status === "QUEUED" || status === "RUNNING" || status === "PARKED" ? now : null;
}

/** How much of a step is left, in milliseconds; NaN where nobody knows. */
function leftOf(
  { status, startedAt, nextAttemptAt }: StepUnderWay,
  { isRunning, usualMs = Number.NaN, now }: { isRunning: boolean; usualMs: number | undefined; now: Date },
): number {
  if (status === "SUCCEEDED" || status === "SKIPPED" || status === "SUPERSEDED") return 0;
  // In a run that goes on, a step has failed whose failure is tolerated. The next run tries it again.
  if (isRunning && status === "FAILED") return 0;
  if (!isRunning || status !== "RUNNING") return usualMs;
  if (nextAttemptAt !== null && nextAttemptAt > now) return nextAttemptAt.getTime() - now.getTime() + usualMs;
  return Math.max(0, usualMs - (startedAt === null ? 0 : now.getTime() - startedAt.getTime()));
}
