import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withDatabase } from "../../src/database/connection-target.ts";
import { DatabaseUnavailable } from "../../src/database/errors.ts";
import { becomeSoleProcess, type SoleProcess } from "../../src/database/sole-process.ts";
import { until } from "../main-job.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let database: TestDatabase;
let observer: pg.Client;
const holds: SoleProcess[] = [];
let losses = 0;

beforeEach(async () => {
  losses = 0;
  database = await createTestDatabase();
  observer = new pg.Client({ connectionString: database.connectionString });
  await observer.connect();
});

afterEach(async () => {
  for (const hold of holds.splice(0)) await hold.release();
  await observer.end();
  await database.drop();
});

async function become(connectionString = database.connectionString): Promise<SoleProcess> {
  const hold = await becomeSoleProcess(connectionString, () => {
    losses += 1;
  });
  holds.push(hold);
  return hold;
}

/** The backends that serve holders, or would-be holders, of this database. */
async function backends(): Promise<number[]> {
  const { rows } = await observer.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
      WHERE application_name = 'loci-sole-process' AND datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
}

/** The backend that has the lock; null when none has. */
async function holder(): Promise<number | null> {
  const { rows } = await observer.query<{ pid: number }>(
    `SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
      WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND datname = current_database()`,
  );
  return rows[0]?.pid ?? null;
}

async function breakConnection(): Promise<number> {
  const pid = await holder();
  if (pid === null) throw new Error("Nobody has the lock.");
  await observer.query("SELECT pg_terminate_backend($1)", [pid]);
  return pid;
}

describe("becomeSoleProcess", () => {
  it("refuses a second process on the same database, in one sentence, and leaves it no session", async () => {
    await become();
    const refused = become();
    await expect(refused).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(refused).rejects.toThrow(/^Another Loci process runs on this database; .*\.$/);
    await until(async () => (await backends()).length === 1, "the refused one has left");
  });

  it("lets another in after a release, and a second release does not take it away", async () => {
    const first = await become();
    await first.release();
    await become();
    await first.release();
    expect(await holder()).not.toBeNull();
  });

  it("waits a moment for a holder that is on its way out", async () => {
    const first = await become();
    const second = become();
    await until(async () => (await backends()).length === 2, "the second one tries");
    await first.release();
    await second;
    expect(await holder()).not.toBeNull();
  });

  it("holds one database and no other", async () => {
    const other = await createTestDatabase();
    try {
      await become();
      const hold = await become(other.connectionString);
      await hold.release();
    } finally {
      await other.drop();
    }
  });

  it("takes the lock again when its connection breaks", async () => {
    await become();
    const broken = await breakConnection();
    const again = await until(async () => {
      const pid = await holder();
      return pid !== broken ? pid : null;
    }, "it has the lock again");
    await breakConnection();
    await until(async () => ![null, again].includes(await holder()), "it has it once more");
    expect(losses).toBe(0);
  });

  it("tells once when another process was quicker", async () => {
    await become();
    const quicker = await takeFromHolder();
    await until(async () => losses > 0, "it is told");
    expect(losses).toBe(1);
    await quicker.end();
  });

  it("leaves nothing behind when it is released in the midst of taking the lock again", async () => {
    const hold = await become();
    const quicker = await takeFromHolder();
    await until(async () => (await backends()).length === 1, "it tries to have the lock again");
    await hold.release();
    await quicker.end();
    await until(async () => (await backends()).length === 0, "its sessions are gone");
    expect(losses).toBe(0);
  });

  /** Breaks the holder's connection while another session waits for the lock, which therefore gets it. */
  async function takeFromHolder(): Promise<pg.Client> {
    const quicker = new pg.Client({ connectionString: database.connectionString });
    await quicker.connect();
    const pid = await holder();
    const { rows } = await observer.query<{ classid: number; objid: number }>(
      "SELECT classid::int, objid::int FROM pg_locks WHERE pid = $1 AND locktype = 'advisory'",
      [pid],
    );
    const taken = quicker.query("SELECT pg_advisory_lock($1, $2)", [rows[0]?.classid, rows[0]?.objid]);
    await until(async () => {
      const waiting = await observer.query(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
      );
      return waiting.rowCount === 1;
    }, "the other waits");
    await breakConnection();
    await taken;
    return quicker;
  }

  it("says that the database cannot be reached, without its password", async () => {
    const url = new URL(withDatabase(database.connectionString, "nowhere"));
    const { password } = url;
    const failure = become(url.href);
    await expect(failure).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(failure).rejects.toThrow(/nowhere cannot be used: .*does not exist/);
    await expect(failure).rejects.not.toThrow(password);
  });
});
