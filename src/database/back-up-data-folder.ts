import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import { copyRunningCluster, copyStoppedCluster } from "./back-up-cluster.ts";
import { BackupRefused, type Manifest, writeManifest } from "./backup-manifest.ts";
import { copyOneFile, readTree, StrangeEntry, syncFolder, type TreeFile } from "./copy-tree.ts";
import { connectionTo } from "./embedded-postgres.ts";
import { DatabaseUnavailable, DataFolderInUse, errorCode, errorMessage } from "./errors.ts";
import { type FolderHold, holdDataFolder } from "./folder-lock.ts";
import { readClusterMajor } from "./postgres-cluster.ts";
import { findPostmaster } from "./postmaster.ts";

/** What to back up, and where to. */
export interface BackupOrder {
  readonly dataDir: string;
  /** A folder that does not exist yet. Its parents are made if missing. */
  readonly to: string;
  /** Files of the data folder that belong in a backup besides the database, where they are there. */
  readonly besides: readonly string[];
  /** Broken off, and what was copied removed, when aborted. */
  readonly signal?: AbortSignal;
}

/** The cluster and what lets us into it, in the data folder and in a backup. */
const clusterPath = "postgres/cluster";
const passwordPath = "postgres/password";

/**
 * Copies a data folder into a new folder, with a manifest of every file's checksum, and reads it all again to see that it
 * is there. A running Loci works on meanwhile; of a stopped one the folder is held, so that none is started. The folder
 * is complete, or not there.
 *
 * @throws {BackupRefused} {DatabaseUnavailable} with a sentence for people
 */
export async function backUpDataFolder(order: BackupOrder): Promise<Manifest> {
  const dataDir = await realpath(order.dataDir).catch(() => path.resolve(order.dataDir));
  const to = path.resolve(order.to);
  const clusterDir = path.join(dataDir, clusterPath);
  const postgresMajor = await readClusterMajor(clusterDir);
  if (postgresMajor === undefined) {
    throw new BackupRefused(`There is no database in ${dataDir} yet, so there is nothing to back up.`);
  }
  const draft = await makeDraft(dataDir, to);
  try {
    const hold = await holdUnlessRunning(dataDir);
    try {
      const { isOnline, copied } = await copyCluster(dataDir, draft, { isHeld: hold !== null, ...order });
      // After the database: what is newer than it beside it is what a restore is prepared for.
      for (const name of [passwordPath, ...order.besides]) {
        const from = path.join(dataDir, name);
        if (existsSync(from))
          copied.push({ path: name, ...(await copyOneFile(from, path.join(draft, name))) });
      }
      const { folders, files } = await readTree(draft);
      checkCopies(copied, files);
      const takenAt = new Date().toISOString();
      const manifest: Manifest = {
        ...{ backup: "loci", version: 1, takenAt, isOnline, postgresMajor },
        ...{ folders: [...folders], files: [...files] },
      };
      await writeManifest(draft, manifest);
      await syncFolder(draft);
      await rename(draft, to);
      await syncFolder(path.dirname(to));
      return manifest;
    } finally {
      await hold?.release();
    }
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw backupFault(to, error);
  }
}

/** A folder beside the target, that only its owner can enter. */
async function makeDraft(dataDir: string, to: string): Promise<string> {
  if (existsSync(to)) throw new BackupRefused(`${to} is there already; name a folder that is not.`);
  const parent = path.dirname(to);
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const inData = path.relative(dataDir, await realpath(parent));
    if (inData === "" || !(inData.startsWith("..") || path.isAbsolute(inData))) {
      throw new BackupRefused(`${to} lies in the data folder itself; name a folder elsewhere.`);
    }
    const draft = `${to}.draft-${randomUUID()}`;
    await mkdir(draft, { mode: 0o700 });
    await chmod(draft, 0o700);
    await mkdir(path.join(draft, "postgres"), { mode: 0o700 });
    return draft;
  } catch (error) {
    throw backupFault(to, error);
  }
}

/** Holds the folder where nobody else does; null: a Loci runs on it. */
async function holdUnlessRunning(dataDir: string): Promise<FolderHold | null> {
  try {
    return await holdDataFolder(dataDir);
  } catch (error) {
    if (error instanceof DataFolderInUse) return null;
    throw error;
  }
}

/** Copies it as is right for what it does. Answers whether it ran meanwhile, and what was read. */
async function copyCluster(
  dataDir: string,
  draft: string,
  { isHeld, signal }: { readonly isHeld: boolean; readonly signal?: AbortSignal },
): Promise<{ isOnline: boolean; copied: TreeFile[] }> {
  const clusterDir = path.join(dataDir, clusterPath);
  const to = path.join(draft, clusterPath);
  const inBackup = (files: readonly TreeFile[]) =>
    files.map((file) => ({ ...file, path: `${clusterPath}/${file.path}` }));
  const postmaster = await findPostmaster(clusterDir);
  if (postmaster !== undefined) {
    const password = await readFile(path.join(dataDir, passwordPath), "utf8");
    const connection = connectionTo(postmaster.port, password);
    return { isOnline: true, copied: inBackup(await copyRunningCluster(connection, clusterDir, to, signal)) };
  }
  if (!isHeld) {
    throw new BackupRefused(`Loci is being started or stopped on ${dataDir}; try again in a moment.`);
  }
  return { isOnline: false, copied: inBackup(await copyStoppedCluster(clusterDir, to, signal)) };
}

/** What lies on the disk is what was read from its source. @throws {BackupRefused} */
function checkCopies(copied: readonly TreeFile[], written: readonly TreeFile[]): void {
  const found = new Map(written.map((file) => [file.path, file.sha256]));
  const wrong = copied.find(({ path: name, sha256 }) => found.get(name) !== sha256);
  if (wrong !== undefined) throw new BackupRefused(`${wrong.path} was not written down as it was read.`);
}

function backupFault(to: string, error: unknown): Error {
  if (error instanceof BackupRefused || error instanceof DatabaseUnavailable) return error;
  if (error instanceof StrangeEntry) return new BackupRefused(error.message);
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BackupRefused(`The disk that holds ${to} is full; name a folder elsewhere with --to.`);
  }
  return new BackupRefused(`The backup to ${to} failed: ${errorMessage(error)}.`);
}
