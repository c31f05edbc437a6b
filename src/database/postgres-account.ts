import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { DatabaseUnavailable, errorCode } from "./errors.ts";

/** The account that Postgres' programs run as when Loci runs as root, for Postgres refuses root. */
export interface PostgresAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** In the order of preference. Every Unix has the last one. */
const candidates = ["postgres", "_postgres", "nobody"];

/**
 * The account to drop to, or undefined for an ordinary user, who runs Postgres himself. A cluster that
 * exists keeps its owner, so an account that is installed later does not lock us out.
 *
 * @throws DatabaseUnavailable when root finds no such account, or when the cluster is another user's.
 */
export async function choosePostgresAccount(clusterDir: string): Promise<PostgresAccount | undefined> {
  const owner = await ownerOf(clusterDir);
  const uid = process.getuid?.();
  if (uid !== 0) {
    if (owner !== undefined && uid !== undefined && owner.uid !== uid) {
      throw new DatabaseUnavailable(
        `The database in ${clusterDir} belongs to another user (uid ${owner.uid}); set LOCI_DATA_DIR to a folder of your own.`,
      );
    }
    return undefined;
  }
  if (owner !== undefined && owner.uid !== 0) return { name: `uid ${owner.uid}`, ...owner };
  const accounts = await readAccounts();
  const account = candidates.map((name) => accounts.get(name)).find((found) => found !== undefined);
  if (account === undefined) {
    throw new DatabaseUnavailable(
      `Postgres does not run as root, and this system has no account ${candidates.join(", ")} to run it as; start Loci as an ordinary user, or set DATABASE_URL.`,
    );
  }
  return account;
}

async function ownerOf(folder: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new DatabaseUnavailable(`The database in ${folder} cannot be reached; set LOCI_DATA_DIR.`, {
      cause: error,
    });
  }
}

async function readAccounts(): Promise<Map<string, PostgresAccount>> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  const accounts = new Map<string, PostgresAccount>();
  for (const line of lines) {
    const [name, , uid, gid] = line.split(":");
    if (name && Number(uid) > 0) accounts.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}

/**
 * The first folder on the way to `target` that the account may not pass through, judged by mode bits
 * alone. It explains a refusal that the system has made; it does not make one.
 */
export async function findClosedFolder(
  target: string,
  account: PostgresAccount,
): Promise<string | undefined> {
  const folders: string[] = [];
  for (let folder = path.dirname(target); ; folder = path.dirname(folder)) {
    folders.unshift(folder);
    if (folder === path.dirname(folder)) break;
  }
  for (const folder of folders) {
    const { uid, gid, mode } = await stat(folder);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    if (((mode >> shift) & 0o1) === 0) return folder;
  }
  return undefined;
}

/** The sentence for a folder that keeps Postgres' account out. */
export function folderClosed(folder: string, account: PostgresAccount): DatabaseUnavailable {
  return new DatabaseUnavailable(
    `Postgres runs as the account ${account.name} when Loci runs as root, and ${account.name} may not enter ${folder}; set LOCI_DATA_DIR to a folder that it can reach, such as /var/lib/loci.`,
  );
}
