import type { CellResult } from "./batch.ts";
import { crashPoints, faultNames, type NotApplicable, worldNames } from "./cell.ts";

/** All that a run of the matrix found. */
export interface MatrixRun {
  readonly results: readonly CellResult[];
  readonly notApplicable: readonly NotApplicable[];
  readonly seed: number;
  readonly seconds: number;
  readonly machine: string;
  readonly at: string;
  /** How much of the matrix was run: "all of it". */
  readonly extent: string;
}

/** How many there are of each. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly moot: number;
  readonly notApplicable: number;
}

/** Counts a run. A moot cell was run and passed, too. */
export function countsOf({ results, notApplicable }: MatrixRun): Counts {
  const failed = results.filter(({ faults }) => faults.length > 0).length;
  return {
    passed: results.length - failed,
    failed,
    moot: results.filter(({ isMoot }) => isMoot).length,
    notApplicable: notApplicable.length,
  };
}

/** How one cell is run alone. */
export function aloneCommand(cellId: string): string {
  return `npm run crash-matrix -- --only ${cellId}`;
}

/** The report as Markdown. */
export function writeReport(run: MatrixRun): string {
  const { passed, failed, moot, notApplicable } = countsOf(run);
  return `${[
    "# The crash matrix",
    "Written by `npm run crash-matrix`; not to be edited.",
    "For every saga, every step, either direction: the process is killed with -9 before the call to Mem0, after it and before its answer, after the answer and before the record, after the record; and the call goes wrong in one of nine ways; and then the deed is repeated, or it is undone, or its undoing fails once, or for good until the cause is gone. Whatever came of it must then be told to go on, and must end well. All of it in four worlds, for nobody knows which of them Mem0 is.",
    "A cell passes when its operation ended as it has to (SUCCEEDED, UNWOUND, or NEEDS_ATTENTION where nothing else is right); when the emulator's tables and the mapping agree: no twin, nothing that was made twice in between, nothing upstream that nobody accounts for, nothing PRESENT that is not there; when the engine's record agrees with our rows; and when the fault really fired and the crash point was really reached.",
    [
      `- Run: ${run.extent}, seed ${run.seed}, ${run.at}, in ${duration(run.seconds)}`,
      `- Machine: ${run.machine}`,
      `- Cells: **${passed} passed, ${failed} failed**; ${notApplicable} places of the product are not applicable`,
      `- Of those that passed, ${moot} were moot: what should have failed after the crash was recorded as done before it`,
      `- Worlds: ${worldNames.join(", ")}`,
      `- Faults: ${faultNames.join(", ")}`,
    ].join("\n"),
    "## By saga, step and crash point",
    "Passed / not applicable; what failed stands in bold behind.",
    stepTable(run),
    "## By fault and world",
    worldTable(run),
    "## Not applicable, and why",
    reasons(run),
    "## Failed",
    failures(run),
  ].join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** "passed", and what failed, of these results. */
function tally(results: readonly CellResult[]): string {
  const failed = results.filter(({ faults }) => faults.length > 0).length;
  return `${results.length - failed}${failed === 0 ? "" : ` **(${failed} failed)**`}`;
}

function stepTable({ results, notApplicable }: MatrixRun): string {
  const steps = new Map<string, string>();
  for (const { kind, step } of [...results.map(({ cell }) => cell), ...notApplicable]) {
    steps.set(`${kind} ${step}`, step);
  }
  const rows = [...steps].map(([name]) => {
    const [kind, step] = name.split(" ");
    const isHere = (place: { kind: string; step: string }) => place.kind === kind && place.step === step;
    const counts = crashPoints.map((crash) => {
      const here = results.filter(({ cell }) => isHere(cell) && cell.crash === crash);
      const not = notApplicable.filter((place) => isHere(place) && place.crash === crash).length;
      return `${tally(here)} / ${not}`;
    });
    return [kind ?? "", step ?? "", ...counts];
  });
  return table(["saga", "step", ...crashPoints.map((crash) => crash.replaceAll("-", " "))], rows);
}

function worldTable({ results }: MatrixRun): string {
  const rows = [...faultNames, null].map((fault) => [
    fault ?? "(no call, so no fault)",
    ...worldNames.map((world) =>
      tally(results.filter(({ cell }) => cell.fault === fault && cell.world === world)),
    ),
  ]);
  return table(["fault", ...worldNames], rows);
}

function reasons({ notApplicable }: MatrixRun): string {
  const counts = new Map<string, number>();
  for (const { kind, why } of notApplicable) {
    const reason = `${kind}: ${why}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].map(([why, count]) => `- ${count} × ${why}`).join("\n");
}

function failures({ results }: MatrixRun): string {
  const failed = results.filter(({ faults }) => faults.length > 0);
  if (failed.length === 0) return "None.";
  return failed
    .map(({ cell, faults }) => `- \`${aloneCommand(cell.id)}\`\n  ${faults.join(" ").replaceAll("\n", " ")}`)
    .join("\n");
}

/** "12 min 5 s". */
export function duration(seconds: number): string {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
