import { spawn } from "node:child_process";
import { type FileHandle, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { diskFull, saysDiskFull } from "./data-folder.ts";
import { DatabaseUnavailable, errorCode, errorMessage } from "./errors.ts";
import { findClosedFolder, folderClosed, type PostgresAccount } from "./postgres-account.ts";
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts";
import { spawnSettings } from "./run-program.ts";

/** A running postmaster that is ready for connections. */
export interface Postmaster {
  readonly process: ProcessIdentity;
  readonly port: number;
}

/** What starting one needs. */
export interface PostmasterSettings {
  readonly postgres: string;
  readonly clusterDir: string;
  readonly logFile: string;
  readonly account: PostgresAccount | undefined;
  readonly port: number;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Why a postmaster that we started ended before it was ready; each wants another answer. */
export type StartFailure = "port taken" | "orphans alive" | { readonly fault: DatabaseUnavailable };

const pollMs = 10;
/** Crash recovery after much work may be long; a postmaster that hangs must not hang us for ever. */
const readyTimeoutMs = 300_000;
const fastStopTimeoutMs = 20_000;
const immediateStopTimeoutMs = 5_000;
const logMaxBytes = 10 * 1024 * 1024;
/** No process has it, since it is above every system's greatest pid. */
const deadPid = 2_147_483_646;

/**
 * The living postmaster of this cluster, waited for until it is ready; undefined when there is none, or
 * it ended meanwhile. The pid file alone proves nothing: after a crash its number may be anybody's.
 *
 * @throws DatabaseUnavailable when it is not ready in time.
 */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const file = await readPidFile(clusterDir);
  if (file === undefined) return undefined;
  const identity = await identifyProcess(file.pid);
  if (identity === undefined || !isPostmasterOf(identity, clusterDir)) return undefined;
  return waitUntilReady(identity, clusterDir, () => false);
}

/**
 * Starts a postmaster in a session of its own, so that neither Ctrl-C in our terminal nor our own death
 * takes it along, and waits until it is ready.
 */
export async function startPostmaster(settings: PostmasterSettings): Promise<Postmaster | StartFailure> {
  await disownForeignPid(settings.clusterDir);
  const log = await openLog(settings.logFile);
  const from = (await log.stat()).size;
  let ended: { readonly reason: string } | undefined;
  try {
    const child = spawn(
      settings.postgres,
      [
        ...["-D", settings.clusterDir, "-p", String(settings.port)],
        ...Object.entries(settings.parameters).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      { ...spawnSettings(settings.account), detached: true, stdio: ["ignore", log.fd, log.fd] },
    );
    child.once("error", (error) => {
      ended = { reason: errorMessage(error) };
    });
    child.once("exit", (code, signal) => {
      ended = { reason: `it ended with ${signal ?? `code ${code}`}` };
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
    const hasEnded = () => ended !== undefined;
    const ready = identity && (await waitUntilReady(identity, settings.clusterDir, hasEnded));
    if (ready !== undefined) return ready;
    // The end is told by an event that may still be on its way.
    while (ended === undefined) await pause(pollMs);
    return await explainEnd(settings, from, ended.reason);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error;
    return {
      fault: new DatabaseUnavailable(`Postgres cannot be started (${errorMessage(error)}).`, {
        cause: error,
      }),
    };
  } finally {
    await log.close();
  }
}

/**
 * Stops a postmaster: SIGINT (open sessions are ended, everything is written down), and if that takes too
 * long SIGQUIT (recovery at the next start), and at last SIGKILL. Returns when the process is gone. A
 * repeat does nothing; neither does a process that merely has the old one's pid.
 */
export async function stopPostmaster(identity: ProcessIdentity): Promise<void> {
  const steps = [
    ["SIGINT", fastStopTimeoutMs],
    ["SIGQUIT", immediateStopTimeoutMs],
    ["SIGKILL", immediateStopTimeoutMs],
  ] as const;
  for (const [signal, timeoutMs] of steps) {
    if (!(await isAlive(identity))) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if (errorCode(error) === "ESRCH") return;
      throw error;
    }
    for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await pause(pollMs)) {
      if (!(await isAlive(identity))) return;
    }
  }
}

async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startedAt === identity.startedAt;
}

/** `postmaster.pid`, of which only what we use. */
interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** "starting", "ready", "stopping"; empty while the file is being written. */
  readonly status: string;
}

async function readPidFile(clusterDir: string): Promise<PidFile | undefined> {
  try {
    const lines = (await readFile(path.join(clusterDir, "postmaster.pid"), "utf8")).split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? "").trim() };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function isPostmasterOf(identity: ProcessIdentity, clusterDir: string): boolean {
  const [program, flag, folder] = identity.command;
  return (
    program !== undefined && path.basename(program) === "postgres" && flag === "-D" && folder === clusterDir
  );
}

async function waitUntilReady(
  identity: ProcessIdentity,
  clusterDir: string,
  hasEnded: () => boolean,
): Promise<Postmaster | undefined> {
  for (const deadline = Date.now() + readyTimeoutMs; Date.now() < deadline; await pause(pollMs)) {
    if (hasEnded() || !(await isAlive(identity))) return undefined;
    const file = await readPidFile(clusterDir);
    if (file?.pid === identity.pid && file.status === "ready") return { process: identity, port: file.port };
  }
  throw new DatabaseUnavailable(
    `Postgres (process ${identity.pid}) was not ready after ${readyTimeoutMs / 1000} seconds; its log may say why.`,
  );
}

/**
 * Postgres refuses to start while the pid in its old file belongs to any process of the same user, which
 * after a crash may be anything. The number is struck out; the rest stays, for by it Postgres finds
 * orphans of the old postmaster that still have the files open.
 */
async function disownForeignPid(clusterDir: string): Promise<void> {
  const file = await readPidFile(clusterDir);
  if (file === undefined) return;
  const identity = await identifyProcess(file.pid);
  if (identity === undefined || isPostmasterOf(identity, clusterDir)) return;
  const pidFile = path.join(clusterDir, "postmaster.pid");
  const lines = (await readFile(pidFile, "utf8")).split("\n");
  await writeFile(pidFile, [String(deadPid), ...lines.slice(1)].join("\n"));
}

/** Opens the log for appending; one that has grown large is put aside first, in place of an older one. */
async function openLog(logFile: string): Promise<FileHandle> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > logMaxBytes) await rename(logFile, `${logFile}.old`);
  return open(logFile, "a", 0o600);
}

async function explainEnd(settings: PostmasterSettings, from: number, reason: string): Promise<StartFailure> {
  const log = (await readFile(settings.logFile)).subarray(from).toString();
  if (/could not bind|Address already in use/.test(log)) return "port taken";
  if (/pre-existing shared memory block|lock file "\S*" already exists/.test(log)) return "orphans alive";
  const { account, clusterDir, postgres, logFile } = settings;
  const closed =
    account && ((await findClosedFolder(clusterDir, account)) ?? (await findClosedFolder(postgres, account)));
  if (account && closed) return { fault: folderClosed(closed, account) };
  if (saysDiskFull(log)) return { fault: new DatabaseUnavailable(diskFull(clusterDir)) };
  const words = /(?:FATAL|PANIC): {2}(.*)$/m.exec(log)?.[1] ?? reason;
  return { fault: new DatabaseUnavailable(`Postgres did not start (${words}); its log is ${logFile}.`) };
}
