import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const runFile = promisify(execFile);
/** Our programs run in the repository's root. */
const biome = path.join("node_modules", ".bin", "biome");
const reportBytesMax = 64 * 2 ** 20;

/**
 * Writes what a program found into a file of the repository, as `biome check` wants to see it there: tables padded, JSON
 * broken into lines.
 * @throws {Error} when it cannot be formatted; then it is there as it came, for it may be the only result of a long run
 */
export async function keepReport(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await writeFile(file, await formatted(file, text));
}

async function formatted(file: string, text: string): Promise<string> {
  // Of the name only the ending matters; of a path outside the repository Biome would break down.
  const name = `--stdin-file-path=${path.basename(file)}`;
  const formatting = runFile(biome, ["format", name], { maxBuffer: reportBytesMax });
  formatting.child.stdin?.end(text);
  return (await formatting).stdout;
}
