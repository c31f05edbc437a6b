import { execFile } from "node:child_process";
import { symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeTemporaryFolder } from "./database/temporary-folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const runFile = promisify(execFile);

/** Loci compiled from today's sources, to be run by `node`. */
export interface LociProgram {
  /** The compiled `main.js`. */
  readonly main: string;
  /** Removes it. A repeat does nothing. */
  remove(): Promise<void>;
}

/**
 * Compiles Loci into a folder of its own, as the build does, in about two seconds. Not into `dist/`: a process that
 * runs from there would break when somebody builds at the same time, and a stale `dist/` would be tested unseen.
 * Types are not checked, and the generated database client must be there.
 */
export async function compileLoci(): Promise<LociProgram> {
  const folder = await makeTemporaryFolder("loci-program-");
  const dist = path.join(folder.path, "dist");
  try {
    const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
    const project = path.join(root, "tsconfig.build.json");
    await runFile(process.execPath, [compiler, "-p", project, "--noCheck", "--outDir", dist]);
    await symlink(path.join(root, "prisma", "migrations"), path.join(dist, "migrations"));
    // GraphiQL's own page is read from src/, and packages from node_modules/, both beside dist/.
    for (const name of ["src", "node_modules"]) {
      await symlink(path.join(root, name), path.join(folder.path, name));
    }
    await writeFile(path.join(folder.path, "package.json"), `{"type":"module"}`);
  } catch (error) {
    await folder.remove();
    throw error;
  }
  return { main: path.join(dist, "main.js"), remove: folder.remove };
}
