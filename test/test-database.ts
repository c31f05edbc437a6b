import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { withDatabase } from "../src/database/connection-target.ts";
import type { TestCluster } from "./global-setup.ts";

/** A database for one test alone, with our tables and the durable engine's. */
export interface TestDatabase {
  readonly connectionString: string;
  /** Removes it, ending the sessions in it. A repeat does nothing. */
  drop(): Promise<void>;
}

/**
 * Makes a database for one test (20 to 45 ms). The Postgres is the one that this run of the tests started;
 * whatever else answers at its address is refused and left as it is.
 */
export async function createTestDatabase(
  cluster: TestCluster = inject("testCluster"),
): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  const database = pg.escapeIdentifier(name);
  await onTestCluster(
    cluster,
    `CREATE DATABASE ${database} TEMPLATE ${pg.escapeIdentifier(cluster.templateName)}`,
  );
  return {
    connectionString: withDatabase(cluster.connectionString, name),
    drop: () => onTestCluster(cluster, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

async function onTestCluster(cluster: TestCluster, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
    if (rows[0]?.data_directory !== cluster.clusterDir) {
      throw new Error(
        "Refused: the Postgres that answers is not the one that this run of the tests started.",
      );
    }
    await client.query(sql);
  } finally {
    await client.end();
  }
}
