import pg from "pg";
import { withDatabase } from "../../src/database/connection-target.ts";
import { createDatabaseIfMissing } from "../../src/database/create-database.ts";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import type { Lifetime } from "../../src/lifetime.ts";
import { killPostgres } from "../crash/kill-postgres.ts";
import { type OwnPostgres, startOwnPostgres, stopPostgresIn } from "../program/own-postgres.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const databaseName = "loci";

/**
 * A Postgres that is restarted and crashed. With the settings it has in earnest: the quick ones of tests would lose what
 * was committed last, and this is about nothing being lost.
 */
export class ChaosPostgres {
  readonly #dataDir: string;
  readonly proxy: TcpProxy;
  #connectionString: string;

  private constructor({ dataDir, connectionString }: OwnPostgres, proxy: TcpProxy) {
    this.#dataDir = dataDir;
    this.#connectionString = connectionString;
    this.proxy = proxy;
  }

  /** Starts one in a temporary folder; with the lifetime's end all is gone. */
  static async start(lifetime: Lifetime): Promise<ChaosPostgres> {
    const running = await startOwnPostgres(lifetime, { name: "chaos" });
    await createDatabaseIfMissing(running.connectionString, databaseName);
    const proxy = await lifetime.keep({
      name: "the net to Postgres",
      make: () => openTcpProxy(() => Number(new URL(postgres.direct).port)),
      stop: (made) => made.close(),
    });
    const postgres = new ChaosPostgres(running, proxy);
    return postgres;
  }

  /** For those who look at what is the case: not through the net that is broken. */
  get direct(): string {
    return withDatabase(this.#connectionString, databaseName);
  }

  /** For Loci. The same over all restarts. */
  get proxied(): string {
    const url = new URL(this.direct);
    url.port = String(this.proxy.port);
    return url.href;
  }

  /** Ends all sessions, and starts it again. */
  async restart(): Promise<void> {
    await stopPostgresIn(this.#dataDir);
    await this.#start();
  }

  /** Kills it with -9, all of it, and starts it again: it recovers from its log. */
  async crash(): Promise<void> {
    await killPostgres(this.#dataDir);
    await this.#start();
  }

  async #start(): Promise<void> {
    const { connectionString } = await startEmbeddedPostgres({ dataDir: this.#dataDir });
    this.#connectionString = connectionString;
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
