import type { OperationStatus, StepStatus } from "../generated/prisma/enums.ts";
import type { OperatorVerb } from "../tenants/audit.ts";
import type { OperationSituation, SituatedResource } from "../tenants/operation-situation.ts";
import { isOwn, outputOfSkipped, skipRuleOf } from "./skippable-steps.ts";

/** Something that an operator can do about an operation now. */
export interface OperatorAction {
  readonly verb: OperatorVerb;
  /** When it is the right thing to do, and what it does; for people. */
  readonly why: string;
  /** The step it is about; null where it is about the whole operation or a resource. */
  readonly step: string | null;
  /** The resource it is about, by our id. */
  readonly resourceId: string | null;
}

/** Statuses of an operation that waits, and of which no run is under way. */
const waiting: readonly OperationStatus[] = ["PARKED", "NEEDS_ATTENTION"];

const adoptable: readonly SituatedResource["kind"][] = ["ORGANIZATION", "PROJECT", "WEBHOOK"];

/**
 * Everything that an operator can do about an operation as things are. What stands here is not refused by its verb for
 * the state of our rows, and what does not stand here is: the verbs ask the same `whyNot…` below. What Mem0 itself shows
 * (`adoptResource`, `amendOperation`) may still be a reason to refuse.
 */
export function whatCanBeDone(situation: OperationSituation): OperatorAction[] {
  const { steps, tenant } = situation;
  const actions: OperatorAction[] = [];
  const offer = (verb: OperatorVerb, why: string, about: Partial<OperatorAction> = {}) =>
    actions.push({ verb, why, step: null, resourceId: null, ...about });
  if (whyNotRetry(situation) === null) {
    offer("retryOperation", "What stood in its way is out of it: it goes on now, the way it was going.");
  }
  for (const { name } of steps.filter((step) => whyNotSkip(situation, step.name) === null)) {
    const deed = situation.unwinding ? `undoing ${name}` : name;
    offer("skipStep", `You have evidence that ${deed} is not needed any more.`, { step: name });
  }
  for (const { id, kind, name } of tenant.resources.filter((r) => whyNotAdopt(situation, r) === null)) {
    const what = `${kind.toLowerCase()} ${name}`;
    offer("adoptResource", `You found the ${what} upstream, and know its id.`, { resourceId: id });
  }
  if (tenant.resources.some((resource) => whyNotAmend(situation, resource) === null)) {
    offer("amendOperation", "An e-mail or a webhook's URL that was asked for is wrong, and not made yet.");
  }
  if (whyNotAbort(situation) === null) {
    offer("abortOperation", "The sign-up is not wanted any more: what was made is undone.");
  }
  return actions;
}

/** Why an operation cannot be told to go on. Null: it can. */
export function whyNotRetry({ status }: OperationSituation): string | null {
  return waiting.includes(status) ? null : `it is ${status}, and only what waits can be told to go on`;
}

const stuckForward: readonly StepStatus[] = ["FAILED", "RUNNING"];
const stuckBackward: readonly StepStatus[] = ["COMPENSATING", "COMPENSATION_FAILED"];

/** Whether a step in this status is what keeps an operation from going on in its direction. */
export function isStuck(status: StepStatus, isUnwinding: boolean): boolean {
  return (isUnwinding ? stuckBackward : stuckForward).includes(status);
}

/** Why this step, or its undoing when the operation unwinds, cannot be skipped; a sentence. Null: it can. */
export function whyNotSkip(situation: OperationSituation, name: string): string | null {
  const { kind, status, unwinding, steps } = situation;
  const step = steps.find((planned) => planned.name === name);
  if (step === undefined) return `The operation has no step ${name}.`;
  if (!waiting.includes(status))
    return `The operation is ${status}; only of one that waits can a step be skipped.`;
  if (!isStuck(step.status, unwinding)) return `The step is ${step.status}: it is not what is stuck.`;
  if (unwinding) return null;
  const { never } = skipRuleOf(kind, name);
  if (never !== undefined) return never;
  if (outputOfSkipped(situation, name) !== null) return null;
  return "Later steps need what it makes, and no upstream id of that is in the mapping: adopt the resource instead.";
}

