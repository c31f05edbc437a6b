import type { OperationKind } from "../../src/generated/prisma/enums.ts";
import type { Direction } from "../../src/tenants/operation-steps.ts";

/** Where the process dies, seen from the call under test. The record is that of the attempt: our rows' and the engine's. */
export const crashPoints = [
  "before-the-call",
  "after-the-call",
  "after-the-answer",
  "after-the-record",
] as const;

/** What goes wrong with the call under test. */
export const faultNames = [
  "time-out",
  "reset",
  "late-commit",
  "throttle",
  "quota",
  "500-but-done",
  "500-not-done",
  "slow",
  "garbage",
] as const;

/** How the emulator behaves where nobody knows how Mem0 does. */
export const worldNames = ["plain", "list-lag", "scoped-list", "equal-names-refused"] as const;

/** What comes after the crash in a saga that unwinds: the deed once more, or its undoing in one of three ways. */
export const unwindContinuations = [
  "repeated",
  "undoing-repeated",
  "undoing-fails-once",
  "undoing-fails-for-good",
] as const;

/** What comes after the crash in a saga that only goes forward. */
export const forwardContinuations = ["repeated", "fails-once", "fails-for-good"] as const;

/** See `crashPoints`. */
export type CrashPoint = (typeof crashPoints)[number];
/** See `faultNames`. */
export type FaultName = (typeof faultNames)[number];
/** See `worldNames`. */
export type WorldName = (typeof worldNames)[number];
/** What comes after the crash. */
export type Continuation = (typeof unwindContinuations)[number] | (typeof forwardContinuations)[number];

/** A request to Mem0, by method and the template of its path. */
export interface Call {
  readonly method: string;
  readonly path: string;
}

/** One cell of the matrix, with all that a worker has to know of it. JSON. */
export interface Cell {
  /** saga/step/direction/crash point/fault/continuation/world: what `--only` takes. */
  readonly id: string;
  readonly kind: OperationKind;
  readonly step: string;
  readonly direction: Direction;
  /** Null: the step asks Mem0 nothing. */
  readonly call: Call | null;
  readonly crash: CrashPoint;
  /** Null exactly where there is no call. */
  readonly fault: FaultName | null;
  readonly continuation: Continuation;
  readonly world: WorldName;
  /** The step whose undoing is tried. Null: nothing is undone. */
  readonly undoing: string | null;
  /** The step at which the saga is made to fail for good, so that it unwinds. Null: at none. */
  readonly failsAt: string | null;
  /** Whether the saga goes on when the step under test fails for good. */
  readonly isTolerated: boolean;
  /** Whether the tenant is on its customer's own account. */
  readonly isLinked: boolean;
  /** Whether the engine records its stage. Where it does not, our rows alone are the record. */
  readonly isRecorded: boolean;
}

/** A cell with its tenant in a batch. */
export interface PlacedCell extends Cell {
  /** The tenant's key, which stands in all its names, too. Of one length in a batch: none is a part of another. */
  readonly key: string;
}

/** A place of the product of all dimensions where there is nothing to try. */
export interface NotApplicable {
  readonly kind: OperationKind;
  readonly step: string;
  readonly crash: CrashPoint;
  readonly world: WorldName;
  readonly why: string;
}

/** Faults after which it is not known whether the call was done. */
const doubtful: ReadonlySet<FaultName | null> = new Set<FaultName>([
  "time-out",
  "reset",
  "late-commit",
  "500-but-done",
  "500-not-done",
  "garbage",
]);

/**
 * Whether an organization's create is in doubt where the list of organizations never shows what was created: then the
 * operation has to NEED ATTENTION, for nothing that Loci can ask tells what became of it.
 */
export function isInDoubtForEver({ kind, step, direction, world, crash, fault }: Cell): boolean {
  if (world !== "scoped-list" || kind !== "SIGN_UP") return false;
  if (step !== "createOrganization" || direction !== "invoke") return false;
  return crash === "before-the-call" || crash === "after-the-call" || doubtful.has(fault);
}

/**
 * Which cells may NEED ATTENTION, and must: those in doubt for ever, and those in which the matrix lets a deed of a saga
 * that only goes forward, or an undoing, fail for good. `wasRecorded`: the deed under test was recorded as done before
 * the crash, so there is nothing left that could fail.
 */
export function mustNeedAttention(cell: Cell, wasRecorded: boolean): boolean {
  if (isInDoubtForEver(cell)) return true;
  const { continuation, direction, isTolerated } = cell;
  if (continuation === "undoing-fails-for-good") return direction === "invoke" || !wasRecorded;
  const isForward = continuation === "fails-once" || continuation === "fails-for-good";
  return isForward && !isTolerated && !wasRecorded;
}
