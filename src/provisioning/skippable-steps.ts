import type { OperationKind } from "../generated/prisma/enums.ts";
import type { OperationSituation } from "../tenants/operation-situation.ts";
import { mainProjectName } from "../tenants/tenant-store.ts";
import { everyStep, type SkipRule, type StepEntry } from "./saga.ts";
import { sagas } from "./sagas.ts";

/** What it means to skip this step of such an operation. Empty where its saga's table says nothing of it. */
export function skipRuleOf(kind: OperationKind, step: string): SkipRule<unknown> {
  return everyStep<StepEntry>(sagas[kind]).find(({ name }) => name === step)?.whenSkipped ?? {};
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
