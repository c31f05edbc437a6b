import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";

/** A program of ours in a process of its own, started or failing to. */
export interface Run {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits until stdout, or stderr, holds these words. @throws {Error} with all it said, when it ends before */
  said(words: string | RegExp, stream?: "stdout" | "stderr"): Promise<void>;
  /** Its exit code, once it has ended and all it wrote was read; null when a signal killed it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Nobody reads what it writes to stdout from now on. */
  closeStdout(): void;
}

/** What stands last in the banner. */
export const lastLine = "Ctrl-C stops everything.";

const running = new Set<ChildProcess>();

/**
 * Runs a compiled program with free ports and `env` over it; nothing of the tests' own environment is passed on. In a
 * session of its own, so that Ctrl-C in the tests' terminal does not reach it.
 */
export function run(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Run {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [script, ...args], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, HOME, PORT: "0", LOCI_EMULATOR_PORT: "0", ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${process.execPath} cannot be started.`);
  running.add(child);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const said = (words: string | RegExp, stream: "stdout" | "stderr" = "stdout") =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        const isSaid =
          typeof words === "string" ? output[stream].includes(words) : words.test(output[stream]);
        if (isSaid) resolve();
      };
      look();
      child[stream].on("data", look);
      void ended.then((code) =>
        reject(new Error(`Ended with ${code} before it said ${words}:\n${output.stdout}${output.stderr}`)),
      );
    });
  return {
    pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    said,
    ended,
    kill: (signal) => void child.kill(signal),
    closeStdout: () => child.stdout.destroy(),
  };
}

/** Kills with -9 whatever `run` has started and still runs. For `afterEach`: a test that fails leaves nothing behind. */
export async function killAll(): Promise<void> {
  const ends = [...running].map((child) => new Promise((resolve) => child.once("close", resolve)));
  for (const child of running) child.kill("SIGKILL");
  await Promise.all(ends);
}

/** The command lines of all living processes that name this folder: Postgres, and what makes its files. */
export async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.map((line) => line.replaceAll("\0", " ").trim()).filter((line) => line.includes(folder));
}
