import type { Operation } from "../generated/prisma/client.ts";
import { recordSkipped } from "../tenants/mapping-by-hand.ts";
import type { OperationSituation } from "../tenants/operation-situation.ts";
import { queueNextRun } from "../tenants/operation-store.ts";
import { recordStepSkipped } from "../tenants/operator-writes.ts";
import { StepNotSkippable } from "../tenants/refusals.ts";
import { auditedVerb, type VerbRequest } from "./audited-verb.ts";
import type { RunStarter } from "./engine.ts";
import { ownResources, whyNotSkip } from "./operator-actions.ts";
import type { Provisioning } from "./provisioning.ts";
import { outputOfSkipped, skipRuleOf } from "./skippable-steps.ts";

/** Which step is not needed any more, and how the operator knows. */
export interface SkipRequest extends VerbRequest {
  readonly operationId: string;
  readonly step: string;
  /** Kept on the step, and as the reason of what becomes UNKNOWN by it. */
  readonly evidence: string;
}

/**
 * Takes the step that is stuck for done, or its undoing when the operation goes back, and queues the next run. Nothing is
 * claimed of the mapping thereby: what the step would have made or removed is UNKNOWN, with the evidence as its reason.
 * Audited. A repeat is refused.
 * @throws {OperationNotFound}
 * @throws {StepNotSkippable} when it is not what is stuck, or when a later step needs what nobody knows
 */
export async function skipStep(
  provisioning: Provisioning,
  engine: RunStarter,
  { operationId, step, evidence, ...request }: SkipRequest,
): Promise<Operation> {
  const call = { ...request, verb: "skipStep", operationId, details: { step, evidence } } as const;
  const operation = await auditedVerb(provisioning, call, async (tx, situation) => {
    const objection = whyNotSkip(situation, step);
    if (objection !== null) throw new StepNotSkippable(operationId, objection);
    // The answer came out of the saga's table, and is JSON like every answer there.
    const output = situation.unwinding ? null : JSON.parse(JSON.stringify(outputOfSkipped(situation, step)));
    await recordStepSkipped(tx, { operationId, name: step, evidence, output });
    await recordSkipped(tx, { ...doubtedBy(situation, step), evidence });
    await queueNextRun(tx, operationId);
    return { details: { direction: situation.unwinding ? "backward" : "forward" } };
  });
  engine.start(operation.id, operation.run);
  return operation;
}

/**
 * Of what we cannot tell what became of it: all that should have been removed, with what lies in it; and what should have
 * been made and is not there as far as we know.
 */
function doubtedBy(situation: OperationSituation, step: string) {
  const { makes, removes } = skipRuleOf(situation.kind, step);
  const removed = situation.unwinding ? makes : removes;
  if (removed !== undefined) {
    return { resourceIds: ownResources(situation, removed).map(({ id }) => id), isDeep: true };
  }
  const made = makes === undefined ? [] : ownResources(situation, makes);
  const unsettled = made.filter(({ state }) => state === "INTENDED" || state === "UNKNOWN");
  return { resourceIds: unsettled.map(({ id }) => id), isDeep: false };
}
