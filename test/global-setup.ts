import { readdir, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { forEngine } from "../src/database/connection-target.ts";
import { createDatabaseIfMissing } from "../src/database/create-database.ts";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { DataFolderInUse } from "../src/database/errors.ts";
import { holdDataFolder } from "../src/database/folder-lock.ts";
import { migrate } from "../src/database/migrate.ts";
import { findPostmaster, stopPostmaster } from "../src/database/postmaster.ts";
import { makeTemporaryFolder } from "./database/temporary-folder.ts";

/** The Postgres that a run of the tests starts for itself. */
export interface TestCluster {
  /** Of its maintenance database, as superuser. */
  readonly connectionString: string;
  /** The folder of its data, by which it is known again. */
  readonly clusterDir: string;
  /** The migrated database that each test's own is copied from. */
  readonly templateName: string;
}

declare module "vitest" {
  interface ProvidedContext {
    testCluster: TestCluster;
  }
}

const folderPrefix = "loci-test-cluster-";
/** A run that is younger may not have taken its folder yet. */
const leftoverAgeMs = 10 * 60_000;
const templateName = "loci_template";
const migrationsDir = fileURLToPath(new URL("../prisma/migrations", import.meta.url));

/**
 * Runs once before all tests: starts a Postgres and makes the template. What it returns runs after them,
 * whether they passed or failed, and leaves nothing behind.
 */
export async function setup(project: Pick<TestProject, "provide">): Promise<() => Promise<void>> {
  await removeLeftovers();
  const folder = await makeTemporaryFolder(folderPrefix);
  const undo: (() => Promise<void>)[] = [folder.remove];
  const teardown = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const hold = await holdDataFolder(folder.path);
    undo.push(hold.release);
    const postgres = await startEmbeddedPostgres({ dataDir: folder.path, isDisposable: true });
    undo.push(postgres.stop);
    await makeTemplate(postgres.connectionString);
    project.provide("testCluster", {
      connectionString: postgres.connectionString,
      clusterDir: clusterDirOf(folder.path),
      templateName,
    });
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** Our tables and the durable engine's, in a database that nobody may enter: a copy needs it unused. */
async function makeTemplate(connectionString: string): Promise<void> {
  const template = await createDatabaseIfMissing(connectionString, templateName);
  await migrate(template, { migrationsDir });
  await DBOS.migrate(forEngine(template), { schemaName: "dbos" });
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(`ALTER DATABASE ${pg.escapeIdentifier(templateName)} WITH ALLOW_CONNECTIONS false`);
  } finally {
    await client.end();
  }
}

/** Stops and removes what earlier runs left that were killed before they could. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const dataDir = path.join(os.tmpdir(), name);
    const found = await stat(dataDir).catch(() => undefined);
    if (found === undefined || found.uid !== process.getuid?.()) continue;
    if (Date.now() - found.mtimeMs < leftoverAgeMs) continue;
    try {
      await holdDataFolder(dataDir);
    } catch (error) {
      if (error instanceof DataFolderInUse) continue;
      throw error;
    }
    const postmaster = await findPostmaster(clusterDirOf(dataDir));
    if (postmaster !== undefined) await stopPostmaster(postmaster.process);
    await rm(dataDir, { recursive: true, force: true });
  }
}

function clusterDirOf(dataDir: string): string {
  return path.join(dataDir, "postgres", "cluster");
}
