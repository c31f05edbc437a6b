import { randomUUID } from "node:crypto";
import pg from "pg";
import { connectionFault, inUtc } from "./connection-target.ts";
import { DatabaseUnavailable, errorCode, errorMessage, MigrationFailed } from "./errors.ts";
import { findPending, type Migration, readMigrations } from "./migration-history.ts";

/** Where the migrations are. */
export interface MigrateOptions {
  /** Prisma's folder: `<migrationsDir>/<time>_<name>/migration.sql`. */
  readonly migrationsDir: string;
  /** Receives a sentence for each migration that is applied. */
  readonly log?: (message: string) => void;
}

const connectTimeoutMs = 10_000;
/** The lock that `prisma migrate` takes: only one of all of them migrates at a time. */
const prismaLock = 72_707_369;
/** Another process may be in the middle of a long migration. */
const lockTimeoutMs = 600_000;
const lockNotAvailable = "55P03";

/** Prisma's own bookkeeping, so that its tools and ours agree on what has been applied. */
const bookkeeping = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
  )`;

/**
 * Applies what the database lacks, oldest first, each migration with its bookkeeping in one transaction.
 * So statements that refuse to run in one (CREATE INDEX CONCURRENTLY) cannot be used. Processes that call
 * it at once take turns, and `prisma migrate deploy` with them; a repeat applies nothing.
 *
 * @returns the names of the migrations that this call applied.
 * @throws MigrationFailed when the database refuses one; earlier ones of the same call stay applied.
 * @throws SchemaNewerThanCode, MigrationChanged before anything is applied.
 * @throws DatabaseUnavailable when the database cannot be reached, or the lock is not to be had in time.
 */
export async function migrate(
  connectionString: string,
  options: MigrateOptions,
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(options.migrationsDir);
  const client = new pg.Client({
    connectionString: inUtc(connectionString),
    connectionTimeoutMillis: connectTimeoutMs,
  });
  client.on("error", () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw connectionFault(connectionString, error);
    });
    await takeLock(client);
    const pending = await findPending(client, migrations);
    if (pending.length > 0) await client.query(bookkeeping);
    for (const migration of pending) {
      options.log?.(`Applying the migration ${migration.name}.`);
      await apply(client, migration);
    }
    return { applied: pending.map((migration) => migration.name) };
  } finally {
    // Closing the session gives the lock back.
    await client.end().catch(() => {});
  }
}

async function takeLock(client: pg.Client): Promise<void> {
  await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
  try {
    await client.query("SELECT pg_advisory_lock($1)", [prismaLock]);
  } catch (error) {
    if (errorCode(error) !== lockNotAvailable) throw error;
    throw new DatabaseUnavailable(
      `Another process has been migrating the database for more than ${lockTimeoutMs / 60_000} minutes; see to it, then start again.`,
      { cause: error },
    );
  }
  await client.query("RESET lock_timeout");
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const startedAt = new Date();
  try {
    await client.query("BEGIN");
    // Without parameters pg sends the script whole, by the simple protocol: nobody has to split it.
    await client.query(migration.sql);
    await client.query(
      `INSERT INTO _prisma_migrations
         (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, $4, clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name, startedAt],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw new MigrationFailed(migration.name, errorMessage(error), { cause: error });
  }
}
