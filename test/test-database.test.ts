import pg from "pg";
import { afterEach, describe, expect, inject, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

const made: TestDatabase[] = [];

afterEach(async () => {
  await Promise.all(made.splice(0).map((database) => database.drop()));
});

async function query(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

describe("createTestDatabase", () => {
  it("gives a database with our tables and the durable engine's", async () => {
    const database = await createTestDatabase();
    made.push(database);
    const { rows } = await query(
      database.connectionString,
      `SELECT to_regclass('tenant') IS NOT NULL AS ours,
              to_regclass('dbos.workflow_status') IS NOT NULL AS engines`,
    );
    expect(rows).toEqual([{ ours: true, engines: true }]);
  });

  it("keeps one test's rows from another's", async () => {
    const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    made.push(first, second);
    await query(first.connectionString, "CREATE TABLE only_here ()");
    const { rows } = await query(second.connectionString, "SELECT to_regclass('only_here') AS found");
    expect(rows).toEqual([{ found: null }]);
  });

  it("drops a database that is still in use, and does not mind a repeat", async () => {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.connectionString });
    client.on("error", () => {});
    await client.connect();
    await database.drop();
    await database.drop();
    await expect(query(database.connectionString, "SELECT 1")).rejects.toMatchObject({ code: "3D000" });
    await client.end();
  });

  it("refuses a Postgres that is not the tests' own, and makes nothing there", async () => {
    // Had it tried, Postgres would have complained of the template.
    const elsewhere = { clusterDir: "/var/lib/loci/postgres/cluster", templateName: "no_such_template" };
    await expect(createTestDatabase({ ...inject("testCluster"), ...elsewhere })).rejects.toThrow("Refused");
  });
});
