import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { GraphQLClient } from "graphql-request";
import { findPostmaster } from "../src/database/postmaster.ts";

/** How to start Loci. */
export interface LociStart {
  /** The compiled `main.js`. */
  readonly main: string;
  readonly dataDir: string;
  /** Variables over the defaults: free ports, and warnings only. Nothing of the tests' own environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Loci in a process of its own, ready or not. */
export interface SpawnedLoci {
  readonly pid: number;
  /** Waits until it serves. @throws {Error} with what it said, when it ends before */
  ready(): Promise<LociProcess>;
  /** Everything it wrote to stderr so far: its log. */
  stderr(): string;
  /** Kills it with -9 and waits until it is gone; Postgres lives on. A repeat does nothing. */
  kill9(): Promise<void>;
}

/** Loci in a process of its own that serves. */
export interface LociProcess extends SpawnedLoci {
  readonly url: string;
  /** Of the built-in emulator, or of the Mem0 it was given. */
  readonly mem0Url: string;
  /** The admin token. */
  readonly token: string;
  /** Sends a document with the admin token. */
  send<T>(document: string, variables?: object): Promise<T>;
  /** Of the embedded Postgres, now. */
  postgresPid(): Promise<number>;
  /** Tells it to stop, as Ctrl-C does, and waits until it has. Answers its exit code. */
  stop(): Promise<number | null>;
}

/** What a process wrote so far, and whether it can write no more. */
interface Output {
  stdout: string;
  stderr: string;
  isClosed: boolean;
}

const readyTimeoutMs = 60_000;
const lastLine = "Ctrl-C stops everything.";

/** Where the embedded Postgres of a data folder keeps its data. */
export function clusterDirOf(dataDir: string): string {
  return path.join(dataDir, "postgres", "cluster");
}

/** Starts Loci and waits until it serves. @throws {Error} with what it said, when it does not */
export async function startLoci(start: LociStart): Promise<LociProcess> {
  return spawnLoci(start).ready();
}

/**
 * Starts Loci without waiting. In a session of its own, so that Ctrl-C in the tests' terminal does not reach it; it
 * dies with the tests' process unless that is killed, too. Whoever starts it ends it, and its Postgres.
 */
export function spawnLoci({ main, dataDir, env = {} }: LociStart): SpawnedLoci {
  const { PATH = "", HOME = "" } = process.env;
  const defaults = { PORT: "0", LOCI_EMULATOR_PORT: "0", LOG_LEVEL: "warn", LOCI_DATA_DIR: dataDir };
  const child = spawn(process.execPath, [main], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, HOME, ...defaults, ...env },
  });
  const output: Output = { stdout: "", stderr: "", isClosed: false };
  child.once("close", () => {
    output.isClosed = true;
  });
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  child.once("exit", () => process.off("exit", killAtExit));
  if (child.pid === undefined) throw new Error(`${process.execPath} cannot be started.`);
  const spawned: SpawnedLoci = {
    pid: child.pid,
    stderr: () => output.stderr,
    kill9: async () => {
      await end(child, "SIGKILL");
    },
    ready: async () => {
      await untilSaid(child, output);
      return serving(spawned, child, { said: output.stdout, dataDir });
    },
  };
  return spawned;
}

/** Waits for the end of the banner, which comes when everything is up. */
async function untilSaid(child: ChildProcess, output: Output): Promise<void> {
  const failure = (why: string) =>
    new Error(`Loci ${why} before it was ready. It said:\n${output.stdout}${output.stderr}`);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), readyTimeoutMs);
  const { signal } = deadline;
  try {
    while (!output.stdout.includes(lastLine)) {
      if (output.isClosed) throw failure(`ended with ${child.signalCode ?? child.exitCode}`);
      const listening = { signal };
      const more = child.stdout === null ? [] : [once(child.stdout, "data", listening)];
      // "close" comes when all it wrote was read; "exit" may come before.
      await Promise.race([once(child, "close", listening), ...more]);
    }
  } catch (error) {
    throw signal.aborted ? failure(`took more than ${readyTimeoutMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

function serving(
  spawned: SpawnedLoci,
  child: ChildProcess,
  { said, dataDir }: { readonly said: string; readonly dataDir: string },
): LociProcess {
  const find = (pattern: RegExp) => {
    const found = pattern.exec(said)?.[1];
    if (found === undefined) throw new Error(`The banner has no ${pattern}:\n${said}`);
    return found;
  };
  const url = find(/GraphQL +(http:\S+)\/graphql/);
  const token = find(/Token +(loci_admin_\S+)/);
  const client = new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } });
  return {
    ...spawned,
    url,
    token,
    mem0Url: find(/Mem0 +(http:\S+)/),
    send: (document, variables) => client.request(document, variables),
    postgresPid: async () => {
      const postmaster = await findPostmaster(clusterDirOf(dataDir));
      if (postmaster === undefined) throw new Error(`No Postgres runs on ${dataDir}.`);
      return postmaster.process.pid;
    },
    stop: () => end(child, "SIGINT"),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
  return child.exitCode;
}
