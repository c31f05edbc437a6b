import type { OperationKind } from "../generated/prisma/enums.ts";
import type { OperationSituation } from "../tenants/operation-situation.ts";
import { mainProjectName } from "../tenants/tenant-store.ts";
import { addWaitingMembersSaga } from "./add-waiting-members.ts";
import { checkTwinsSaga } from "./check-twins.ts";
import { offboardSaga } from "./offboard-tenant.ts";
import type { SkipRule } from "./saga.ts";
import { signUpSaga } from "./sign-up-tenant.ts";

/** A step of any saga, with what it means to skip it. */
interface AnyStep {
  readonly name: string;
  readonly whenSkipped?: SkipRule<unknown>;
}

const steps: Readonly<Record<OperationKind, readonly AnyStep[]>> = {
  SIGN_UP: signUpSaga.stages.flat(),
  OFFBOARD: offboardSaga.stages.flat(),
  ADD_WAITING_MEMBERS: addWaitingMembersSaga.stages.flat(),
  CHECK_TWINS: checkTwinsSaga.stages.flat(),
};

/** What it means to skip this step of such an operation. Empty where its saga's table says nothing of it. */
export function skipRuleOf(kind: OperationKind, step: string): SkipRule<unknown> {
  return steps[kind].find(({ name }) => name === step)?.whenSkipped ?? {};
}

/** The answer of a step that is skipped going forward, which later steps may need. Null: the mapping does not say. */
export function outputOfSkipped({ kind, tenant }: OperationSituation, step: string): unknown {
  const { outputFrom } = skipRuleOf(kind, step);
  if (outputFrom === undefined) return {};
  return outputFrom(
    (of) => tenant.resources.find((resource) => resource.kind === of && isOwn(resource))?.upstreamId ?? null,
  );
}

/** Whether a resource is one that a saga's steps are about: Mem0's `default-project` is not. */
export function isOwn({ kind, name }: { readonly kind: string; readonly name: string }): boolean {
  return kind !== "PROJECT" || name === mainProjectName;
}
