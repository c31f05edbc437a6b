import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** A folder for one test. */
export interface TemporaryFolder {
  readonly path: string;
  /** Removes it with all it holds. A repeat does nothing. */
  remove(): Promise<void>;
}

/**
 * Makes an empty folder directly below the system's temporary one. mkdtemp closes it to everybody else; it
 * is opened for passing through, since Postgres runs as another account where the tests run as root.
 */
export async function makeTemporaryFolder(prefix: string): Promise<TemporaryFolder> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), prefix)));
  await chmod(folder, 0o711);
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
