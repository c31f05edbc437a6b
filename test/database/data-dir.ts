import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { expect, onTestFinished, vi } from "vitest";
import { identifyProcess } from "../../src/database/process-identity.ts";
import { buildLauncher, type LauncherProgram } from "./launcher.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** A new data folder; whatever Postgres still runs on it at the test's end is killed. */
export async function makeDataDir(): Promise<string> {
  const folder = await makeTemporaryFolder("loci-embedded-");
  onTestFinished(async () => {
    for (const pid of await processesOn(folder.path)) process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => expect(await processesOn(folder.path)).toEqual([]), { timeout: 10_000 });
    await folder.remove();
  });
  return folder.path;
}

/** The launcher, for one test. */
export async function makeLauncher(): Promise<LauncherProgram> {
  const program = await buildLauncher();
  onTestFinished(program.remove);
  return program;
}

/** The postmasters whose command line names a folder below `dataDir`. */
export async function processesOn(dataDir: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => identifyProcess(pid)));
  return found.flatMap((one) =>
    one?.command.some((word) => word.startsWith(`${dataDir}/`)) ? [one.pid] : [],
  );
}

/** The folder of the data themselves. */
export function clusterOf(dataDir: string): string {
  return path.join(dataDir, "postgres", "cluster");
}

/** The pid that the cluster's pid file names. */
export async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(path.join(clusterOf(dataDir), "postmaster.pid"), "utf8")).split("\n")[0]);
}

/** A session that ends with the test at the latest. */
export async function connect(connectionString: string | undefined): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** Executes `sql` in a session of its own. */
export async function query(
  connectionString: string | undefined,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = await connect(connectionString);
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}
