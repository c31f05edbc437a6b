import { chmod, mkdir, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { DatabaseUnavailable, errorCode, errorMessage } from "./errors.ts";

/** What the default folder depends on. */
export interface FolderEnvironment {
  readonly isRoot: boolean;
  readonly home: string;
  /** `XDG_DATA_HOME`; a relative or empty one counts as not set, as the XDG specification asks. */
  readonly xdgDataHome: string | undefined;
}

/**
 * Where Loci keeps its data unless told otherwise. Root's folder lies outside root's home, which the
 * account that Postgres runs as cannot enter.
 */
export function defaultDataDir(environment: FolderEnvironment): string {
  if (environment.isRoot) return "/var/lib/loci";
  const { xdgDataHome, home } = environment;
  const base = xdgDataHome && path.isAbsolute(xdgDataHome) ? xdgDataHome : path.join(home, ".local", "share");
  return path.join(base, "loci");
}

/**
 * Root's folders may be passed through, so that Postgres' account reaches its own below them, but not
 * listed; an ordinary user's are closed to others.
 */
function folderMode(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700;
}

/**
 * Makes a folder with what it lacks of parents, or takes the one that is there, and answers its real
 * path. A folder with something in it keeps its mode: it may be somebody's home.
 *
 * @throws DatabaseUnavailable when it cannot be made or read.
 */
export async function prepareFolder(folder: string): Promise<string> {
  const absolute = path.resolve(folder);
  try {
    const firstMade = await mkdir(absolute, { recursive: true });
    // mkdir's own mode is cut by the umask, hence chmod.
    const isOurs = firstMade !== undefined || (await readdir(absolute)).length === 0;
    if (isOurs) {
      let made = absolute;
      await chmod(made, folderMode());
      while (firstMade !== undefined && made !== firstMade) {
        made = path.dirname(made);
        await chmod(made, folderMode());
      }
    }
    return await realpath(absolute);
  } catch (error) {
    throw folderFault(absolute, error);
  }
}

/** One sentence for what the file system said about the data folder. */
export function folderFault(folder: string, error: unknown): DatabaseUnavailable {
  const advice = "set LOCI_DATA_DIR to a folder that this user may write";
  switch (errorCode(error)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new DatabaseUnavailable(`The data folder ${folder} cannot be written; ${advice}.`, {
        cause: error,
      });
    case "ENOTDIR":
    case "EEXIST":
      return new DatabaseUnavailable(`The data folder ${folder} is not a folder; ${advice}.`, {
        cause: error,
      });
    case "ENOSPC":
    case "EDQUOT":
      return new DatabaseUnavailable(diskFull(folder), { cause: error });
    default:
      return new DatabaseUnavailable(`The data folder ${folder} cannot be used: ${errorMessage(error)}.`, {
        cause: error,
      });
  }
}

/** Whether these are the words of a Postgres program that found the disk full. */
export function saysDiskFull(output: string): boolean {
  return /No space left on device|Disk quota exceeded|Check free disk space/.test(output);
}

/** The sentence for a full disk. */
export function diskFull(folder: string): string {
  return `The disk that holds ${folder} is full; free some space, or set LOCI_DATA_DIR to a folder elsewhere.`;
}