/** Why nothing upstream can be adopted for this resource of the operation's tenant; a sentence. Null: it can. */
export function whyNotAdopt(situation: OperationSituation, resource: SituatedResource): string | null {
  if (!adoptable.includes(resource.kind))
    return `A resource of the kind ${resource.kind} has no id of Mem0's.`;
  if (resource.upstreamId !== null)
    return `It is ${resource.upstreamId} already, and an upstream id is written once.`;
  if (resource.state === "GONE") return "It is GONE, and what is GONE never comes back.";
  if (situation.kind === "LINK") return "What it is, its account's own key alone can prove.";
  if (situation.status !== "NEEDS_ATTENTION") {
    return `The operation is ${situation.status}; something is adopted only under one that NEEDS_ATTENTION.`;
  }
  if (resource.parentId === null) return null;
  const parent = situation.tenant.resources.find(({ id }) => id === resource.parentId);
  if (parent?.upstreamId !== null && parent?.upstreamId !== undefined) return null;
  return "What it lies in has no upstream id either: adopt that first.";
}

/** Why an operation cannot be called off, and what to do instead; a sentence. Null: it can. */
export function whyNotAbort(situation: OperationSituation): string | null {
  const { kind, status, unwinding, cancelRequestedAt, tenant } = situation;
  if (["SUCCEEDED", "UNWOUND", "CANCELLED"].includes(status)) return `It has ended: it is ${status}.`;
  if (kind === "OFFBOARD") {
    return "An off-boarding only goes forward, for what is deleted cannot be brought back: retry it, or skip the step.";
  }
  if (kind === "CHANGE_PLACE") {
    return "What it changed is not taken back: retry it, or skip the step, and make another change then.";
  }
  if (kind !== "SIGN_UP" && kind !== "LINK") {
    return "It changes nothing that could be undone: retry it, or skip the step.";
  }
  if (tenant.status !== "PROVISIONING") {
    return `The tenant is ${tenant.status}, and its sign-up as good as through: off-board it instead.`;
  }
  if (unwinding) return "It is being undone already: retry it, or skip the undoing that is stuck.";
  // Asked for before, and the run has stopped without having seen it: then it is turned back now.
  if (cancelRequestedAt !== null && !waiting.includes(status)) return "It was asked to stop already.";
  return null;
}

/** Whether the operation was called off before: then asking again changes nothing, and is no mistake. */
export function isAborted({ status, unwinding, cancelRequestedAt }: OperationSituation): boolean {
  if (cancelRequestedAt === null || status === "SUCCEEDED") return false;
  return unwinding || !waiting.includes(status);
}

/** Why the e-mail or URL of this resource cannot be amended any more; a sentence. Null: it can. */
export function whyNotAmend(situation: OperationSituation, resource: SituatedResource): string | null {
  const { kind, status, unwinding, attempts, steps, tenant } = situation;
  const { name, state } = resource;
  if (kind !== "SIGN_UP") return "Only the input of a sign-up can be amended.";
  if (!waiting.includes(status)) return `The operation is ${status}; only one that waits can be amended.`;
  if (unwinding) return "The sign-up is being undone: sign up anew with the right input.";
  if (tenant.status !== "PROVISIONING") return `The tenant is ${tenant.status}: its sign-up is through.`;
  if (resource.kind !== "ORGANIZATION_MEMBER" && resource.kind !== "WEBHOOK") {
    return "Only a member's e-mail and a webhook's URL can be amended.";
  }
  if (state === "AWAITING_REGISTRATION") return null;
  const isInDoubt = attempts.some(
    ({ resourceId, outcome }) => resourceId === resource.id && outcome !== "NOT_DONE" && outcome !== "DONE",
  );
  if (isInDoubt) return `The answer to creating ${name} was lost, so it may be there as it was asked for.`;
  if (state !== "INTENDED") return `${name} is ${state}, and no longer only asked for.`;
  const isDue = steps.some(
    (step) =>
      skipRuleOf(kind, step.name).makes === resource.kind && !["SUCCEEDED", "SKIPPED"].includes(step.status),
  );
  return isDue ? null : `No step is left that would add ${name}.`;
}

/** The resources of the tenant that steps are about, of this kind. */
export function ownResources(
  { tenant }: OperationSituation,
  kind: SituatedResource["kind"],
): SituatedResource[] {
  return tenant.resources.filter((resource) => resource.kind === kind && isOwn(resource));
}
