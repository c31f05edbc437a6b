import pg from "pg";
import { connectionFault, withDatabase } from "./connection-target.ts";
import { errorCode } from "./errors.ts";

const connectTimeoutMs = 10_000;
const databaseExists = "42P04";
/** Two sessions that create the same database at once: the later finds its name in the catalog's index. */
const uniqueViolation = "23505";

/**
 * Makes the database `name` on the server of `connectionString` unless it is there.
 *
 * @returns the connection string of that database.
 * @throws DatabaseUnavailable when the server cannot be reached or refuses.
 */
export async function createDatabaseIfMissing(connectionString: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    const code = errorCode(error);
    if (code !== databaseExists && code !== uniqueViolation) throw connectionFault(connectionString, error);
  } finally {
    await client.end().catch(() => {});
  }
  return withDatabase(connectionString, name);
}
