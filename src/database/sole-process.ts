import pg from "pg";
import { connectionFault, inUtc } from "./connection-target.ts";
import { DatabaseUnavailable } from "./errors.ts";

/** Key of the session lock: "loci" in ASCII, and 1 for "the process that runs sagas". */
const lockKey = [0x6c6f_6369, 1] as const;

/** How long a lock of a process that has just died may outlive it, until Postgres notices. */
const patienceMs = 5_000;
const pauseMs = 100;

/** A hold on a database by its one process. */
export interface SoleProcess {
  /** Lets the database go. A repeat does nothing. */
  release(): Promise<void>;
}

/**
 * Makes sure that one process alone runs the sagas of a database: two of them would each take the other's unfinished
 * work for a dead one's. Holds a session-level advisory lock on a connection of its own; when that connection breaks,
 * it is taken again, and `onLost` is called when another process was quicker.
 *
 * @throws {DatabaseUnavailable} when another process has it, or the database cannot be reached
 */
export async function becomeSoleProcess(connectionString: string, onLost: () => void): Promise<SoleProcess> {
  let client = await takeLock(connectionString);
  let isReleased = false;
  const watch = (held: pg.Client) => {
    held.once("error", () => {});
    held.once("end", () => {
      if (isReleased) return;
      retake().catch(onLost);
    });
  };
  const retake = async () => {
    const deadline = Date.now() + 60_000;
    for (;;) {
      try {
        client = await takeLock(connectionString);
        if (isReleased) await client.end();
        else watch(client);
        return;
      } catch (error) {
        const isTaken = error instanceof DatabaseUnavailable && error.cause === undefined;
        if (isReleased) return;
        if (isTaken || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  };
  watch(client);
  return {
    async release() {
      if (isReleased) return;
      isReleased = true;
      await client.end().catch(() => {});
    },
  };
}

async function takeLock(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: inUtc(connectionString),
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: "loci-sole-process",
  });
  client.on("error", () => {});
  try {
    await client.connect();
    for (const deadline = Date.now() + patienceMs; ; ) {
      const { rows } = await client.query<{ taken: boolean }>(
        "SELECT pg_try_advisory_lock($1, $2) AS taken",
        [...lockKey],
      );
      if (rows[0]?.taken === true) return client;
      if (Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  } catch (error) {
    await client.end().catch(() => {});
    throw connectionFault(connectionString, error);
  }
  await client.end().catch(() => {});
  throw new DatabaseUnavailable("Another Loci process runs on this database; only one may, in this version.");
}
