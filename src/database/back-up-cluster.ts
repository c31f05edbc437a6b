import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { type CopyOptions, copyOneFile, copyTree, type TreeFile } from "./copy-tree.ts";
import { DatabaseUnavailable } from "./errors.ts";

const connectTimeoutMs = 10_000;

/** Files of a running server that mean nothing to another one, or are made anew at its start. */
const ofThisRun = new Set([
  "postmaster.pid",
  "postmaster.opts",
  "backup_label",
  "backup_label.old",
  "tablespace_map",
]);

/** Folders whose content a starting server makes anew (Postgres' documentation of low-level backups). */
const emptied = [
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
];

/** Copied last, as Postgres' own pg_basebackup does. */
const controlFile = "global/pg_control";
/** A torn read of a file of one sector is rare; twice the same is none. */
const controlReadsMax = 100;

/**
 * Copies the cluster of a server that is stopped, with its write-ahead log. The caller holds the data folder. Answers
 * what was read.
 * @throws {StrangeEntry} where a table space or the log lies elsewhere
 */
export async function copyStoppedCluster(
  clusterDir: string,
  to: string,
  signal?: AbortSignal,
): Promise<readonly TreeFile[]> {
  const skips = (file: string) => ofThisRun.has(file);
  const { files } = await copyTree(clusterDir, to, { ...(signal && { signal }), skips });
  return files;
}

/**
 * Copies the cluster of a running server, by Postgres' low-level backup: what was committed before it ended is in it,
 * and work goes on meanwhile. A temporary replication slot keeps the log that the copy needs; it goes with the session.
 * Answers what was read file by file.
 *
 * @throws {DatabaseUnavailable} when the copy would lack a part of the log
 * @throws {StrangeEntry} where a table space or the log lies elsewhere
 */
export async function copyRunningCluster(
  connectionString: string,
  clusterDir: string,
  to: string,
  signal?: AbortSignal,
): Promise<readonly TreeFile[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => {});
  await client.connect();
  try {
    const slot = `loci_backup_${randomUUID().replaceAll("-", "")}`;
    await client.query("SELECT pg_create_physical_replication_slot($1, true, true)", [slot]);
    await client.query("SELECT pg_backup_start('loci', fast => true)");
    const options = { ...(signal && { signal }), mayVanish: true, skips: skipsWhileRunning };
    const { files } = await copyTree(clusterDir, to, options);
    await copyControlFile(clusterDir, to);
    const { rows } = await client.query<{ labelfile: string; spcmapfile: string; last: string }>(
      `SELECT labelfile, spcmapfile, pg_walfile_name(lsn) AS last FROM pg_backup_stop(wait_for_archive => false)`,
    );
    const [stopped] = rows;
    if (stopped === undefined) throw new Error("pg_backup_stop answered nothing.");
    await copyLog(clusterDir, to, firstLogFile(stopped.labelfile), stopped.last);
    // From here on a start of the copy knows where to begin. Without it, it would believe the control file.
    await writeFile(path.join(to, "backup_label"), stopped.labelfile, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    return files;
  } finally {
    await client.end().catch(() => {});
  }
}

const skipsWhileRunning: NonNullable<CopyOptions["skips"]> = (file, isFolder) => {
  const [top = "", ...rest] = file.split("/");
  const name = rest.at(-1) ?? top;
  if (emptied.includes(top) && rest.length > 0) return true;
  // Of the log what is needed is copied at the end; its sub-folders must be there.
  if (top === "pg_wal" && rest.length > 0) return !(isFolder && rest.length === 1);
  return (
    file === controlFile ||
    ofThisRun.has(file) ||
    name.startsWith("pgsql_tmp") ||
    name.startsWith("pg_internal.init")
  );
};

async function copyControlFile(clusterDir: string, to: string): Promise<void> {
  const source = path.join(clusterDir, controlFile);
  for (let reads = 1; reads <= controlReadsMax; reads += 1) {
    const once = await readFile(source);
    if (!once.equals(await readFile(source))) continue;
    await writeFile(path.join(to, controlFile), once, { mode: 0o600, flag: "wx", flush: true });
    return;
  }
  throw new DatabaseUnavailable(`${source} changed whenever it was read; try the backup again.`);
}

/** `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)` */
function firstLogFile(label: string): string {
  const found = /^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$/m.exec(label)?.[1];
  if (found === undefined) throw new Error(`The backup's label names no first file of the log:\n${label}`);
  return found;
}

async function copyLog(clusterDir: string, to: string, first: string, last: string): Promise<void> {
  const names = (await readdir(path.join(clusterDir, "pg_wal"))).sort();
  const needed = names.filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last);
  const isWhole =
    needed[0] === first &&
    needed.at(-1) === last &&
    needed.length === numberOfLogFile(last) - numberOfLogFile(first) + 1;
  if (!isWhole) {
    throw new DatabaseUnavailable(
      `Postgres no longer has all of its log from ${first} to ${last}; try the backup again, or with Loci stopped.`,
    );
  }
  await mkdir(path.join(to, "pg_wal"), { recursive: true, mode: 0o700 });
  for (const name of [...needed, ...names.filter((name) => /^[0-9A-F]{8}\.history$/.test(name))]) {
    await copyOneFile(path.join(clusterDir, "pg_wal", name), path.join(to, "pg_wal", name));
  }
}

/** Log files have 16 MiB, 256 of them make the 4 GiB that the middle part of their name counts. */
function numberOfLogFile(name: string): number {
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);
}
