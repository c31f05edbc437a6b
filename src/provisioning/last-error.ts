import type { OperationStep } from "../generated/prisma/client.ts";
import { isStuck } from "./operator-actions.ts";

/** The error that an operation shows for itself. */
export interface LastError {
  readonly step: string;
  readonly code: string;
  readonly message: string;
}

type FailedStep = Pick<
  OperationStep,
  "name" | "status" | "errorCode" | "errorMessage" | "startedAt" | "finishedAt"
>;

/**
 * The last error of an operation: of the steps that are stuck in its direction, if there are any, else of the step that
 * was last at work and had one. Null: no step has an error.
 */
export function lastErrorOf(operation: {
  readonly unwinding: boolean;
  readonly steps: readonly FailedStep[];
}): LastError | null {
  const failed = operation.steps.filter(({ errorCode }) => errorCode !== null);
  const stuck = failed.filter(({ status }) => isStuck(status, operation.unwinding));
  const [last] = (stuck.length > 0 ? stuck : failed).toSorted((a, b) => lastAtWork(b) - lastAtWork(a));
  if (last === undefined || last.errorCode === null) return null;
  return { step: last.name, code: last.errorCode, message: last.errorMessage ?? "" };
}

function lastAtWork({ startedAt, finishedAt }: FailedStep): number {
  return (finishedAt ?? startedAt)?.getTime() ?? 0;
}
