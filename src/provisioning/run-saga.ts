import { z } from "zod";
import { addSteps } from "../tenants/operation-steps.ts";
import {
  beginRun,
  callForAttention,
  endOperation,
  parkOperation,
  readOperation,
  turnBack,
} from "../tenants/operation-store.ts";
import { type AttemptUnder, attemptSteps, type Outcome, outcomeSchema } from "./attempt-step.ts";
import type { Provisioning } from "./provisioning.ts";
import { everyStep, type Saga, type Stage, type Step } from "./saga.ts";
import { contextsOf, type LoadedOperation } from "./saga-context.ts";

/**
 * The engine's record of a run. `step` runs a function once and answers its recorded result ever after, also in the
 * process that takes over after a crash. Calls must begin in the same order each time.
 */
export interface Journal {
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Whether this run reached this place first with the code of a change, and not before it. The same ever after. */
  isPatched(patch: string): Promise<boolean>;
}

/** A run under way. */
interface Run<Input> extends AttemptUnder<Input> {
  readonly saga: Saga<Input>;
  readonly input: Input;
  readonly journal: Journal;
  readonly run: number;
  readonly planned: Set<string>;
  /** What was started, in this run or before it: all of it is undone when the saga unwinds. */
  readonly started: Set<string>;
  readonly undone: ReadonlySet<string>;
  readonly outputs: Map<string, unknown>;
}

const done: Outcome = { is: "done", output: null };

const outcomesSchema = z.array(outcomeSchema);

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
  const { prisma, announce } = provisioning;
  const begun = await begin(provisioning, journal, operation, number);
  if (begun === null) return;
  announce(operation.id);
  const run = runOf(provisioning, saga, journal, { operation, run: number, begun });
  let isUnwinding = begun.isUnwinding;
  let outcome = isUnwinding ? await goBackward(run) : await goForward(run);
  if ((outcome.is === "failed" || outcome.is === "cancelled") && saga.onFailure === "unwind") {
    const { reason } = outcome;
    const deadlineAt = operationDeadline(provisioning);
    await journal.step("turn back", () => turnBack(prisma, operation.id, number, { reason, deadlineAt }));
    announce(operation.id);
    isUnwinding = true;
    outcome = await goBackward(run);
  }
  // Not a step of the engine's: it compares and sets, by the number of the run. When the process dies after it, whoever
  // takes the run over finds an operation that this run does not run any more, and changes nothing.
  await end(run, outcome, isUnwinding);
  announce(operation.id);
}

const begunSchema = z
  .object({
    isUnwinding: z.boolean(),
    steps: z.array(z.object({ name: z.string(), status: z.string(), output: z.json() })),
  })
  .nullable();

/** What was done before a run. Null: the run is not the operation's current one any more. */
type Begun = z.infer<typeof begunSchema>;

/**
 * Marks the run as running and answers what was done before it. What decides which steps a run skips has to be the same
 * when another process goes on with it, so it is recorded by the engine; but before the first run nothing was done, and
 * there is nothing to record: what this run has done itself the engine knows.
 */
async function begin(
  provisioning: Provisioning,
  journal: Journal,
  { id, steps: planned }: LoadedOperation,
  run: number,
): Promise<Begun> {
  const { prisma } = provisioning;
  const start = { deadlineAt: operationDeadline(provisioning) };
  if (run === 1) {
    if (!(await beginRun(prisma, id, run, start))) return null;
    return {
      isUnwinding: false,
      steps: planned.map(({ name }) => ({ name, status: "PENDING", output: null })),
    };
  }
  const begun = await journal.step("begin", async () => {
    if (!(await beginRun(prisma, id, run, start))) return null;
    const { unwinding, steps } = await readOperation(prisma, id);
    return {
      isUnwinding: unwinding,
      steps: steps.map(({ name, status, output }) => ({ name, status, output })),
    };
  });
  return begunSchema.parse(begun);
}

function runOf<Input>(
  provisioning: Provisioning,
  saga: Saga<Input>,
  journal: Journal,
  begins: {
    readonly operation: LoadedOperation;
    readonly run: number;
    readonly begun: NonNullable<Begun>;
  },
): Run<Input> {
  const { operation, run, begun } = begins;
  const those = (have: (step: NonNullable<Begun>["steps"][number]) => boolean) => begun.steps.filter(have);
  const namesOf = (...which: Parameters<typeof those>) => new Set(those(...which).map(({ name }) => name));
  // What an operator skipped has an answer when it was skipped going forward, and none when its undoing was skipped.
  const done = those(
    ({ status, output }) => status === "SUCCEEDED" || (status === "SKIPPED" && output !== null),
  );
  const outputs = new Map(done.map(({ name, output }) => [name, output]));
  const input = saga.input.parse(operation.input);
  return {
    ...{ provisioning, saga, journal, operation, run, outputs, input },
    isCancellable: saga.onFailure === "unwind",
    contextOf: contextsOf(provisioning, saga, operation, outputs, input),
    planned: namesOf(() => true),
    started: namesOf(({ status }) => status !== "PENDING"),
    undone: namesOf(
      ({ status, output }) => status === "COMPENSATED" || (status === "SKIPPED" && output === null),
    ),
  };
}

