import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../../src/database/folder-lock.ts";
import { findPostmaster, stopPostmaster } from "../../src/database/postmaster.ts";
import type { Lifetime } from "../../src/lifetime.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { clusterDirOf } from "../loci-process.ts";

/** A Postgres of a program's own: the one that Loci brings along, in a temporary folder. */
export interface OwnPostgres {
  readonly dataDir: string;
  /** Of the maintenance database, as superuser. */
  readonly connectionString: string;
}

/**
 * Starts one; with the lifetime's end it and its folder are gone. `name` tells whose it is. With the settings that it has in
 * earnest, unless it is disposable: then it is quicker, and would lose in a crash what was committed last.
 */
export async function startOwnPostgres(
  lifetime: Lifetime,
  { name, isDisposable = false }: { readonly name: string; readonly isDisposable?: boolean },
): Promise<OwnPostgres> {
  const { path: dataDir } = await lifetime.keep({
    name: "the data folder",
    // A folder of this name is cleaned up by the tests' global setup when a run was itself killed.
    make: () => makeTemporaryFolder(`loci-test-cluster-${name}-`),
    stop: (made) => made.remove(),
    outlivesUs: true,
  });
  await lifetime.keep({
    name: "the hold on the data folder",
    make: () => holdDataFolder(dataDir),
    stop: (made) => made.release(),
  });
  const { connectionString } = await lifetime.keep({
    name: "Postgres",
    make: () => startEmbeddedPostgres({ dataDir, isDisposable }),
    // By its folder: who restarts it has another process by then.
    stop: () => stopPostgresIn(dataDir),
    outlivesUs: true,
  });
  return { dataDir, connectionString };
}

/** Stops the Postgres that runs on a data folder, if one does. */
export async function stopPostgresIn(dataDir: string): Promise<void> {
  const postmaster = await findPostmaster(clusterDirOf(dataDir));
  if (postmaster !== undefined) await stopPostmaster(postmaster.process);
}
