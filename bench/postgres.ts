import path from "node:path";
import { createDatabaseIfMissing } from "../src/database/create-database.ts";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../src/database/folder-lock.ts";
import { findPostmaster } from "../src/database/postmaster.ts";
import type { Lifetime } from "../src/lifetime.ts";
import { makeTemporaryFolder } from "../test/database/temporary-folder.ts";
import { processorMs } from "./processor-time.ts";

/** The Postgres of a run of the bench: the one that Loci brings along, with the settings it has in earnest. */
export interface BenchPostgres {
  /** Of the maintenance database, as superuser. */
  readonly connectionString: string;
  /** An empty database of this name; answers its connection string. */
  createDatabase(name: string): Promise<string>;
  /** What all its processes have used so far. */
  processorMs(): number;
}

/** Starts it in a temporary folder; with the lifetime's end both are gone. */
export async function startPostgres(lifetime: Lifetime): Promise<BenchPostgres> {
  const folder = await lifetime.keep({
    name: "the data folder",
    // A folder of this name is cleaned up by the tests' global setup when a run was itself killed.
    make: () => makeTemporaryFolder("loci-test-cluster-bench-"),
    stop: (made) => made.remove(),
    outlivesUs: true,
  });
  await lifetime.keep({
    name: "the hold on the data folder",
    make: () => holdDataFolder(folder.path),
    stop: (made) => made.release(),
  });
  const { connectionString } = await lifetime.keep({
    name: "Postgres",
    make: () => startEmbeddedPostgres({ dataDir: folder.path }),
    stop: (made) => made.stop(),
    outlivesUs: true,
  });
  const postmaster = await findPostmaster(path.join(folder.path, "postgres", "cluster"));
  if (postmaster === undefined) throw new Error("The Postgres that was just started is not there.");
  return {
    connectionString,
    createDatabase: (name) => createDatabaseIfMissing(connectionString, name),
    processorMs: () => processorMs(postmaster.process.pid),
  };
}
