import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { diskFull, folderFault, saysDiskFull } from "./data-folder.ts";
import { DatabaseUnavailable, errorCode } from "./errors.ts";
import { findClosedFolder, folderClosed, type PostgresAccount } from "./postgres-account.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { runProgram } from "./run-program.ts";

/** The superuser of the embedded cluster, and its only account. */
export const clusterUser = "loci";

const initdbTimeoutMs = 120_000;

/** What making a cluster needs. */
export interface ClusterMaker {
  /** Our folder for everything of Postgres'. */
  readonly postgresDir: string;
  readonly clusterDir: string;
  readonly binaries: PostgresBinaries;
  readonly account: PostgresAccount | undefined;
  /** A cluster for tests need not survive the machine's crash. */
  readonly isDisposable: boolean;
}

/**
 * The cluster's major version as its folder tells it ("18"), or undefined when there is none yet.
 *
 * @throws DatabaseUnavailable when the folder is there and is not a cluster.
 */
export async function readClusterMajor(clusterDir: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(clusterDir, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT" && !existsSync(clusterDir)) return undefined;
    throw new DatabaseUnavailable(
      `The folder ${clusterDir} holds no Postgres database that can be read; move it away, or set LOCI_DATA_DIR.`,
      { cause: error },
    );
  }
}

/**
 * Makes the cluster: UTF-8 throughout, sorted by code point whatever the machine's locale, and entered
 * with the password only. It is made beside its place and renamed, so a start that is killed in the
 * middle leaves no half cluster; what such a start left is removed.
 *
 * @throws DatabaseUnavailable when the disk is full or the account cannot get there.
 */
export async function makeCluster(maker: ClusterMaker, password: string): Promise<void> {
  const { postgresDir, clusterDir, account } = maker;
  for (const name of await readdir(postgresDir)) {
    if (name.startsWith("draft-")) await rm(path.join(postgresDir, name), { recursive: true, force: true });
  }
  const draft = path.join(postgresDir, `draft-${randomUUID()}`);
  const passwordFile = `${draft}.password`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account !== undefined) {
      await chown(draft, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    await runInitdb(maker, draft, passwordFile);
    await rename(draft, clusterDir);
    await syncFolder(postgresDir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error instanceof DatabaseUnavailable ? error : folderFault(postgresDir, error);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function runInitdb(maker: ClusterMaker, draft: string, passwordFile: string): Promise<void> {
  const { binaries, account, postgresDir } = maker;
  const result = await runProgram(
    binaries.initdb,
    [
      `--pgdata=${draft}`,
      `--username=${clusterUser}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      // Without these the cluster takes the encoding of our empty locale, which is SQL_ASCII.
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-instructions",
      ...(maker.isDisposable ? ["--no-sync"] : []),
    ],
    { account, timeoutMs: initdbTimeoutMs },
  );
  if (result.isSuccess) return;
  const closed = account && (await findClosedFolder(draft, account));
  if (account && closed) throw folderClosed(closed, account);
  if (saysDiskFull(result.output)) throw new DatabaseUnavailable(diskFull(postgresDir));
  // The last line stands for the rest where none is marked as the error.
  const reason =
    /(?:initdb: error|FATAL|PANIC): .*/.exec(result.output)?.[0] ?? result.output.trim().split("\n").at(-1);
  throw new DatabaseUnavailable(`Postgres could not make its database in ${postgresDir} (${reason}).`);
}

/**
 * The password of the cluster's user, made at the first call and kept in a file that only its owner reads.
 *
 * @throws DatabaseUnavailable when the cluster exists and the password does not.
 */
export async function keepPassword(postgresDir: string, hasCluster: boolean): Promise<string> {
  const file = path.join(postgresDir, "password");
  const kept = await readFile(file, "utf8").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw folderFault(postgresDir, error);
  });
  if (kept !== undefined) return kept;
  if (hasCluster) {
    throw new DatabaseUnavailable(
      `The database's password is missing: the file ${file} is gone; restore it, or set LOCI_DATA_DIR to a new folder.`,
    );
  }
  const password = randomBytes(24).toString("base64url");
  const draft = `${file}.draft-${randomUUID()}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    await handle.writeFile(password);
    // The cluster is made with this password next; losing it afterwards would lock us out for good.
    await handle.sync();
    await handle.close();
    await rename(draft, file);
  } catch (error) {
    throw folderFault(postgresDir, error);
  }
  return password;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync();
  await handle.close();
}
