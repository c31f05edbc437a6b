import { z } from "zod";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { Direction } from "../tenants/operation-steps.ts";
import {
  beginRun,
  callForAttention,
  endOperation,
  parkOperation,
  turnBack,
} from "../tenants/operation-store.ts";
import { type AttemptUnder, attemptStep, type Outcome, outcomeSchema } from "./attempt-step.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Saga, Step } from "./saga.ts";
import { contextsOf, type LoadedOperation } from "./saga-context.ts";

/**
 * The engine's record of a run. `step` runs a function once and answers its recorded result ever after, also in the
 * process that takes over after a crash. Calls must begin in the same order each time.
 */
export interface Journal {
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
}

/** A run under way. */
interface Run<Input> extends AttemptUnder<Input> {
  readonly saga: Saga<Input>;
  readonly journal: Journal;
  readonly run: number;
  readonly planned: ReadonlySet<string>;
  /** What was started, in this run or before it: all of it is undone when the saga unwinds. */
  readonly started: Set<string>;
  readonly undone: ReadonlySet<string>;
  readonly outputs: Map<string, unknown>;
}

const done: Outcome = { is: "done", output: null };

/**
 * Runs one run of an operation to its end, or to where it has to stop: through the stages, or, when a step fails for
 * good in a saga that unwinds, back through whatever started, in reverse. What an earlier run did is not done again.
 * The engine's record decides what has run; our rows say what people see.
 */
export async function runSaga<Input>(
  provisioning: Provisioning,
  saga: Saga<Input>,
  journal: Journal,
  { operation, run: number }: { readonly operation: LoadedOperation; readonly run: number },
): Promise<void> {
  const { prisma } = provisioning;
  const begun = begunSchema.parse(await journal.step("begin", () => begin(prisma, operation.id, number)));
  if (begun === null) return;
  const namesOf = (statuses: (status: string) => boolean) =>
    new Set(begun.steps.filter(({ status }) => statuses(status)).map(({ name }) => name));
  const succeeded = begun.steps.filter(({ status }) => status === "SUCCEEDED");
  const outputs = new Map(succeeded.map(({ name, output }) => [name, output]));
  const run: Run<Input> = {
    ...{ provisioning, saga, journal, operation, run: number, outputs },
    contextOf: contextsOf(provisioning, saga, operation, outputs),
    planned: namesOf(() => true),
    started: namesOf((status) => status !== "PENDING"),
    undone: namesOf((status) => status === "COMPENSATED"),
  };

  let isUnwinding = begun.isUnwinding;
  let outcome = isUnwinding ? await goBackward(run) : await goForward(run);
  if (outcome.is === "failed" && saga.onFailure === "unwind") {
    const { reason } = outcome;
    await journal.step("turn back", () => turnBack(prisma, operation.id, number, reason));
    isUnwinding = true;
    outcome = await goBackward(run);
  }
  const last = outcome;
  await journal.step("end", () => end(run, last, isUnwinding));
}

const begunSchema = z
  .object({
    isUnwinding: z.boolean(),
    steps: z.array(z.object({ name: z.string(), status: z.string(), output: z.json() })),
  })
  .nullable();

async function begin(prisma: PrismaClient, operationId: string, run: number) {
  const operation = await beginRun(prisma, operationId, run);
  if (operation === null) return null;
  const steps = operation.steps.map(({ name, status, output }) => ({ name, status, output }));
  return { isUnwinding: operation.unwinding, steps };
}

/** Stage after stage, the steps of a stage side by side. Stops after a stage in which something stopped. */
async function goForward<Input>(run: Run<Input>): Promise<Outcome> {
  for (const stage of run.saga.stages) {
    const due = stage.filter(({ name }) => run.planned.has(name) && !run.outputs.has(name));
    for (const { name } of due) run.started.add(name);
    const outcomes = await Promise.all(due.map((step) => perform(run, step, "invoke")));
    outcomes.forEach((outcome, index) => {
      const name = due[index]?.name;
      if (outcome.is === "done" && name !== undefined) run.outputs.set(name, outcome.output);
    });
    const stop = gravest(
      outcomes.filter(({ is }, index) => is === "parked" || due[index]?.isTolerated !== true),
    );
    if (stop !== null) return stop;
  }
  return done;
}

/** Undoes whatever started, in the reverse order of the table. An undoing that fails for good calls for attention. */
async function goBackward<Input>(run: Run<Input>): Promise<Outcome> {
  for (const step of run.saga.stages.flat().toReversed()) {
    if (!run.started.has(step.name) || run.undone.has(step.name)) continue;
    const outcome = await perform(run, step, "compensate");
    if (outcome.is === "failed") return { is: "attention", reason: `Undoing ${outcome.reason}` };
    if (outcome.is !== "done") return outcome;
  }
  return done;
}

async function perform<Input>(
  run: Run<Input>,
  step: Step<Input, unknown>,
  direction: Direction,
): Promise<Outcome> {
  const name = direction === "invoke" ? step.name : `undo ${step.name}`;
  return outcomeSchema.parse(await run.journal.step(name, () => attemptStep(run, step, direction)));
}

/** What decides how a stage goes on: a failure before a call for attention before a wait. Null: all went well. */
function gravest(outcomes: readonly Outcome[]): Outcome | null {
  for (const is of ["failed", "attention", "parked"] as const) {
    const found = outcomes.find((outcome) => outcome.is === is);
    if (found !== undefined) return found;
  }
  return null;
}

async function end<Input>(
  { provisioning: { prisma, timings }, saga, operation: { id, tenantId }, run }: Run<Input>,
  outcome: Outcome,
  isUnwinding: boolean,
): Promise<void> {
  if (outcome.is === "parked") {
    await parkOperation(prisma, id, run, { resumeAt: new Date(outcome.until), reason: outcome.reason });
  } else if (outcome.is !== "done") {
    await callForAttention(prisma, id, run, outcome.reason);
  } else {
    await endOperation(prisma, id, run, {
      status: isUnwinding ? "UNWOUND" : "SUCCEEDED",
      tenantId,
      tenantStatus: isUnwinding ? saga.tenantAfter.unwound : saga.tenantAfter.succeeded,
      twinCheckAt: new Date(Date.now() + timings.twinCheckMs),
    });
  }
}
