import pg from "pg";
import { withDatabase } from "../../src/database/connection-target.ts";
import { createDatabaseIfMissing } from "../../src/database/create-database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../../src/database/folder-lock.ts";
import { findPostmaster, stopPostmaster } from "../../src/database/postmaster.ts";
import type { Lifetime } from "../../src/lifetime.ts";
import { killPostgres } from "../crash/kill-postgres.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { clusterDirOf } from "../loci-process.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A folder of this name is cleaned up by the tests' global setup when a run was itself killed. */
const folderPrefix = "loci-test-cluster-chaos-";
const databaseName = "loci";

/**
 * A Postgres that is restarted and crashed. With the settings it has in earnest: the quick ones of tests would lose what
 * was committed last, and this is about nothing being lost.
 */
export class ChaosPostgres {
  readonly #dataDir: string;
  readonly proxy: TcpProxy;
  #running: EmbeddedPostgres;

  private constructor(dataDir: string, running: EmbeddedPostgres, proxy: TcpProxy) {
    this.#dataDir = dataDir;
    this.#running = running;
    this.proxy = proxy;
  }

  /** Starts one in a temporary folder; with the lifetime's end all is gone. */
  static async start(lifetime: Lifetime): Promise<ChaosPostgres> {
    const folder = await lifetime.keep({
      name: "the data folder",
      make: () => makeTemporaryFolder(folderPrefix),
      stop: (made) => made.remove(),
      outlivesUs: true,
    });
    await lifetime.keep({
      name: "the hold on the data folder",
      make: () => holdDataFolder(folder.path),
      stop: (made) => made.release(),
    });
    const running = await lifetime.keep({
      name: "Postgres",
      make: () => startEmbeddedPostgres({ dataDir: folder.path }),
      // By its folder: it is another process by then.
      stop: () => stopIn(folder.path),
      outlivesUs: true,
    });
    await createDatabaseIfMissing(running.connectionString, databaseName);
    const proxy = await lifetime.keep({
      name: "the net to Postgres",
      make: () => openTcpProxy(() => Number(new URL(postgres.direct).port)),
      stop: (made) => made.close(),
    });
    const postgres = new ChaosPostgres(folder.path, running, proxy);
    return postgres;
  }

  /** For those who look at what is the case: not through the net that is broken. */
  get direct(): string {
    return withDatabase(this.#running.connectionString, databaseName);
  }

  /** For Loci. The same over all restarts. */
  get proxied(): string {
    const url = new URL(this.direct);
    url.port = String(this.proxy.port);
    return url.href;
  }

  /** Ends all sessions, and starts it again. */
  async restart(): Promise<void> {
    await stopIn(this.#dataDir);
    await this.#start();
  }

  /** Kills it with -9, all of it, and starts it again: it recovers from its log. */
  async crash(): Promise<void> {
    await killPostgres(this.#dataDir);
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#running = await startEmbeddedPostgres({ dataDir: this.#dataDir });
  }

  /** Asks, on a connection that lasts as long as the question. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.direct, connectionTimeoutMillis: 10_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }
}

async function stopIn(dataDir: string): Promise<void> {
  const postmaster = await findPostmaster(clusterDirOf(dataDir));
  if (postmaster !== undefined) await stopPostmaster(postmaster.process);
}
