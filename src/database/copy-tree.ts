import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, type FileHandle, mkdir, open, readdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "./errors.ts";

/** A file of a tree: where it lies in it, and what is in it. */
export interface TreeFile {
  /** From the tree's root, with `/` between the parts. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** All that is in a folder. */
export interface Tree {
  /** From the root, parents first. Some are empty, and Postgres needs them all the same. */
  readonly folders: readonly string[];
  readonly files: readonly TreeFile[];
}

/** There is something in a tree that is neither a file nor a folder. The message names it. */
export class StrangeEntry extends Error {
  override readonly name = "StrangeEntry";

  constructor(entry: string) {
    super(`${entry} is neither a file nor a folder; what links lead to is not followed.`);
  }
}

/** How to walk and copy a tree. */
export interface CopyOptions {
  /** What to leave out: a file, or a folder with all that is in it. Asked with the path from the root. */
  readonly skips?: (path: string, isFolder: boolean) => boolean;
  /** Whether files may go away while they are copied, as those of a running database do. They are left out then. */
  readonly mayVanish?: boolean;
  /** Broken off between two files when aborted. */
  readonly signal?: AbortSignal;
}

const chunkBytes = 1024 * 1024;

/**
 * Copies a folder into a new one, which only its owner can enter (0700), with files that only he can read (0600), each
 * written down to the disk. Follows no links. Answers what it wrote.
 * @throws {StrangeEntry} at a link, a socket and the like
 * @throws when `to` exists, or what the file system says
 */
export async function copyTree(from: string, to: string, options: CopyOptions = {}): Promise<Tree> {
  await mkdir(to, { mode: 0o700 });
  await chmod(to, 0o700);
  const tree = await walk(from, to, options);
  for (const folder of ["", ...tree.folders]) await syncFolder(path.join(to, folder));
  return tree;
}

/** Reads all that is in a folder. @throws {StrangeEntry} as `copyTree` */
export async function readTree(folder: string): Promise<Tree> {
  return walk(folder, null, {});
}

/** Copies one file as `copyTree` does. @throws when `to` exists */
export async function copyOneFile(from: string, to: string): Promise<Omit<TreeFile, "path">> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = await open(to, "wx", 0o600);
    try {
      const copied = await pour(source, target);
      await target.sync();
      return copied;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Writes a file's or a folder's place in its folder down to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync();
  await handle.close();
}

async function walk(root: string, to: string | null, options: CopyOptions): Promise<Tree> {
  const folders: string[] = [];
  const files: TreeFile[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
      options.signal?.throwIfAborted();
      const inTree = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (options.skips?.(inTree, entry.isDirectory()) === true) continue;
      if (entry.isDirectory()) {
        if (to !== null) await mkdir(path.join(to, inTree), { mode: 0o700 });
        folders.push(inTree);
        await visit(inTree).catch(unlessVanished(options));
      } else if (entry.isFile()) {
        const file = await copyOrRead(path.join(root, inTree), to && path.join(to, inTree)).catch(
          unlessVanished(options),
        );
        if (file !== undefined) files.push({ path: inTree, ...file });
      } else {
        throw new StrangeEntry(path.join(root, inTree));
      }
    }
  };
  await visit("");
  return { folders, files };
}

function unlessVanished({ mayVanish }: CopyOptions) {
  return (error: unknown): undefined => {
    if (mayVanish !== true || errorCode(error) !== "ENOENT") throw error;
  };
}

async function copyOrRead(from: string, to: string | null): Promise<Omit<TreeFile, "path">> {
  if (to !== null) return copyOneFile(from, to);
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await pour(source, null);
  } finally {
    await source.close();
  }
}

async function pour(source: FileHandle, target: FileHandle | null): Promise<Omit<TreeFile, "path">> {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(chunkBytes);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, chunkBytes, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest("hex") };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    if (target !== null) await target.writeFile(chunk);
    bytes += bytesRead;
  }
}
