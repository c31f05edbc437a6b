import { execFile } from "node:child_process";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import {
  DatabaseUnavailable,
  MigrationChanged,
  MigrationFailed,
  SchemaNewerThanCode,
} from "../../src/database/errors.ts";
import { migrate } from "../../src/database/migrate.ts";
import { readMigrations, schemaState } from "../../src/database/migration-history.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import { buildLauncher } from "./launcher.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const runFile = promisify(execFile);
const prismaLock = 72_707_369;

let database: TestDatabase;
let client: pg.Client;
let folder: TemporaryFolder;

beforeEach(async () => {
  database = await createTestDatabase({ ...inject("testCluster"), templateName: "template1" });
  client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  folder = await makeTemporaryFolder("loci-migrations-");
  await addMigration("20260101000000_first", "CREATE TABLE first (id int PRIMARY KEY)");
  // Semicolons within a body: whoever splits the script tears it apart.
  await addMigration(
    "20260102000000_second",
    `CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n * 2; END $$;
     INSERT INTO first VALUES (twice(21));`,
  );
});

afterEach(async () => {
  await client.end();
  await database.drop();
  await folder.remove();
});

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(folder.path, name));
  await writeFile(path.join(folder.path, name, "migration.sql"), sql);
}

function run() {
  return migrate(database.connectionString, { migrationsDir: folder.path });
}

async function state() {
  return schemaState(client, await readMigrations(folder.path));
}

async function appliedNames(): Promise<unknown[]> {
  const { rows } = await client.query(
    "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY migration_name",
  );
  return rows.map((row) => row.migration_name);
}

describe("migrate", () => {
  it("applies what is missing in order, and nothing at a repeat", async () => {
    expect(await state()).toBe("behind");
    expect(await run()).toEqual({ applied: ["20260101000000_first", "20260102000000_second"] });
    expect((await client.query("SELECT id FROM first")).rows).toEqual([{ id: 42 }]);
    expect(await state()).toBe("current");
    expect(await run()).toEqual({ applied: [] });
    await addMigration("20260103000000_third", "INSERT INTO first VALUES (3)");
    expect(await state()).toBe("behind");
    expect(await run()).toEqual({ applied: ["20260103000000_third"] });
  });

  it("lets two processes that migrate at once take turns", async () => {
    const program = await buildLauncher();
    try {
      await client.query("SELECT pg_advisory_lock($1)", [prismaLock]);
      const both = [0, 1].map(() => program.run("migrate-process", [database.connectionString, folder.path]));
      const waiting = async () => {
        const { rows } = await client.query(
          `SELECT count(*)::int AS count FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`,
        );
        return rows[0].count;
      };
      await vi.waitFor(async () => expect(await waiting()).toBe(2), { timeout: 10_000 });
      await client.query("SELECT pg_advisory_unlock($1)", [prismaLock]);
      const words = await Promise.all(both.map((process) => process.word()));
      const counts = words.map((word) => word.applied?.length);
      expect(new Set(counts)).toEqual(new Set([0, 2]));
    } finally {
      await program.remove();
    }
  });

  it("leaves nothing behind of a migration that fails, and applies it once it is right", async () => {
    await addMigration("20260103000000_third", "CREATE TABLE third (); INSERT INTO nowhere VALUES (1)");
    const failure = await run().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationFailed);
    expect(failure).toMatchObject({
      migration: "20260103000000_third",
      message: expect.stringContaining('relation "nowhere" does not exist'),
    });
    expect((await client.query("SELECT to_regclass('third') AS found")).rows).toEqual([{ found: null }]);
    expect((await client.query("SELECT count(*)::int AS rows FROM _prisma_migrations")).rows).toEqual([
      { rows: 2 },
    ]);
    await writeFile(path.join(folder.path, "20260103000000_third", "migration.sql"), "CREATE TABLE third ()");
    expect(await run()).toEqual({ applied: ["20260103000000_third"] });
  });

  it("refuses a migration that was changed after it had been applied", async () => {
    await run();
    await appendFile(path.join(folder.path, "20260101000000_first", "migration.sql"), "\n-- an afterthought");
    await addMigration("20260103000000_third", "CREATE TABLE third ()");
    await expect(run()).rejects.toBeInstanceOf(MigrationChanged);
    await expect(run()).rejects.toMatchObject({ migration: "20260101000000_first" });
    expect(await state()).toBe("behind");
    expect(await appliedNames()).toHaveLength(2);
  });

  it("refuses a database that a newer release has migrated", async () => {
    await run();
    await rm(path.join(folder.path, "20260102000000_second"), { recursive: true });
    await addMigration("20260103000000_third", "CREATE TABLE third ()");
    await expect(run()).rejects.toBeInstanceOf(SchemaNewerThanCode);
    await expect(run()).rejects.toMatchObject({ migrations: ["20260102000000_second"] });
    expect(await state()).toBe("newer");
    expect(await appliedNames()).toHaveLength(2);
  });

  it("refuses a database in which Prisma's tool left a migration half applied", async () => {
    await run();
    await client.query(
      "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name LIKE '%second'",
    );
    await expect(run()).rejects.toBeInstanceOf(MigrationFailed);
    // What `prisma migrate resolve --rolled-back` writes.
    await client.query("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL");
    await client.query("DROP FUNCTION twice; DELETE FROM first");
    expect(await run()).toEqual({ applied: ["20260102000000_second"] });
  });

  it("does not name the password of a server that cannot be reached", async () => {
    const unreachable = "postgresql://loci:secret-word@127.0.0.1:1/loci";
    const failure = await migrate(unreachable, { migrationsDir: folder.path }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DatabaseUnavailable);
    expect(String(failure)).toContain("127.0.0.1:1/loci");
    expect(String(failure)).not.toContain("secret-word");
  });

  it("commits a migration together with its bookkeeping or not at all", async () => {
    await addMigration(
      "20260103000000_third",
      `CREATE TABLE third ();
       ALTER TABLE _prisma_migrations ADD CONSTRAINT refuse CHECK (migration_name NOT LIKE '%third')`,
    );
    await expect(run()).rejects.toBeInstanceOf(MigrationFailed);
    expect((await client.query("SELECT to_regclass('third') AS found")).rows).toEqual([{ found: null }]);
    expect(await appliedNames()).toHaveLength(2);
  });

  it("keeps its books as Prisma does: neither finds anything to do after the other", {
    timeout: 120_000,
  }, async () => {
    const ours = await createTestDatabase();
    const cli = path.join(root, "node_modules", "prisma", "build", "index.js");
    const prisma = async (connectionString: string, ...words: string[]) => {
      const env = { ...process.env, DATABASE_URL: connectionString };
      return (await runFile(process.execPath, [cli, ...words], { cwd: root, env })).stdout;
    };
    try {
      expect(await prisma(ours.connectionString, "migrate", "status")).toContain(
        "Database schema is up to date!",
      );
      expect(await prisma(ours.connectionString, "migrate", "deploy")).toContain(
        "No pending migrations to apply.",
      );
    } finally {
      await ours.drop();
    }
    expect(await prisma(database.connectionString, "migrate", "deploy")).toContain("successfully applied");
    const migrationsDir = path.join(root, "prisma", "migrations");
    expect(await migrate(database.connectionString, { migrationsDir })).toEqual({ applied: [] });
  });
});
