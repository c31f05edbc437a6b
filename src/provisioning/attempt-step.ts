import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import { isDatabaseOutage } from "../tenants/database-outage.ts";
import {
  type Direction,
  readCancelReason,
  recordStepDone,
  recordStepError,
  recordStepsStarted,
  type StartedStep,
  type StepEnd,
} from "../tenants/operation-steps.ts";
import { type CountedMem0, countCalls } from "./count-calls.ts";
import { describeError, outOfTime } from "./failures.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Finish, SagaContext, Step } from "./saga.ts";
import type { ContextOf } from "./saga-context.ts";

/** How a step ended in this run, as the engine records it. It is a value, never an exception. */
export const outcomeSchema = z.discriminatedUnion("is", [
  z.object({ is: z.literal("done"), output: z.json() }),
  z.object({ is: z.literal("failed"), reason: z.string() }),
  z.object({ is: z.literal("cancelled"), reason: z.string() }),
  z.object({
    is: z.literal("parked"),
    reason: z.string(),
    until: z.iso.datetime(),
    because: z.enum(["quota", "unavailable", "told"]).default("told"),
  }),
  z.object({ is: z.literal("attention"), reason: z.string() }),
]);

/** See `outcomeSchema`. */
export type Outcome = z.infer<typeof outcomeSchema>;

/** The operation that the attempts are made under, and how their contexts are made. */
export interface AttemptUnder<Input> {
  readonly provisioning: Provisioning;
  readonly operation: Pick<Operation, "id" | "kind" | "tenantId">;
  readonly contextOf: ContextOf<Input>;
  /** Whether the saga goes back when a person asks to cancel it. */
  readonly isCancellable: boolean;
}

/** One step in one direction, with what its attempts have in common. */
interface Trial<Input> {
  readonly under: AttemptUnder<Input>;
  readonly step: Step<Input, unknown>;
  readonly direction: Direction;
  readonly calls: CountedMem0;
  readonly heedsCancel: boolean;
  readonly deadlineMs: number;
}

/** What a deed may answer. Made once: it is dear to make. */
const jsonSchema = z.json();

/** How often a wait between two attempts is interrupted to see whether it is to be cancelled. */
const cancelLookMs = 2_000;

/**
 * Makes attempts at steps, or at their undoings, side by side, each until it is done or another attempt is useless in this
 * run. Each attempt is recorded before it begins, the first ones in one statement. A request to cancel is heeded before an
 * attempt and between two, never in the middle of one. Only an outage of our own database is thrown, and not before all
 * have come to rest: then nothing can be recorded, and the run is made again later. Answers in the order of `steps`.
 */
export async function attemptSteps<Input>(
  under: AttemptUnder<Input>,
  steps: readonly Step<Input, unknown>[],
  direction: Direction,
): Promise<Outcome[]> {
  const { mem0, timings, leave } = under.provisioning;
  const trials = steps.map((step) => ({
    ...{ under, step, direction },
    calls: countCalls(mem0),
    heedsCancel: under.isCancellable && direction === "invoke",
    deadlineMs: step.deadlineMs ?? timings.stepDeadlineMs,
  }));
  await leave.whenHeld();
  const begun = await begin(trials);
  const endings = await Promise.allSettled(trials.map((trial) => tryOn(trial, startedOf(begun, trial))));
  return endings.map((ending) => {
    if (ending.status === "rejected") throw ending.reason;
    return ending.value;
  });
}

/** Goes on with a step whose first attempt has begun. */
async function tryOn<Input>(trial: Trial<Input>, first: StartedStep): Promise<Outcome> {
  const { timings, leave } = trial.under.provisioning;
  let failures = 0;
  for (let started = first; ; ) {
    if (started.cancelReason !== null) return cancelled(started.cancelReason);
    try {
      return await attempt(trial, started);
    } catch (error) {
      // A peer may be at this step already: whatever broke here is not to be told.
      if (leave.isHeld()) {
        const verdict = judge(error, standing(started, failures + 1), timings);
        const stop = await recordFailure(trial, started, error, verdict);
        if (stop !== null) return stop;
        if (verdict.is !== "wait") throw error;
        if (verdict.counts) failures += 1;
        const asked = await waitUntil(verdict.until, trial);
        if (asked !== null) return cancelled(asked);
      }
    }
    await leave.whenHeld();
    started = startedOf(await begin([trial]), trial);
  }
}

/** What is known of each step that has begun, by its name. */
type Begun = ReadonlyMap<string, StartedStep>;

/** Records that attempts of one operation begin, in the same direction. One round trip. */
async function begin<Input>(trials: readonly Trial<Input>[]): Promise<Begun> {
  const [any] = trials;
  if (any === undefined) return new Map();
  const { provisioning, operation } = any.under;
  const starts = trials.map(({ step, deadlineMs }) => ({
    name: step.name,
    deadlineAt: new Date(Date.now() + deadlineMs),
  }));
  const { direction, heedsCancel } = any;
  const mayCommitLater =
    direction === "invoke" &&
    trials.every(({ step }) => step.isRepeatedFreely === true || step.isStartImplied === true);
  const start = { direction, heedsCancel, mayCommitLater };
  const begun = await recordStepsStarted(provisioning.prisma, operation.id, starts, start);
  provisioning.announce(operation.id);
  return begun;
}

