import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { connectionFault } from "./connection-target.ts";
import { beatSql, lockClass, openSession } from "./executor-session.ts";

/** How long our own session is trusted after it was last seen to live. Shorter than any peer's grace. */
const trustMs = 2_000;
const beatMs = 250;
const retakeMs = 100;

/** Leave to run sagas and to write upstream, which a process may lose. */
export interface ExecutorLease {
  /** What the durable engine calls this process. Of this process alone; another is made at every start. */
  readonly executorId: string;
  /**
   * Whether a peer cannot have taken over yet. Told by the clock and not by what arrived from the database, so that a
   * process that was frozen knows it in the moment it wakes up.
   */
  isHeld(): boolean;
  /** Aborted when this hold ends; after another was had it is another signal. */
  readonly signal: AbortSignal;
  /** Waits until it is held (again). Never ends in a process that was condemned: it is about to be ended. */
  whenHeld(): Promise<void>;
  /** Looks for dead peers from now on, and hands over what they left. */
  watchPeers(peers: Peers): void;
  /** Gives it up. Peers take over what is unfinished. A repeat does nothing. */
  release(): Promise<void>;
}

/** What to do about dead peers. */
export interface Peers {
  /** How long a peer's lock must have been free, in milliseconds. Longer than the 2 s that its holder trusts it. */
  readonly graceMs: number;
  /** Makes the unfinished work of a dead executor everybody's. A repeat does nothing more. */
  readonly handOver: (executorId: string) => Promise<void>;
  /** Told of every take-over, and with an error of every one that failed and will be tried again. */
  readonly onTakeOver: (executorId: string, error: unknown) => void;
}

/** How a lease is held. */
export interface LeaseOptions {
  /**
   * Whether something else (the lock of the data folder) keeps any other process from this database. Then nobody can take
   * over, and the lease is held however long the database does not answer.
   */
  readonly isAlone: boolean;
  /** A peer has taken over: this process must end. Called once. */
  readonly onCondemned: () => void;
}

/**
 * Registers this process as an executor, and holds a session-level advisory lock on a connection of its own as long as
 * it lives: who can have that lock knows that the process is dead, or cut off. A broken connection is replaced; only
 * when a peer was quicker, `onCondemned` is called.
 *
 * Why not a row with a time stamp: the lock goes with the session, by itself and at once, and no clocks are compared.
 *
 * @throws {DatabaseUnavailable} when the database cannot be reached
 */
export async function holdExecutorLease(
  connectionString: string,
  options: LeaseOptions,
): Promise<ExecutorLease> {
  const executorId = `loci-${randomUUID()}`;
  try {
    const client = await openSession(connectionString, executorId);
    const { rows } = await client.query<{ lock_key: number }>(
      "INSERT INTO executor (id, process) VALUES ($1, $2) RETURNING lock_key",
      [executorId, `${hostname()}:${process.pid}`],
    );
    const lockKey = rows[0]?.lock_key ?? 0;
    await client.query("SELECT pg_advisory_lock($1, $2)", [lockClass, lockKey]);
    return new SessionLease(connectionString, { executorId, lockKey }, client, options);
  } catch (error) {
    throw connectionFault(connectionString, error);
  }
}

/** A row of what a beat answers: ourselves, or a peer whose lock is free. */
interface BeatRow {
  readonly id: string;
  readonly condemned: boolean;
  readonly lock_key: number;
}

