import { randomUUID } from "node:crypto";
import { chown, lchown, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { BackupRefused, checkFiles, type Manifest, manifestFile, readManifest } from "./backup-manifest.ts";
import { copyTree, StrangeEntry, syncFolder } from "./copy-tree.ts";
import { prepareFolder } from "./data-folder.ts";
import { DatabaseUnavailable, DataFolderInUse, errorMessage } from "./errors.ts";
import { holdDataFolder } from "./folder-lock.ts";
import { choosePostgresAccount } from "./postgres-account.ts";
import { findPostgresPackage } from "./postgres-binaries.ts";

const clusterPath = "postgres/cluster";

/**
 * Puts a backup into a data folder that is empty, or not there yet. Every file is compared with the manifest before any
 * of it counts, and the database comes last: what is broken off leaves a folder without one. As root the database is
 * given to the account that Postgres will run as.
 *
 * @throws {BackupRefused} {DatabaseUnavailable} {DataFolderInUse} with a sentence for people
 */
export async function restoreDataFolder(backup: string, dataDir: string): Promise<Manifest> {
  const manifest = await readManifest(backup);
  const installed = await findPostgresPackage();
  if (manifest.postgresMajor !== installed.major) {
    throw new BackupRefused(
      `The backup was made by Postgres ${manifest.postgresMajor}, and this release brings Postgres ${installed.major}; restore it with the release that made it.`,
    );
  }
  const folder = await prepareFolder(dataDir);
  const hold = await holdDataFolder(folder);
  const draft = path.join(folder, `restore-${randomUUID()}`);
  try {
    const there = (await readdir(folder)).filter((name) => name !== "lock");
    if (there.length > 0) {
      throw new BackupRefused(
        `${folder} is not empty (${there[0]}); move it away, or set LOCI_DATA_DIR to a folder that is.`,
      );
    }
    const copied = await copyTree(backup, draft, { skips: (file) => file === manifestFile });
    checkFiles(manifest.files, copied, backup);
    for (const name of manifest.folders)
      await mkdir(path.join(draft, safe(name)), { recursive: true, mode: 0o700 });
    await giveToPostgres(path.join(draft, clusterPath), folder);
    await moveIn(draft, folder);
    return manifest;
  } catch (error) {
    const isForPeople = [BackupRefused, DatabaseUnavailable, DataFolderInUse].some(
      (kind) => error instanceof kind,
    );
    if (isForPeople) throw error;
    if (error instanceof StrangeEntry) throw new BackupRefused(error.message);
    throw new BackupRefused(`The backup could not be put into ${folder}: ${errorMessage(error)}.`);
  } finally {
    await rm(draft, { recursive: true, force: true });
    await hold.release();
  }
}

/** A manifest is a file like any other: it may not lead out of the folder. */
function safe(name: string): string {
  if (path.isAbsolute(name) || name.split("/").includes("..")) {
    throw new BackupRefused(`The manifest names ${name}, which does not lie in the backup.`);
  }
  return name;
}

async function giveToPostgres(cluster: string, folder: string): Promise<void> {
  const account = await choosePostgresAccount(path.join(folder, clusterPath));
  if (account === undefined) return;
  await chown(cluster, account.uid, account.gid);
  for (const name of await readdir(cluster, { recursive: true })) {
    await lchown(path.join(cluster, name), account.uid, account.gid);
  }
}

async function moveIn(draft: string, folder: string): Promise<void> {
  const postgresDir = await prepareFolder(path.join(folder, "postgres"));
  const move = (name: string) => rename(path.join(draft, name), path.join(folder, name));
  for (const name of await readdir(draft)) if (name !== "postgres") await move(name);
  const ofPostgres = (await readdir(path.join(draft, "postgres"))).filter((name) => name !== "cluster");
  for (const name of ofPostgres) await move(`postgres/${name}`);
  await move(clusterPath);
  await syncFolder(postgresDir);
  await syncFolder(folder);
}
