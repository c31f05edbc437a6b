import type { z } from "zod";
import type { Resource, Tenant } from "../generated/prisma/client.ts";
import type { OperationKind, ResourceKind, TenantStatus } from "../generated/prisma/enums.ts";
import type { Provisioning } from "./provisioning.ts";

/** What a deed and its undoing work with. */
export interface SagaContext<Input> {
  readonly provisioning: Provisioning;
  readonly operationId: string;
  readonly tenant: Tenant;
  readonly input: Input;
  /** The step that is being done. */
  readonly step: string;
  /** 1 for the first attempt ever at this step. On a later one an earlier may have done part of the work. */
  readonly attempt: number;
  /** The tenant's resources of a kind, as they were when this run began: only what never changes is to be trusted. */
  resources(kind: ResourceKind): readonly Resource[];
  /** What an earlier step answered. @throws {Error} when it was not done: a mistake in the saga's table */
  outputOf<Output>(step: Step<Input, Output>): Output;
}

/** Written where there is nothing to undo, with the reason. */
export interface NothingToUndo {
  readonly nothingBecause: string;
}

/** Says, in a saga's table, why a deed needs no undoing of its own. */
export function nothingToUndo(because: string): NothingToUndo {
  return { nothingBecause: because };
}

/**
 * A step: a deed and its undoing side by side. Both may run twice, and may have run without our knowing; both look
 * before they repeat what is not idempotent.
 */
export interface Step<Input, Output> {
  readonly name: string;
  /** The shape of what `invoke` answers, and of what the engine recorded of it. JSON. */
  readonly output: z.ZodType<Output>;
  invoke(context: SagaContext<Input>): Promise<Output>;
  readonly compensate: ((context: SagaContext<Input>) => Promise<void>) | NothingToUndo;
  /** Whether this input needs the step at all. Absent: it does. */
  readonly isNeeded?: (input: Input) => boolean;
  /** Whether the saga goes on when the step fails for good. Absent: it does not. */
  readonly isTolerated?: boolean;
}

/** The definition of a saga: a table of steps in stages. */
export interface Saga<Input> {
  readonly kind: OperationKind;
  readonly input: z.ZodType<Input>;
  /** Stages run one after the other, the steps of a stage side by side. */
  readonly stages: readonly (readonly Step<Input, unknown>[])[];
  /** What a failure for good means: undo all that started, or stop and wait for a person. */
  readonly onFailure: "unwind" | "stop";
  /** What the tenant becomes when the saga is through, and when it is unwound. Null: it stays. */
  readonly tenantAfter: { readonly succeeded: TenantStatus | null; readonly unwound: TenantStatus | null };
}

/** The steps that this input needs, in the order of the table. */
export function plannedSteps<Input>(saga: Saga<Input>, input: Input): string[] {
  return saga.stages
    .flat()
    .filter((step) => step.isNeeded?.(input) ?? true)
    .map((step) => step.name);
}
