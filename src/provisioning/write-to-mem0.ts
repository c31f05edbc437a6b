import { randomUUID } from "node:crypto";
import type { Prisma } from "../generated/prisma/client.ts";
import { Mem0Error } from "../mem0/errors.ts";
import type { CallOptions } from "../mem0/request.ts";
import { auditingRefusals, type Mem0Verb, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import type { UpstreamOutcome } from "../tenants/call-audit.ts";
import { ManagedByTenant } from "../tenants/managed-refusals.ts";
import { Refusal } from "../tenants/refusals.ts";
import {
  lookBeforeChange,
  refuseManaged,
  refuseOwnPlace,
  type UpstreamDeed,
  type UpstreamThing,
} from "./managed.ts";
import type { Provisioning } from "./provisioning.ts";

/** One change in Mem0 that an admin makes by hand, beside any tenant. */
export interface Mem0Write<Answer> {
  readonly verb: Mem0Verb;
  readonly actor: string;
  readonly reason: string;
  /** What is changed, or gets something put into it; null: it is new, and lies in nothing. */
  readonly thing: UpstreamThing | null;
  readonly deed: UpstreamDeed;
  /** What the audit says of what is asked for, besides `thing`. No URL of a webhook: it may hold a secret. */
  readonly details: Prisma.InputJsonObject;
  /** The one call. */
  readonly send: () => Promise<Answer>;
  /** What the audit says of the answer, such as the id of what was made. */
  readonly made?: (answer: Answer) => Prisma.InputJsonObject;
}

/**
 * Makes one change in Mem0, once, after a check that it touches nothing of a tenant and not the platform's own place. What is
 * refused is audited, and nothing was changed. What is allowed is audited before it is sent, and again with its outcome: DONE;
 * NOT_DONE; UNKNOWN when the answer was lost. Both events have the same `call`; where the second is missing, the process
 * died in between, and nobody knows. A repeat does it again.
 * @throws {ManagedByTenant} {UpstreamNotFound} {InvalidInput} before anything is changed
 * @throws {Mem0Error} of the check or the call; its `mayHaveHappened` is about the call
 */
export async function writeToMem0<Answer>(
  provisioning: Provisioning,
  write: Mem0Write<Answer>,
  options?: CallOptions,
): Promise<Answer> {
  const { prisma } = provisioning;
  const { verb, actor, reason, thing, deed } = write;
  const details = { ...thing, ...write.details };
  const call: VerbCall = { verb, actor, reason, operationId: null, tenantId: null, details };
  const id = randomUUID();
  const check = async () => {
    if (thing !== null) {
      if (deed === "DELETE_PLACE") await refuseOwnPlace(provisioning, thing);
      await refuseManaged(prisma, thing, deed);
      await lookBeforeChange(provisioning, thing, deed, options);
    }
    await prisma.$transaction(async (tx) => {
      // While Mem0 was read, an operation may have written this very id into the mapping.
      if (thing !== null) await refuseManaged(tx, thing, deed);
      await recordAllowed(tx, { ...call, outcome: "ASKED", details: { call: id, ...details } });
    });
  };
  await auditingRefusals(prisma, call, check, (refusal) =>
    refusal instanceof ManagedByTenant ? { tenantId: refusal.tenantId } : {},
  );
  const tell = ({ outcome, details: told }: UpstreamOutcome) =>
    recordOutcome(provisioning, { ...call, outcome, details: { call: id, outcome, ...told } });
  try {
    const answer = await write.send();
    await tell({ outcome: "DONE", details: write.made?.(answer) ?? {} });
    return answer;
  } catch (error) {
    await tell(upstreamOutcomeOf(error));
    throw error;
  }
}

/**
 * What became of a call of Mem0 that failed. Mem0's own words stay out: they may repeat what was sent. A TypeError is the
 * client's, about an argument it does not send, and a refusal is ours, before anything was sent.
 */
export function upstreamOutcomeOf(error: unknown): UpstreamOutcome {
  if (error instanceof Mem0Error) {
    return { outcome: error.mayHaveHappened ? "UNKNOWN" : "NOT_DONE", details: { error: error.name } };
  }
  if (error instanceof Refusal) return { outcome: "NOT_DONE", details: { error: error.code } };
  return { outcome: error instanceof TypeError ? "NOT_DONE" : "UNKNOWN", details: {} };
}

/** An outcome that cannot be written must not hide from the caller what was done: he would do it again. */
async function recordOutcome({ prisma, log }: Provisioning, call: VerbCall): Promise<void> {
  try {
    await recordAllowed(prisma, call);
  } catch (err) {
    log.error({ err, call: call.details["call"], verb: call.verb }, "outcome was not audited");
  }
}
