import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { folderFault, prepareFolder } from "./data-folder.ts";
import { DataFolderInUse, errorCode } from "./errors.ts";
import { identifyProcess } from "./process-identity.ts";

/** A hold on a data folder. It ends with `release` or with the process, however that dies. */
export interface FolderHold {
  /** Lets the folder go. A repeat does nothing. */
  release(): Promise<void>;
}

/** What a lock file says of its holder. */
interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  /** Process ids mean something only in the pid namespace (the container) they come from. */
  readonly pidNamespace: string;
  readonly isReleased: boolean;
}

/** Takes over at most this many dead holders in one call; more means that something is badly wrong. */
const attemptsMax = 100;

/**
 * Holds `dataDir` for this process alone, making it if need be. A holder that died, by kill -9 too, is
 * told from a living process that was given the same pid.
 *
 * Lock files are numbered. The highest number counts; whoever finds its holder dead or gone makes the
 * next number, which the file system grants once, and only then removes the lower ones. So no step
 * removes a lock that somebody else may have made in the meantime.
 *
 * Limit: holders in another container count as dead, since their process ids cannot be looked up.
 *
 * @throws DataFolderInUse at once when a living process holds it (this one included).
 * @throws DatabaseUnavailable when the folder cannot be made or written.
 */
export async function holdDataFolder(dataDir: string): Promise<FolderHold> {
  const folder = await prepareFolder(dataDir);
  const lockDir = path.join(folder, "lock");
  const self = await identifyProcess(process.pid);
  const mine: Holder = {
    pid: process.pid,
    startedAt: self?.startedAt ?? "",
    pidNamespace: await ownPidNamespace(),
    isReleased: false,
  };
  try {
    await mkdir(lockDir, { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const highest = (await lockNumbers(lockDir)).at(-1) ?? 0;
      if (highest > 0) {
        const holder = await readHolder(lockDir, highest);
        // Gone since the list was read: a higher one has been made.
        if (holder === undefined) continue;
        if (await isHeld(holder, mine.pidNamespace)) throw new DataFolderInUse(folder, holder.pid);
      }
      const number = highest + 1;
      if (!(await makeLock(lockDir, number, mine))) continue;
      const numbers = await lockNumbers(lockDir);
      if (numbers.at(-1) !== number) {
        // This number had been used and removed; the lock now lies with a higher one.
        await rm(lockFile(lockDir, number), { force: true });
        continue;
      }
      await Promise.all(numbers.slice(0, -1).map((lower) => rm(lockFile(lockDir, lower), { force: true })));
      return { release: releaseOnce(lockDir, number, mine) };
    }
  } catch (error) {
    if (error instanceof DataFolderInUse) throw error;
    throw folderFault(folder, error);
  }
  throw new DataFolderInUse(
    folder,
    (await readHolder(lockDir, (await lockNumbers(lockDir)).at(-1) ?? 0))?.pid ?? 0,
  );
}

function lockFile(lockDir: string, number: number): string {
  return path.join(lockDir, String(number));
}

/** The numbers in use, lowest first. */
async function lockNumbers(lockDir: string): Promise<number[]> {
  const names = await readdir(lockDir);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function readHolder(lockDir: string, number: number): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(lockFile(lockDir, number), "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    // Files are complete when they get their name; one cut short by a machine's crash has no holder.
    if (error instanceof SyntaxError) return { pid: 0, startedAt: "", pidNamespace: "", isReleased: true };
    throw error;
  }
}

async function isHeld(holder: Holder, pidNamespace: string): Promise<boolean> {
  if (holder.isReleased || holder.pidNamespace !== pidNamespace) return false;
  return (await identifyProcess(holder.pid))?.startedAt === holder.startedAt;
}

/** Writes the lock under a name of its own and links it to its number: complete, or not there. */
async function makeLock(lockDir: string, number: number, holder: Holder): Promise<boolean> {
  const draft = await writeDraft(lockDir, holder);
  try {
    await link(draft, lockFile(lockDir, number));
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(lockDir: string, holder: Holder): Promise<string> {
  const draft = path.join(lockDir, `draft-${randomUUID()}`);
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  return draft;
}

/** The file stays, marked: numbers only grow, which is what makes the takeover safe. */
function releaseOnce(lockDir: string, number: number, holder: Holder): () => Promise<void> {
  let released: Promise<void> | undefined;
  const release = async () => {
    try {
      const draft = await writeDraft(lockDir, { ...holder, isReleased: true });
      await rename(draft, lockFile(lockDir, number));
    } catch (error) {
      // The folder was removed while we held it, and the hold with it.
      if (errorCode(error) !== "ENOENT") throw error;
    }
  };
  return () => {
    released ??= release();
    return released;
  };
}

async function ownPidNamespace(): Promise<string> {
  // Only Linux has them.
  return readlink("/proc/self/ns/pid").catch(() => "");
}
