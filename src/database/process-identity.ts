import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** What tells a process from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal exactly for the same process since the same boot. */
  readonly startedAt: string;
  /** The program and its arguments, as the system lists them. */
  readonly command: readonly string[];
}

const runFile = promisify(execFile);
const listTimeoutMs = 5_000;

/**
 * The living process with this pid, or undefined. A zombie is dead: it holds nothing and only waits for
 * its parent to look.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  return process.platform === "linux" ? identifyByProc(pid) : identifyByList(pid);
}

async function identifyByProc(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, command, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The second field is the program's name in brackets, which may itself hold brackets and spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTicks = fields[19];
    if (state === undefined || startTicks === undefined || state === "Z" || state === "X") return undefined;
    return { pid, startedAt: `${boot.trim()} ${startTicks}`, command: command.split("\0").slice(0, -1) };
  } catch {
    // The process ended, perhaps between two of the reads.
    return undefined;
  }
}

/** macOS has no /proc; `ps` tells the start to the second, which is finer than pids come round. */
async function identifyByList(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const { stdout } = await runFile("ps", ["-ww", "-o", "state=,lstart=,command=", "-p", String(pid)], {
      timeout: listTimeoutMs,
      env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
    });
    const found = /^\s*(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]+\s+\d{4})\s+(.*\S)\s*$/.exec(stdout);
    const [, state, startedAt, command] = found ?? [];
    if (state === undefined || startedAt === undefined || command === undefined) return undefined;
    return state.startsWith("Z") ? undefined : { pid, startedAt, command: command.split(" ") };
  } catch {
    // `ps` exits with 1 when there is no such process.
    return undefined;
  }
}
