import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { connectionFault, inUtc } from "./connection-target.ts";

/** Of the session lock: "lociturn" in ASCII. */
const turnLock = "7813573183087669870";
const connectTimeoutMs = 10_000;
const pollMs = 50;
/** A process that was frozen in its turn must not keep all others from starting. */
const waitMaxMs = 30_000;

/**
 * Does what processes on one database must not do at the same time, one process after the other; after half a minute
 * without its turn, all the same. For changes of somebody else's schema that were not written for company.
 *
 * The lock is asked for again and again and never waited for: a statement that waits has a snapshot, on which a CREATE
 * INDEX CONCURRENTLY of whoever has the turn would wait in its turn, and that is a deadlock.
 *
 * @throws {DatabaseUnavailable} when the database cannot be reached, and whatever `deed` throws
 */
export async function inTurn<T>(connectionString: string, deed: () => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: inUtc(connectionString),
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: connectTimeoutMs,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const deadline = performance.now() + waitMaxMs;
    while (!(await takeTurn(client)) && performance.now() < deadline) await pause(pollMs);
  } catch (error) {
    await client.end().catch(() => {});
    throw connectionFault(connectionString, error);
  }
  try {
    return await deed();
  } finally {
    // Closing the session gives the lock back.
    await client.end().catch(() => {});
  }
}

async function takeTurn(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [
    turnLock,
  ]);
  return rows[0]?.taken === true;
}
