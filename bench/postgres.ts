import { createDatabaseIfMissing } from "../src/database/create-database.ts";
import { findPostmaster } from "../src/database/postmaster.ts";
import type { Lifetime } from "../src/lifetime.ts";
import { clusterDirOf } from "../test/loci-process.ts";
import { startOwnPostgres } from "../test/program/own-postgres.ts";
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
  const { dataDir, connectionString } = await startOwnPostgres(lifetime, { name: "bench" });
  const postmaster = await findPostmaster(clusterDirOf(dataDir));
  if (postmaster === undefined) throw new Error("The Postgres that was just started is not there.");
  return {
    connectionString,
    createDatabase: (name) => createDatabaseIfMissing(connectionString, name),
    processorMs: () => processorMs(postmaster.process.pid),
  };
}
