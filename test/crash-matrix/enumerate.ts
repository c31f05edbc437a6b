import {
  type Call,
  type Cell,
  type Continuation,
  type CrashPoint,
  crashPoints,
  type FaultName,
  faultNames,
  forwardContinuations,
  type NotApplicable,
  unwindContinuations,
  type WorldName,
} from "./cell.ts";
import {
  type SagaDescription,
  type SagaTable,
  type StepDescription,
  sagaDescriptions,
} from "./saga-descriptions.ts";

/** The whole product of the dimensions: every place is a cell, or says why there is nothing to try. */
export interface Matrix {
  readonly cells: readonly Cell[];
  readonly notApplicable: readonly NotApplicable[];
}

type StepRow = SagaTable["stages"][number][number];

/** A place of the product, before it is known whether there is anything to try. */
interface Place {
  readonly description: SagaDescription;
  readonly row: StepRow;
  readonly step: StepDescription;
  readonly direction: Cell["direction"];
  readonly crash: CrashPoint;
  readonly fault: FaultName | null;
  readonly continuation: Continuation;
  readonly world: WorldName;
}

/** Enumerates the matrix in these worlds. @throws {Error} naming a step that has no description, or a description without step */
export function enumerate(worlds: readonly WorldName[]): Matrix {
  const cells: Cell[] = [];
  const notApplicable: NotApplicable[] = [];
  for (const place of worlds.flatMap(placesOf)) {
    const why = whyNot(place);
    if (why === null) cells.push(cellOf(place));
    else {
      const { description, row, crash, world } = place;
      notApplicable.push({ kind: description.saga.kind, step: row.name, crash, world, why });
    }
  }
  return { cells, notApplicable };
}

function placesOf(world: WorldName): Place[] {
  return Object.values(sagaDescriptions).flatMap((description) =>
    stepsOf(description).flatMap(({ row, step }) => {
      // Where there is no call the crash is tried alone, besides the faults that are none.
      const isAskingAlways = step.call !== null && !("asksNothing" in step.undoing);
      const faults = isAskingAlways ? faultNames : [null, ...faultNames];
      return (["invoke", "compensate"] as const).flatMap((direction) =>
        crashPoints.flatMap((crash) =>
          faults.flatMap((fault) =>
            continuationsOf(description, direction).map((continuation) => ({
              ...{ description, row, step, direction, crash, fault, continuation, world },
            })),
          ),
        ),
      );
    }),
  );
}

function stepsOf({ saga, steps }: SagaDescription): { row: StepRow; step: StepDescription }[] {
  const rows = saga.stages.flat();
  const stray = Object.keys(steps).find((name) => rows.every((row) => row.name !== name));
  if (stray !== undefined)
    throw new Error(`The saga ${saga.kind} has no step ${stray}, but it is described.`);
  return rows.map((row) => {
    const step = steps[row.name];
    if (step === undefined) throw new Error(`The step ${row.name} of ${saga.kind} is not described.`);
    return { row, step };
  });
}

function continuationsOf({ saga }: SagaDescription, direction: Cell["direction"]): readonly Continuation[] {
  if (saga.onFailure === "stop") return forwardContinuations;
  return direction === "invoke" ? unwindContinuations : unwindContinuations.slice(1);
}

/** Why there is nothing to try. Null: there is. */
function whyNot({ description, row, step, direction, crash, fault, continuation }: Place): string | null {
  const { undoing } = step;
  const isBack = direction === "compensate" || continuation.startsWith("undoing");
  if (isBack && "never" in undoing) return `never undone: ${undoing.never}`;
  if (direction === "compensate" && description.saga.onFailure === "stop")
    return "the saga only goes forward";
  if (direction === "compensate" && "goesWith" in undoing) {
    return `no undoing of its own: it goes with that of ${undoing.goesWith}, which is tried`;
  }
  const call = callOf(step, direction);
  if (call === null && fault !== null) return `asks Mem0 nothing: a crash, but no fault (${row.name})`;
  if (call !== null && fault === null) return `asks Mem0 something: tried under faults (${row.name})`;
  if (call === null && crash === "after-the-call") return "asks Mem0 nothing: no call to crash after";
  const isDone = crash === "after-the-answer" || crash === "after-the-record";
  if (isBack && isDone && direction === "invoke" && step.doneIsFinal !== undefined) {
    return `nothing unwinds from here: ${step.doneIsFinal}`;
  }
  return null;
}

function cellOf({ description, row, step, direction, crash, fault, continuation, world }: Place): Cell {
  const { kind } = description.saga;
  const isBack = direction === "compensate" || continuation.startsWith("undoing");
  const undoing = "goesWith" in step.undoing ? step.undoing.goesWith : row.name;
  const id = [kind, row.name, direction, crash, fault ?? "no-fault", continuation, world].join("/");
  return {
    ...{ id, kind, step: row.name, direction, crash, fault, continuation, world },
    call: callOf(step, direction),
    isLinked: step.isLinked === true,
    undoing: isBack ? undoing : null,
    failsAt: isBack ? description.failsAt : null,
    isTolerated: row.isTolerated === true,
    isRecorded: direction === "compensate" || !stageOf(description, row).every(isRepeatedFreely),
  };
}

/** The call of the deed, or of its undoing. Null: it makes none. */
function callOf({ call, undoing }: StepDescription, direction: Cell["direction"]): Call | null {
  if (direction === "invoke") return call;
  return "method" in undoing ? undoing : null;
}

function stageOf({ saga }: SagaDescription, row: StepRow): readonly StepRow[] {
  return saga.stages.find((stage) => stage.includes(row)) ?? [];
}

function isRepeatedFreely(row: StepRow): boolean {
  return row.isRepeatedFreely === true;
}