function operationDeadline({ timings }: Provisioning): Date {
  return new Date(Date.now() + timings.operationDeadlineMs);
}

/** The stages as this run has to go through them: as they are, or from a change on as they were when it got there. */
async function* stagesOf<Input>({ saga, journal, ...run }: Run<Input>): AsyncGenerator<Stage<Input>> {
  const { stages, changes = [] } = saga;
  for (const [index, stage] of stages.entries()) {
    for (const { patch, were } of changes.filter(({ from }) => from === index)) {
      if (await journal.isPatched(patch)) continue;
      yield* were;
      return;
    }
    // An operation from before a change has no rows for the steps that came with it.
    const added = changes.length === 0 ? [] : missingFrom(run.planned, stage, run.input);
    if (added.length > 0) {
      await addSteps(run.provisioning.prisma, run.operation.id, added);
      for (const name of added) run.planned.add(name);
    }
    yield stage;
  }
}

function missingFrom<Input>(planned: ReadonlySet<string>, stage: Stage<Input>, input: Input): string[] {
  return stage
    .filter(({ name, isNeeded }) => !planned.has(name) && (isNeeded?.(input) ?? true))
    .map(({ name }) => name);
}

/** Stage after stage, the steps of a stage side by side. Stops after a stage in which something stopped. */
async function goForward<Input>(run: Run<Input>): Promise<Outcome> {
  for await (const stage of stagesOf(run)) {
    const due = stage.filter(({ name }) => run.planned.has(name) && !run.outputs.has(name));
    for (const { name } of due) run.started.add(name);
    const outcomes = await performStage(run, due);
    outcomes.forEach((outcome, index) => {
      const name = due[index]?.name;
      if (outcome.is === "done" && name !== undefined) run.outputs.set(name, outcome.output);
    });
    const isGrave = ({ is }: Outcome, index: number) =>
      is === "parked" || is === "cancelled" || due[index]?.isTolerated !== true;
    const stop = gravest(outcomes.filter(isGrave));
    if (stop !== null) return stop;
  }
  return done;
}

/** Undoes whatever started, in the reverse order of the table. An undoing that fails for good calls for attention. */
async function goBackward<Input>(run: Run<Input>): Promise<Outcome> {
  for (const step of everyStep(run.saga).toReversed()) {
    if (!run.started.has(step.name) || run.undone.has(step.name)) continue;
    const outcome = await undo(run, step);
    if (outcome.is === "failed") return { is: "attention", reason: `Undoing ${outcome.reason}` };
    if (outcome.is !== "done") return outcome;
  }
  return done;
}

/**
 * Does the steps of a stage side by side. The engine records the stage as one, for each of its records costs seven
 * statements: when the process dies in it, steps of it that were done are done again, which every step allows.
 */
async function performStage<Input>(run: Run<Input>, due: Stage<Input>): Promise<Outcome[]> {
  const attempt = () => attemptSteps(run, due, "invoke");
  if (due.every(({ isRepeatedFreely }) => isRepeatedFreely === true)) return attempt();
  const name = due.map((step) => step.name).join(" + ");
  return outcomesSchema.parse(await run.journal.step(name, attempt));
}

async function undo<Input>(run: Run<Input>, step: Step<Input, unknown>): Promise<Outcome> {
  const attempt = async () => {
    const [outcome = done] = await attemptSteps(run, [step], "compensate");
    return outcome;
  };
  return outcomeSchema.parse(await run.journal.step(`undo ${step.name}`, attempt));
}

/**
 * What decides how a stage goes on: a failure before a cancellation before a call for attention before a wait, and of
 * several waits the longest. Null: all went well.
 */
function gravest(outcomes: readonly Outcome[]): Outcome | null {
  for (const is of ["failed", "cancelled", "attention"] as const) {
    const found = outcomes.find((outcome) => outcome.is === is);
    if (found !== undefined) return found;
  }
  const parked = outcomes.filter((outcome) => outcome.is === "parked");
  return parked.toSorted((a, b) => Date.parse(b.until) - Date.parse(a.until))[0] ?? null;
}

async function end<Input>(
  { provisioning: { prisma, timings }, saga, operation: { id, tenantId }, run }: Run<Input>,
  outcome: Outcome,
  isUnwinding: boolean,
): Promise<void> {
  if (outcome.is === "parked") {
    await parkOperation(prisma, id, run, {
      resumeAt: new Date(outcome.until),
      reason: outcome.reason,
      isForQuota: outcome.because === "quota",
      isCounted: outcome.because === "unavailable",
    });
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
