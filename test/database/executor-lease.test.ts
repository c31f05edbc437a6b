import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withDatabase } from "../../src/database/connection-target.ts";
import { DatabaseUnavailable } from "../../src/database/errors.ts";
import {
  type ExecutorLease,
  holdExecutorLease,
  type LeaseOptions,
} from "../../src/database/executor-lease.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let database: TestDatabase;
let observer: pg.Client;
const leases: ExecutorLease[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  observer = new pg.Client({ connectionString: database.connectionString });
  await observer.connect();
});

afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.release();
  await observer.end();
  await database.drop();
});

async function hold(options: Partial<LeaseOptions> = {}): Promise<ExecutorLease> {
  const lease = await holdExecutorLease(database.connectionString, {
    isAlone: false,
    onCondemned: () => {},
    ...options,
  });
  leases.push(lease);
  return lease;
}

/** Watches with a short grace; answers whom it handed over. */
function watch(lease: ExecutorLease, graceMs: number, handOver = async (_id: string) => {}): string[] {
  const buried: string[] = [];
  lease.watchPeers({
    graceMs,
    handOver,
    onTakeOver: (id, error) => {
      if (error === null) buried.push(id);
    },
  });
  return buried;
}

async function sessionOf({ executorId }: ExecutorLease): Promise<number | null> {
  const { rows } = await observer.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = $1",
    [executorId],
  );
  return rows[0]?.pid ?? null;
}

async function rowOf({ executorId }: ExecutorLease) {
  const { rows } = await observer.query<{ condemned: boolean; handed_over: boolean }>(
    `SELECT condemned_at IS NOT NULL AS condemned, handed_over_at IS NOT NULL AS handed_over
     FROM executor WHERE id = $1`,
    [executorId],
  );
  return rows[0];
}

async function breakSession(lease: ExecutorLease): Promise<void> {
  await observer.query("SELECT pg_terminate_backend($1)", [await sessionOf(lease)]);
}

const soon = { timeout: 10_000, interval: 20 };

describe("an executor's lease", () => {
  it("says in words why there is none where the database cannot be reached", async () => {
    const elsewhere = withDatabase(database.connectionString, "no_such_database");
    await expect(
      holdExecutorLease(elsewhere, { isAlone: false, onCondemned: () => {} }),
    ).rejects.toBeInstanceOf(DatabaseUnavailable);
  });

  it("gives every process a name of its own, and is held at once", async () => {
    const [one, other] = [await hold(), await hold()];
    expect(one.executorId).not.toBe(other.executorId);
    expect([one.isHeld(), other.isHeld()]).toEqual([true, true]);
    await one.whenHeld();
  });

  it("is not held after its release, and a second release does nothing", async () => {
    const lease = await hold();
    const { signal } = lease;
    await lease.release();
    await lease.release();
    expect([lease.isHeld(), signal.aborted]).toEqual([false, true]);
    await vi.waitUntil(async () => (await sessionOf(lease)) === null, soon);
  });

  it("lets a peer hand over what a dead one left, once, and not before the grace is over", async () => {
    const dead = await hold();
    const peer = await hold();
    const handedOver: string[] = [];
    const buried = watch(peer, 700, async (id) => void handedOver.push(id));
    const diedAt = performance.now();
    await dead.release();
    await vi.waitUntil(() => buried.includes(dead.executorId), soon);
    expect(performance.now() - diedAt).toBeGreaterThan(700);
    expect(await rowOf(dead)).toEqual({ condemned: true, handed_over: true });
    const beats = buried.length;
    await hold();
    await vi.waitUntil(async () => (await sessionOf(peer)) !== null, soon);
    expect([beats, handedOver.filter((id) => id === dead.executorId).length]).toEqual([buried.length, 1]);
  });

  it("is taken again after its session broke, by the same process, and no peer takes over", async () => {
    const lease = await hold();
    const peer = await hold();
    const buried = watch(peer, 1_500);
    for (let round = 0; round < 3; round++) {
      const broken = await sessionOf(lease);
      await breakSession(lease);
      await vi.waitUntil(async () => ![null, broken].includes(await sessionOf(lease)), soon);
    }
    await vi.waitUntil(() => lease.isHeld(), soon);
    expect(await rowOf(lease)).toEqual({ condemned: false, handed_over: false });
    expect(buried).not.toContain(lease.executorId);
  });

  it("ends its process when a peer was quicker", async () => {
    let condemnations = 0;
    const cutOff = await hold({
      onCondemned: () => {
        condemnations += 1;
      },
    });
    const { signal } = cutOff;
    const { rows } = await observer.query<{ lock_key: number }>(
      "SELECT lock_key FROM executor WHERE id = $1",
      [cutOff.executorId],
    );
    // Stands for the peer: it has the lock before the cut-off one has a session again.
    const wanting = observer.query("SELECT pg_advisory_lock($1, $2)", [0x6c6f_6369, rows[0]?.lock_key]);
    const breaker = new pg.Client({ connectionString: database.connectionString });
    await breaker.connect();
    await breaker.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
      [cutOff.executorId],
    );
    await breaker.end();
    await wanting;
    await observer.query("UPDATE executor SET condemned_at = now() WHERE id = $1", [cutOff.executorId]);
    await vi.waitUntil(() => !cutOff.isHeld(), soon);
    expect(condemnations).toBe(0);
    await observer.query("SELECT pg_advisory_unlock_all()");
    await vi.waitUntil(() => condemnations > 0, soon);
    expect([condemnations, cutOff.isHeld(), signal.aborted]).toEqual([1, false, true]);
  });

  it("is not held any longer when the database does not answer, and is held again when it does", async () => {
    const lease = await hold();
    const { signal } = lease;
    await observer.query("BEGIN; LOCK TABLE executor IN ACCESS EXCLUSIVE MODE");
    await vi.waitUntil(() => !lease.isHeld(), soon);
    await vi.waitUntil(() => signal.aborted, soon);
    const again = lease.whenHeld();
    await observer.query("ROLLBACK");
    await again;
    expect([lease.isHeld(), lease.signal.aborted]).toEqual([true, false]);
  });

  it("is held all the same where no other process can be", async () => {
    const lease = await hold({ isAlone: true });
    const peerless = await hold();
    await observer.query("BEGIN; LOCK TABLE executor IN ACCESS EXCLUSIVE MODE");
    await vi.waitUntil(() => !peerless.isHeld(), soon);
    expect([lease.isHeld(), lease.signal.aborted]).toEqual([true, false]);
    await observer.query("ROLLBACK");
  });

  it("tries a hand-over again that failed, and another peer finishes what one began", async () => {
    const dead = await hold();
    const peer = await hold();
    let tries = 0;
    const buried = watch(peer, 100, async (id) => {
      if (id !== dead.executorId) return;
      tries += 1;
      if (tries === 1) throw new Error("once");
    });
    await dead.release();
    await vi.waitUntil(() => buried.includes(dead.executorId), soon);
    expect(tries).toBe(2);
    expect(await rowOf(dead)).toEqual({ condemned: true, handed_over: true });
  });

  it("hands over what was left by the one process of earlier versions", async () => {
    const buried = watch(await hold(), 50);
    await vi.waitUntil(() => buried.includes("loci"), soon);
  });
});
