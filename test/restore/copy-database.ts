import pg from "pg";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

/**
 * Copies every row of our tables and of the engine's into a database of its own, as they are at one moment, with work
 * under way: what a backup would hold.
 */
export async function copyDatabase(connectionString: string): Promise<TestDatabase> {
  const copy = await createTestDatabase();
  const from = new pg.Client({ connectionString });
  const to = new pg.Client({ connectionString: copy.connectionString });
  await from.connect();
  await to.connect();
  try {
    await from.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // Foreign keys and triggers are about what our code may do, not about what is restored.
    await to.query("SET session_replication_role = replica");
    const { rows } = await from.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_schema IN ('public', 'dbos') AND table_type = 'BASE TABLE'`,
    );
    for (const { name } of rows) {
      const table = await from.query<{ rows: string }>(
        `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM ${name} t`,
      );
      await to.query(`DELETE FROM ${name}`);
      await to.query(`INSERT INTO ${name} SELECT * FROM json_populate_recordset(NULL::${name}, $1::json)`, [
        table.rows[0]?.rows,
      ]);
    }
    return copy;
  } finally {
    await from.end();
    await to.end();
  }
}
