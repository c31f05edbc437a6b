import { createInterface } from "node:readline";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../../src/database/folder-lock.ts";

// A process of its own for the launcher's tests: holds the folder, starts Postgres, says so in one line of
// JSON, and stops when told `stop` on stdin. The tests kill it, or run it as another user.

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("Usage: launcher-process <data folder>");

try {
  const hold = await holdDataFolder(dataDir);
  const postgres = await startEmbeddedPostgres({ dataDir });
  const { connectionString, adopted } = postgres;
  process.stdout.write(`${JSON.stringify({ connectionString, adopted })}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "stop") break;
  }
  await postgres.stop();
  await hold.release();
  process.stdout.write(`${JSON.stringify({ stopped: true })}\n`);
  process.exit(0);
} catch (error) {
  const { name, message } = error instanceof Error ? error : { name: "unknown", message: String(error) };
  process.stdout.write(`${JSON.stringify({ error: name, message })}\n`);
  process.exit(1);
}
