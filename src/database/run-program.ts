import { spawn } from "node:child_process";
import { errorCode, errorMessage } from "./errors.ts";
import type { PostgresAccount } from "./postgres-account.ts";

/** How a program ended. */
export interface ProgramResult {
  readonly isSuccess: boolean;
  /** What it wrote, both streams together; the system's error code where it could not be run at all. */
  readonly output: string;
  /** The system's code (`ENOENT`, `EACCES`) when it could not be run. */
  readonly failedToRun: string | undefined;
}

/** The settings of a program to run. */
export interface ProgramOptions {
  readonly account: PostgresAccount | undefined;
  readonly timeoutMs: number;
}

/** The last of the output is kept; the reason of a failure stands at its end. */
const outputMax = 64 * 1024;

/**
 * The settings with which all of Postgres' programs are spawned: as the account, in a folder that
 * everybody can enter, and without our environment, whose PG… variables would be obeyed.
 */
export function spawnSettings(account: PostgresAccount | undefined) {
  return {
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
}

/** Runs a program to its end, or kills it at the time-out. Never rejects. */
export function runProgram(
  program: string,
  programArguments: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    let output = "";
    const finish = (isSuccess: boolean, failedToRun?: string) => resolve({ isSuccess, output, failedToRun });
    let child: ReturnType<typeof spawn>;
    try {
      child = spawn(program, programArguments, {
        ...spawnSettings(options.account),
        stdio: ["ignore", "pipe", "pipe"],
        timeout: options.timeoutMs,
        killSignal: "SIGKILL",
      });
    } catch (error) {
      output = errorMessage(error);
      finish(false, errorCode(error) ?? "unknown");
      return;
    }
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputMax);
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.once("error", (error) => {
      output += errorMessage(error);
      finish(false, errorCode(error) ?? "unknown");
    });
    child.once("close", (code) => finish(code === 0));
  });
}
