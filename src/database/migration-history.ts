import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type pg from "pg";
import { errorCode, MigrationChanged, MigrationFailed, SchemaNewerThanCode } from "./errors.ts";

/** A migration as its file has it. */
export interface Migration {
  /** Its folder's name, `<time>_<what>`; the order of names is the order of migrations. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file in hexadecimal, as Prisma counts it. */
  readonly checksum: string;
}

/** How the database stands to the code: it lacks migrations, has them all, or has some we do not know. */
export type SchemaState = "current" | "behind" | "newer";

/** A migration as the database has it. */
interface AppliedMigration {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

const undefinedTable = "42P01";

/** Reads `<migrationsDir>/<name>/migration.sql`, oldest first. */
export async function readMigrations(migrationsDir: string): Promise<readonly Migration[]> {
  const entries = await readdir(migrationsDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const content = await readFile(path.join(migrationsDir, name, "migration.sql"));
      return { name, sql: content.toString(), checksum: createHash("sha256").update(content).digest("hex") };
    }),
  );
}

/**
 * The migrations that the database lacks, oldest first.
 *
 * @throws SchemaNewerThanCode when it has some that are not among `migrations`.
 * @throws MigrationChanged when one of them is not what was applied.
 * @throws MigrationFailed when Prisma's own tool left one half applied.
 */
export async function findPending(
  database: pg.ClientBase | pg.Pool,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const applied = await readApplied(database);
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const unknown = applied.filter((row) => !known.has(row.migration_name)).map((row) => row.migration_name);
  if (unknown.length > 0) throw new SchemaNewerThanCode(unknown);
  for (const row of applied) {
    if (row.finished_at === null) {
      throw new MigrationFailed(
        row.migration_name,
        "an earlier run did not finish it; see to the database, then run `prisma migrate resolve`.",
      );
    }
    if (known.get(row.migration_name)?.checksum !== row.checksum)
      throw new MigrationChanged(row.migration_name);
  }
  const done = new Set(applied.map((row) => row.migration_name));
  return migrations.filter((migration) => !done.has(migration.name));
}

/**
 * How the database stands to the migrations in `migrationsDir`; one query. A migration that was changed or
 * that failed half-way counts as "behind": the database is not what the code needs.
 *
 * @throws the driver's error when the database does not answer.
 */
export async function schemaState(
  database: pg.ClientBase | pg.Pool,
  migrations: readonly Migration[],
): Promise<SchemaState> {
  try {
    return (await findPending(database, migrations)).length === 0 ? "current" : "behind";
  } catch (error) {
    if (error instanceof SchemaNewerThanCode) return "newer";
    if (error instanceof MigrationChanged || error instanceof MigrationFailed) return "behind";
    throw error;
  }
}

/** What the bookkeeping holds, without what was rolled back; nothing where there is no bookkeeping yet. */
async function readApplied(database: pg.ClientBase | pg.Pool): Promise<readonly AppliedMigration[]> {
  try {
    const { rows } = await database.query<AppliedMigration>(
      `SELECT migration_name, checksum, finished_at FROM _prisma_migrations
        WHERE rolled_back_at IS NULL ORDER BY migration_name`,
    );
    return rows;
  } catch (error) {
    if (errorCode(error) === undefinedTable) return [];
    throw error;
  }
}
