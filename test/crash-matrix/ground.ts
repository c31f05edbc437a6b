import { randomBytes } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";
import { forEngine, withDatabase } from "../../src/database/connection-target.ts";
import { migrate } from "../../src/database/migrate.ts";
import type { Lifetime } from "../../src/lifetime.ts";
import { startOwnPostgres } from "../program/own-postgres.ts";

/** A database of a batch alone, with our tables and the engine's. */
export interface MatrixDatabase {
  readonly url: string;
  /** Removes it, ending the sessions in it. */
  drop(): Promise<void>;
}

/** The Postgres of a run of the matrix. */
export interface Ground {
  readonly postgresUrl: string;
  createDatabase(): Promise<MatrixDatabase>;
}

/** Starts one of its own in a temporary folder; with the lifetime's end both are gone. */
export async function openGround(lifetime: Lifetime): Promise<Ground> {
  const { connectionString } = await startOwnPostgres(lifetime, { name: "matrix", isDisposable: true });
  const template = "crash_matrix";
  await run(connectionString, `CREATE DATABASE ${template}`);
  const url = withDatabase(connectionString, template);
  // Beside main.js, where the sources are compiled to.
  const migrationsDir = path.join(fileURLToPath(new URL("../../src", import.meta.url)), "migrations");
  await migrate(url, { migrationsDir });
  await DBOS.migrate(forEngine(url), { schemaName: "dbos" });
  return {
    postgresUrl: connectionString,
    createDatabase: async () => {
      const name = `matrix_${randomBytes(8).toString("hex")}`;
      await run(connectionString, `CREATE DATABASE ${name} TEMPLATE ${template}`);
      return {
        url: withDatabase(connectionString, name),
        drop: () => run(connectionString, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      };
    },
  };
}

async function run(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
