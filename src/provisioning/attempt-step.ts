import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Operation } from "../generated/prisma/client.ts";
import { isDatabaseOutage } from "../tenants/database-outage.ts";
import {
  type Direction,
  recordStepDone,
  recordStepError,
  recordStepStarted,
} from "../tenants/operation-steps.ts";
import { describeError } from "./failures.ts";
import { judge } from "./judge.ts";
import type { Provisioning } from "./provisioning.ts";
import type { SagaContext, Step } from "./saga.ts";
import type { ContextOf } from "./saga-context.ts";

/** How a step ended in this run, as the engine records it. It is a value, never an exception. */
export const outcomeSchema = z.discriminatedUnion("is", [
  z.object({ is: z.literal("done"), output: z.json() }),
  z.object({ is: z.literal("failed"), reason: z.string() }),
  z.object({ is: z.literal("parked"), reason: z.string(), until: z.iso.datetime() }),
  z.object({ is: z.literal("attention"), reason: z.string() }),
]);

/** See `outcomeSchema`. */
export type Outcome = z.infer<typeof outcomeSchema>;

/** The operation that the attempts are made under, and how their contexts are made. */
export interface AttemptUnder<Input> {
  readonly provisioning: Provisioning;
  readonly operation: Pick<Operation, "id" | "kind" | "tenantId">;
  readonly contextOf: ContextOf<Input>;
}

/**
 * Makes attempts at a step, or at its undoing, until it is done or another attempt is useless in this run. Each
 * attempt is recorded before it begins. Only an outage of our own database is thrown: then nothing can be recorded,
 * and the run is made again later.
 */
export async function attemptStep<Input>(
  { provisioning, operation, contextOf }: AttemptUnder<Input>,
  step: Step<Input, unknown>,
  direction: Direction,
): Promise<Outcome> {
  const { prisma, timings, around, log } = provisioning;
  const { id: operationId, kind, tenantId } = operation;
  for (let failures = 0; ; ) {
    const attempt = await recordStepStarted(prisma, operationId, step.name, direction);
    try {
      const context = contextOf(step.name, attempt);
      const deed = { operationId, tenantId, kind, step: step.name, direction, attempt };
      const output = await around(deed, () => perform(step, direction, context));
      const recorded = direction === "invoke" ? z.json().parse(step.output.parse(output)) : null;
      await recordStepDone(prisma, operationId, step.name, { direction, output: recorded ?? {} });
      return { is: "done", output: recorded };
    } catch (error) {
      const verdict = judge(error, failures + 1, timings, new Date());
      const described = describeError(error);
      if (described.code === "Fault")
        log.error({ err: error, operationId, step: step.name, direction }, "step fault");
      if (verdict.is === "failed" && isDatabaseOutage(error)) throw error;
      const isFinal = verdict.is === "failed" || verdict.is === "attention";
      await recordStepError(prisma, operationId, step.name, { direction, error: described, isFinal });
      const reason = `${step.name}: ${described.message}`;
      if (verdict.is === "park") return { is: "parked", reason, until: verdict.until.toISOString() };
      if (verdict.is !== "wait") return { is: verdict.is, reason };
      if (verdict.counts) failures += 1;
      await sleep(verdict.ms);
    }
  }
}

function perform<Input>(step: Step<Input, unknown>, direction: Direction, context: SagaContext<Input>) {
  if (direction === "invoke") return step.invoke(context);
  return typeof step.compensate === "function" ? step.compensate(context) : Promise.resolve();
}
