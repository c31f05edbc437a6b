import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let ticksPerSecond: number | undefined;

/**
 * The processor time that a process has used since its start, in milliseconds, user and system together, that of its
 * living children and of those it has buried included. Linux only, in steps of a clock tick (10 ms). 0 for a process
 * that is gone.
 */
export function processorMs(pid: number): number {
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const ticks = [pid, ...childrenOf(pid)].reduce((sum, each) => sum + ticksOf(each, each === pid), 0);
  return (ticks * 1_000) / ticksPerSecond;
}

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`).match(/\d+/g) ?? []).map(Number);
}

/** utime and stime, and of children waited for cutime and cstime: fields 14 to 17 of /proc/<pid>/stat. */
function ticksOf(pid: number, withBuried: boolean): number {
  const stat = read(`/proc/${pid}/stat`);
  // The second field, a name in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, withBuried ? 15 : 13).reduce((sum, field) => sum + Number(field), 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
