import pg from "pg";
import { inUtc } from "./connection-target.ts";

/** First number of the session locks: "loci" in ASCII. The second is the executor's own. */
export const lockClass = 0x6c6f_6369;

/** For a server that no longer answers: then the session is given up, and another one is opened. */
const queryTimeoutMs = 5_000;

/** The lock that somebody holds for the executor `e`. $1: `lockClass`. */
const heldLock = `
  SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.classid = $1::int::oid AND l.objid = e.lock_key::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Who has no lock, of those whose work was not handed over, and ourselves in any case. $1: `lockClass`, $2: our own id.
 */
export const beatSql = `
  SELECT e.id, e.condemned_at IS NOT NULL AS condemned, e.lock_key FROM executor e
  WHERE e.id = $2 OR e.handed_over_at IS NULL AND NOT EXISTS (${heldLock})`;

/** The processes that hold their executor's lock on this database now: host and process id, for people. */
export async function readLiveExecutors(pool: Pick<pg.Pool, "query">): Promise<string[]> {
  const { rows } = await pool.query<{ process: string }>(
    `SELECT e.process FROM executor e WHERE EXISTS (${heldLock}) ORDER BY e.process`,
    [lockClass],
  );
  return rows.map((row) => row.process);
}

/**
 * Opens the session that an executor's lock belongs to. It is known by its name, and the server notices within seconds
 * when its machine is lost. @throws whatever keeps it from connecting
 */
export async function openSession(connectionString: string, executorId: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: inUtc(connectionString),
    connectionTimeoutMillis: queryTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    application_name: executorId,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    // The server must notice within seconds when this machine is lost; by default that takes hours.
    await client.query(
      "SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false), set_config('tcp_keepalives_count', '3', false)",
    );
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}
