import type { z } from "zod";
import type { Prisma, Resource, Tenant } from "../generated/prisma/client.ts";
import type { OperationKind, ResourceKind, TenantStatus } from "../generated/prisma/enums.ts";
import type { StepEnd } from "../tenants/operation-steps.ts";
import type { Provisioning } from "./provisioning.ts";

/** For a deed that writes the last of what it did, and that it is done, in one statement. */
export interface Finish {
  /** The end of the step with this answer, as that statement needs it. */
  with(output: Prisma.InputJsonObject): StepEnd;
  /** To be told when the statement has recorded the end. */
  recorded(end: StepEnd): void;
}

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
  /** For a deed that can record its end itself; when it does not, the runner does. Null in an undoing. */
  readonly finish: Finish | null;
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
  /**
   * Whether it changes nothing upstream and may be done any number of times: then the engine does not record it, and
   * whoever goes on after a crash does it again. Absent: it is recorded.
   */
  readonly isRepeatedFreely?: boolean;
  /**
   * Whether the record of the deed's start may reach the disk with whatever is written next, and not by itself: because
   * `makeOnce` commits an attempt before anything is sent, which takes it along, or because nothing would go wrong if it
   * were lost in a crash of the database after the request was sent. Absent: the deed waits for it.
   */
  readonly isStartImplied?: boolean;
  /** How long the deed, or its undoing, is tried. Absent: `stepDeadlineMs` of the timings. */
  readonly deadlineMs?: number;
  /** What becomes of it when an operator skips it. Absent: its answer is then `{}`, and nothing of the mapping is its. */
  readonly whenSkipped?: SkipRule<Output>;
}

/** What it means that an operator skips a step. */
export interface SkipRule<Output> {
  /** Why it may never be skipped going forward, a sentence for people. Absent: it may. */
  readonly never?: string;
  /** The kind of what it makes; its undoing removes that. */
  readonly makes?: ResourceKind;
  /** The kind of what it removes. */
  readonly removes?: ResourceKind;
  /** Its answer, which later steps need, by the upstream ids of the mapping. Null: the mapping does not say. */
  readonly outputFrom?: (upstreamIdOf: (kind: ResourceKind) => string | null) => Output | null;
}

/** Steps that are done side by side. */
export type Stage<Input> = readonly Step<Input, unknown>[];

/**
 * A change of a saga's stages, kept as long as runs from before it may be under way. A run that had reached the place
 * before the change goes on as it began; every other run, and every later run of the same operation, goes the new way.
 */
export interface SagaChange<Input> {
  /** What the engine remembers it by. With the day it was made in it; never used again. */
  readonly patch: string;
  /** Where in `stages` the first stage stands that is not as it was. */
  readonly from: number;
  /** What stood from there to the end. */
  readonly were: readonly Stage<Input>[];
}

/** The definition of a saga: a table of steps in stages. */
export interface Saga<Input> {
  readonly kind: OperationKind;
  readonly input: z.ZodType<Input>;
  /** Stages run one after the other, the steps of a stage side by side. */
  readonly stages: readonly Stage<Input>[];
  /** How it was changed, the oldest first. Absent: never, or so long ago that nothing older is under way. */
  readonly changes?: readonly SagaChange<Input>[];
  /** What a failure for good means: undo all that started, or stop and wait for a person. */
  readonly onFailure: "unwind" | "stop";
  /** What the tenant becomes when the saga is through, and when it is unwound. Null: it stays. */
  readonly tenantAfter: { readonly succeeded: TenantStatus | null; readonly unwound: TenantStatus | null };
}

/** A saga as far as one need not know what its steps work with. */
export interface SagaTable {
  readonly stages: readonly (readonly StepEntry[])[];
  readonly changes?: readonly { readonly were: readonly (readonly StepEntry[])[] }[];
}

/** A step in such a table. */
export type StepEntry = Pick<Step<never, unknown>, "name" | "whenSkipped">;

/** Every step that an operation of the saga may have: those of today's table, then those that only an earlier one had. */
export function everyStep<AnyStep extends StepEntry>({
  stages,
  changes = [],
}: {
  readonly stages: readonly (readonly AnyStep[])[];
  readonly changes?: readonly { readonly were: readonly (readonly AnyStep[])[] }[];
}): AnyStep[] {
  const all = [...stages, ...changes.flatMap(({ were }) => were)].flat();
  // Of several of one name today's counts, and it stands where today's stands.
  return all.filter((step, index) => all.findIndex(({ name }) => name === step.name) === index);
}

/** The steps that this input needs, in the order of the table. */
export function plannedSteps<Input>(saga: Saga<Input>, input: Input): string[] {
  return saga.stages
    .flat()
    .filter((step) => step.isNeeded?.(input) ?? true)
    .map((step) => step.name);
}
