import { migrate } from "../../src/database/migrate.ts";

// A process of its own that migrates a database and says in one line of JSON what it applied.

const [connectionString, migrationsDir] = process.argv.slice(2);
if (connectionString === undefined || migrationsDir === undefined) {
  throw new Error("Usage: migrate-process <connection string> <migrations folder>");
}
process.stdout.write(`${JSON.stringify(await migrate(connectionString, { migrationsDir }))}\n`);