class SessionLease implements ExecutorLease {
  readonly executorId: string;
  readonly #lockKey: number;
  readonly #connectionString: string;
  readonly #options: LeaseOptions;
  #client: pg.Client;
  #trustedUntil = 0;
  #tenure = newTenure();
  #waiters: (() => void)[] = [];
  #isOver = false;
  #peers: Peers | null = null;
  /** Since when we have seen a peer's lock free, without a break of our own session. */
  #suspects = new Map<string, number>();
  readonly #ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(
    connectionString: string,
    own: { readonly executorId: string; readonly lockKey: number },
    client: pg.Client,
    options: LeaseOptions,
  ) {
    this.executorId = own.executorId;
    this.#lockKey = own.lockKey;
    this.#connectionString = connectionString;
    this.#client = client;
    this.#options = options;
    this.#trust(performance.now() + trustMs);
    this.#ended = this.#live();
  }

  isHeld(): boolean {
    return !this.#isOver && (this.#options.isAlone || performance.now() < this.#trustedUntil);
  }

  get signal(): AbortSignal {
    return this.#tenure.signal;
  }

  whenHeld(): Promise<void> {
    if (this.isHeld()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  watchPeers(peers: Peers): void {
    this.#peers = peers;
  }

  async release(): Promise<void> {
    if (this.#stop.signal.aborted) return this.#ended;
    this.#stop.abort();
    this.#isOver = true;
    this.#tenure.abort(new Error("This process gave its lease up."));
    await this.#client.end().catch(() => {});
    await this.#ended;
  }

  /** Beats until released or condemned, and replaces the session when it breaks. */
  async #live(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const dueAt = performance.now() + beatMs;
      try {
        await this.#beat();
        await this.#buryDeadPeers();
      } catch {
        // What we knew of the peers was known under a session that is no more.
        this.#suspects = new Map();
        await this.#retake();
      }
      await sleep(Math.max(0, dueAt - performance.now()), undefined, { signal }).catch(() => {});
    }
  }

  async #beat(): Promise<void> {
    const begun = performance.now();
    const { rows } = await this.#client.query<BeatRow>(beatSql, [lockClass, this.executorId]);
    const own = rows.find(({ id }) => id === this.executorId);
    if (own === undefined || own.condemned) return this.#giveUp();
    this.#trust(begun + trustMs);
    const silent = new Set(rows.map(({ id }) => id));
    for (const id of this.#suspects.keys()) if (!silent.has(id)) this.#suspects.delete(id);
    for (const { id } of rows) {
      if (id !== this.executorId && !this.#suspects.has(id)) this.#suspects.set(id, performance.now());
    }
  }

  /** The session was alive when this beat began, so no peer's grace had begun. */
  #trust(until: number): void {
    this.#trustedUntil = until;
    // The answer may have taken longer than it is good for.
    if (!this.isHeld()) return;
    if (this.#tenure.signal.aborted) this.#tenure = newTenure();
    for (const resume of this.#waiters.splice(0)) resume();
    if (this.#options.isAlone) return;
    const tenure = this.#tenure;
    const timer = setTimeout(
      () => {
        if (this.#trustedUntil <= until) tenure.abort(new Error("This process lost its lease."));
      },
      Math.max(0, until - performance.now()),
    );
    timer.unref();
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tenure.abort(new Error("A peer took over from this process."));
    this.#stop.abort();
    void this.#client.end().catch(() => {});
    this.#options.onCondemned();
  }

  /** Opens another session and takes our lock again, unless a peer condemned us meanwhile. */
  async #retake(): Promise<void> {
    const { signal } = this.#stop;
    await this.#client.end().catch(() => {});
    while (!signal.aborted) {
      try {
        this.#client = await openSession(this.#connectionString, this.executorId);
        // A session of ours that the server still believes in, behind a broken network, would keep the lock from us.
        await this.#client.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()",
          [this.executorId],
        );
        while (!signal.aborted && !(await this.#tryLock(this.#lockKey))) await sleep(retakeMs);
        return;
      } catch {
        await this.#client.end().catch(() => {});
        await sleep(retakeMs * 2);
      }
    }
  }

  async #tryLock(lockKey: number): Promise<boolean> {
    const { rows } = await this.#client.query<{ taken: boolean }>(
      "SELECT pg_try_advisory_lock($1, $2) AS taken",
      [lockClass, lockKey],
    );
    return rows[0]?.taken === true;
  }

  async #buryDeadPeers(): Promise<void> {
    const peers = this.#peers;
    if (peers === null || !this.isHeld()) return;
    for (const [id, since] of this.#suspects) {
      if (performance.now() - since < peers.graceMs) continue;
      this.#suspects.delete(id);
      await this.#bury(id, peers);
    }
  }

  /**
   * Condemned first and handed over then, each committed, and all of it under the dead one's lock: it cannot take its lock
   * again in between, and reads that it is condemned when it can. Should we die half-way, another peer goes on.
   */
  async #bury(id: string, peers: Peers): Promise<void> {
    const { rows } = await this.#client.query<{ lock_key: number }>(
      "SELECT lock_key FROM executor WHERE id = $1 AND handed_over_at IS NULL",
      [id],
    );
    const lockKey = rows[0]?.lock_key;
    if (lockKey === undefined || !(await this.#tryLock(lockKey))) return;
    try {
      await this.#client.query(
        "UPDATE executor SET condemned_at = coalesce(condemned_at, now()) WHERE id = $1",
        [id],
      );
      try {
        await peers.handOver(id);
      } catch (error) {
        return peers.onTakeOver(id, error);
      }
      await this.#client.query("UPDATE executor SET handed_over_at = now() WHERE id = $1", [id]);
      peers.onTakeOver(id, null);
    } finally {
      await this.#client.query("SELECT pg_advisory_unlock($1, $2)", [lockClass, lockKey]);
    }
  }
}

/** Listened to by every call under way, of which there may be many. */
function newTenure(): AbortController {
  const tenure = new AbortController();
  setMaxListeners(0, tenure.signal);
  return tenure;
}