/** @throws {Error} when an operation lacks a step that its saga takes: a mistake in what was planned */
function startedOf<Input>(begun: Begun, { step, under }: Trial<Input>): StartedStep {
  const started = begun.get(step.name);
  if (started === undefined) throw new Error(`Operation ${under.operation.id} has no step ${step.name}.`);
  return started;
}

/** One attempt, done and recorded as done. @throws whatever goes wrong */
async function attempt<Input>(trial: Trial<Input>, started: StartedStep): Promise<Outcome> {
  const { under, step, direction, calls } = trial;
  const { prisma, around, announce } = under.provisioning;
  const { id: operationId, kind, tenantId } = under.operation;
  const plain = under.contextOf(step.name, started.attempt);
  const ends: StepEnd[] = [];
  const finish = direction === "invoke" ? finishOf(trial, ends) : null;
  const openAccount: Provisioning["openAccount"] = async (accountId, sealedKey) =>
    calls.count(await plain.provisioning.openAccount(accountId, sealedKey));
  const context = {
    ...plain,
    finish,
    provisioning: { ...plain.provisioning, mem0: calls.mem0, openAccount },
  };
  const deed = { operationId, tenantId, kind, step: step.name, direction, attempt: started.attempt };
  const answer = await around(deed, () => perform(step, direction, context));
  const output = direction === "invoke" ? jsonSchema.parse(step.output.parse(answer)) : null;
  const upstreamCalls = calls.uncounted;
  // What the deed has recorded itself is not recorded again, if it is the whole of it.
  if (upstreamCalls > 0 || !isDeepStrictEqual(ends.at(-1)?.output, output)) {
    await recordStepDone(prisma, operationId, step.name, { direction, output: output ?? {}, upstreamCalls });
    calls.uncounted -= upstreamCalls;
  }
  announce(operationId);
  return { is: "done", output };
}

/** Lets a deed record its own end; what it recorded is put behind the others. */
function finishOf<Input>({ under, step, calls }: Trial<Input>, ends: StepEnd[]): Finish {
  return {
    with: (output) => ({
      operationId: under.operation.id,
      step: step.name,
      ...{ output, upstreamCalls: calls.uncounted },
    }),
    recorded: (end) => {
      calls.uncounted -= end.upstreamCalls;
      ends.push(end);
    },
  };
}

/**
 * Records that an attempt failed, and what follows. Answers how the step ends in this run; null: with another attempt.
 * @throws the error itself when it is an outage of our own database that is no longer waited for
 */
async function recordFailure<Input>(
  { under, step, direction, calls, deadlineMs }: Trial<Input>,
  started: StartedStep,
  error: unknown,
  verdict: Verdict,
): Promise<Outcome | null> {
  const { prisma, log, announce, timings } = under.provisioning;
  const { id: operationId } = under.operation;
  const described = describeError(error);
  if (described.code === "Fault")
    log.error({ err: error, operationId, step: step.name, direction }, "step fault");
  if (verdict.is === "failed" && isDatabaseOutage(error)) throw error;
  const upstreamCalls = calls.uncounted;
  await recordStepError(prisma, operationId, step.name, {
    ...{ direction, error: described, upstreamCalls },
    isFinal: verdict.is === "failed" || verdict.is === "attention",
    nextAttemptAt: verdict.is === "wait" ? verdict.until : null,
  });
  calls.uncounted -= upstreamCalls;
  announce(operationId);
  const reason = `${step.name}: ${described.message}`;
  switch (verdict.is) {
    case "wait":
      return null;
    case "attention":
      return { is: "attention", reason };
    case "failed":
      if (!verdict.isOutOfTime) return { is: "failed", reason };
      return {
        is: "failed",
        reason: `${step.name}: ${outOfTime(described, started, {
          stepDeadlineMs: deadlineMs,
          operationDeadlineMs: timings.operationDeadlineMs,
        })}`,
      };
    case "park": {
      const until = verdict.until.toISOString();
      return {
        is: "parked",
        reason: `${reason} It goes on at ${until}.`,
        until,
        because: verdict.because,
      };
    }
  }
}

function standing({ parks, deadlineAt, operationDeadlineAt }: StartedStep, failures: number) {
  const isOperationFirst = operationDeadlineAt !== null && operationDeadlineAt < deadlineAt;
  return {
    ...{ failures, parks },
    deadlineAt: isOperationFirst ? operationDeadlineAt : deadlineAt,
    now: new Date(),
  };
}

/** Waits. Answers early, and with the reason, when the operation is to be cancelled; else null. */
async function waitUntil<Input>(until: Date, { under, heedsCancel }: Trial<Input>): Promise<string | null> {
  for (;;) {
    const leftMs = until.getTime() - Date.now();
    await sleep(Math.max(0, Math.min(leftMs, cancelLookMs)));
    if (leftMs <= cancelLookMs) return null;
    const asked = heedsCancel ? await readCancelReason(under.provisioning.prisma, under.operation.id) : null;
    if (asked !== null) return asked;
  }
}

function cancelled(reason: string): Outcome {
  return { is: "cancelled", reason: `Cancelled: ${reason}` };
}

function perform<Input>(step: Step<Input, unknown>, direction: Direction, context: SagaContext<Input>) {
  if (direction === "invoke") return step.invoke(context);
  return typeof step.compensate === "function" ? step.compensate(context) : Promise.resolve();
}
