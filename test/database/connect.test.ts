import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { createDatabaseIfMissing } from "../../src/database/create-database.ts";
import { DatabaseUnavailable } from "../../src/database/errors.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let test: TestDatabase;
const opened: Database[] = [];

beforeEach(async () => {
  test = await createTestDatabase();
});

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  await test.drop();
});

async function open(connectionString: string, log?: (message: string) => void): Promise<Database> {
  const database = await openDatabase(connectionString, log ? { log } : {});
  opened.push(database);
  return database;
}

async function fault(connectionString: string): Promise<string> {
  const error: unknown = await openDatabase(connectionString).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DatabaseUnavailable);
  return String(error);
}

/** Executes `sql` as somebody else, in a session of his own. */
async function execute(sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: test.connectionString });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

describe("openDatabase", () => {
  it("stores and reads the same instant whatever zone the server, the database or the URL asks for", async () => {
    const name = new URL(test.connectionString).pathname.slice(1);
    await execute(`ALTER DATABASE ${name} SET TimeZone = 'Asia/Kolkata'`);
    const zoned = `${test.connectionString}?options=${encodeURIComponent("-c TimeZone=America/New_York -c work_mem=5MB")}`;
    const { prisma, pool } = await open(zoned);
    const createdAt = new Date("2026-07-01T12:00:00.123Z");
    await prisma.installation.create({ data: { markerSecret: Buffer.alloc(32, 7), createdAt } });
    expect(await prisma.installation.findFirst()).toMatchObject({ createdAt });
    const { rows } = await execute("SELECT extract(epoch FROM created_at) * 1000 AS ms FROM installation");
    expect(Number(rows[0].ms)).toBe(createdAt.getTime());
    // What else the URL asks for holds.
    expect((await pool.query("SHOW work_mem")).rows).toEqual([{ work_mem: "5MB" }]);
  });

  it("outlives the end of its sessions, says so, and connects again", async () => {
    const messages: string[] = [];
    let heard = () => {};
    const broken = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const { prisma, pool } = await open(test.connectionString, (message) => {
      messages.push(message);
      heard();
    });
    await prisma.$disconnect();
    await pool.query("SELECT 1");
    await execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await broken;
    expect(messages[0]).toContain("A database connection broke while idle");
    expect(await prisma.installation.count()).toBe(0);
  });

  it("leaves no connection after close, and does not mind a repeat", async () => {
    const { prisma, close } = await openDatabase(test.connectionString);
    await prisma.installation.count();
    await close();
    await close();
    const { rows } = await execute(
      "SELECT count(*)::int AS others FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    expect(rows).toEqual([{ others: 0 }]);
  });

  it("names a server that cannot be used by its address and never by its password", async () => {
    const wrong = new URL(test.connectionString);
    wrong.password = "secret-word";
    const missing = new URL(test.connectionString);
    missing.pathname = "/nowhere";
    missing.password = "";
    missing.searchParams.set("password", new URL(test.connectionString).password);
    const unreachable = "postgresql://loci:secret-word@127.0.0.1:1/loci";
    expect(await fault(wrong.href)).toMatch(
      /127\.0\.0\.1:\d+\/test_\w+ cannot be used: password authentication failed/,
    );
    expect(await fault(missing.href)).toContain('database "nowhere" does not exist');
    expect(await fault(unreachable)).toContain("127.0.0.1:1/loci cannot be used: connect ECONNREFUSED");
    expect(await fault("postgresql://loci:secret-word@127.0.0.1:port/loci")).toContain(
      "DATABASE_URL is not of the form",
    );
    expect(await fault("mysql://loci:secret-word@127.0.0.1/loci")).toContain(
      "DATABASE_URL is not of the form",
    );
    for (const url of [wrong.href, unreachable, "postgresql://loci:secret-word@127.0.0.1:port/loci"]) {
      expect(await fault(url)).not.toContain("secret-word");
    }
  });
});

describe("createDatabaseIfMissing", () => {
  it("makes it once, though many ask at once, and answers its address", async () => {
    const { connectionString } = inject("testCluster");
    const name = `test "quoted" ${process.pid}`;
    const made = await Promise.all(
      Array.from({ length: 4 }, () => createDatabaseIfMissing(connectionString, name)),
    );
    try {
      expect(new Set(made).size).toBe(1);
      const { pool } = await open(made[0] ?? "");
      expect((await pool.query("SELECT current_database() AS name")).rows).toEqual([{ name }]);
    } finally {
      for (const database of opened.splice(0)) await database.close();
      await execute(`DROP DATABASE ${pg.escapeIdentifier(name)}`);
    }
  });
});
