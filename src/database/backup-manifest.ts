import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Tree } from "./copy-tree.ts";
import { errorMessage } from "./errors.ts";

/** A backup cannot be made, or not be restored, as things are. The message is one sentence for people. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}

/** The file that makes a folder a backup: written last. */
export const manifestFile = "manifest.json";

const manifestSchema = z.object({
  backup: z.literal("loci"),
  version: z.literal(1),
  takenAt: z.iso.datetime(),
  /** Whether Loci's Postgres ran meanwhile. */
  isOnline: z.boolean(),
  postgresMajor: z.string(),
  folders: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })),
});

/** What a backup says of itself. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Writes it, down to the disk. @throws when there is one already */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  await writeFile(path.join(folder, manifestFile), text, { mode: 0o600, flag: "wx", flush: true });
}

/** What the backup in this folder says of itself. @throws {BackupRefused} when the folder is no backup */
export async function readManifest(folder: string): Promise<Manifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path.join(folder, manifestFile), "utf8")));
  } catch (error) {
    const why = error instanceof z.ZodError ? "its manifest is not one of this version" : errorMessage(error);
    throw new BackupRefused(`${folder} is no backup of Loci, or it is not complete (${why}).`);
  }
}

/**
 * Compares what there is with what there should be. Empty folders that got lost on the way do not count.
 * @throws {BackupRefused} naming the first difference
 */
export function checkFiles(expected: Manifest["files"], { files }: Tree, where: string): void {
  const found = new Map(files.map((file) => [file.path, file]));
  for (const { path: name, bytes, sha256 } of expected) {
    const file = found.get(name);
    if (file === undefined) throw new BackupRefused(`${where} lacks ${name}.`);
    if (file.bytes !== bytes || file.sha256 !== sha256) {
      throw new BackupRefused(
        `${name} in ${where} is not what was backed up: ${file.bytes} bytes of ${bytes}.`,
      );
    }
    found.delete(name);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw new BackupRefused(`${where} holds ${extra}, which is not part of it.`);
}
