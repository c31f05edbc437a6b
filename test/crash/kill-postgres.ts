import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { findPostmaster } from "../../src/database/postmaster.ts";
import { identifyProcess } from "../../src/database/process-identity.ts";
import { clusterDirOf } from "../loci-process.ts";

const pollMs = 10;

/**
 * Kills the Postgres of a data folder with -9, every process of it, and waits until all are gone: what a machine's
 * crash leaves. Linux only, since it asks /proc for the children.
 */
export async function killPostgres(dataDir: string): Promise<void> {
  const postmaster = await findPostmaster(clusterDirOf(dataDir));
  if (postmaster === undefined) throw new Error(`No Postgres runs on ${dataDir}.`);
  const { pid } = postmaster.process;
  // Stopped first, so that it can start no child while they are listed, nor clean up after them.
  process.kill(pid, "SIGSTOP");
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  // Only numbers: a 0 would stand for our own process group.
  const children = (listed.match(/\d+/g) ?? []).map(Number);
  for (const each of [pid, ...children]) kill9(each);
  for (const each of [pid, ...children]) {
    while ((await identifyProcess(each)) !== undefined) await pause(pollMs);
  }
}

function kill9(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // A child may have ended by itself since it was listed.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
