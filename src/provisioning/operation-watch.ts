import { isDatabaseOutage } from "../tenants/database-outage.ts";
import type { OperationProgress, ProgressDb } from "../tenants/operation-progress.ts";
import { isOpen } from "../tenants/operation-store.ts";
import { OperationNotFound, Refusal } from "../tenants/refusals.ts";
import { Doorbell } from "./doorbell.ts";
import type { OperationFeed } from "./operation-feed.ts";
import { createProgressLooks } from "./progress-looks.ts";

/** The bounds of watching; all in milliseconds but the last. */
export interface WatchLimits {
  /** How often whoever watches looks although nothing was announced. All look at the same moments, together. */
  readonly slowLookMs: number;
  /** The least time from one update to the next. */
  readonly updatePauseMs: number;
  /** How long one may follow; then it ends, and whoever wants to know more begins again. */
  readonly followMaxMs: number;
  /** How many may follow at once in this process. */
  readonly followersMax: number;
}

/** The defaults of `WatchLimits`. */
export const defaultWatchLimits: WatchLimits = {
  slowLookMs: 1_000,
  updatePauseMs: 50,
  followMaxMs: 15 * 60_000,
  followersMax: 1_000,
};

/** As many follow operations in this process as may. */
class TooManyFollowers extends Refusal {
  override readonly name = "TooManyFollowers";
  readonly code = "TOO_MANY_SUBSCRIPTIONS";
  readonly retryable = true;

  constructor(followersMax: number) {
    super(
      `${followersMax} operations are being followed here, which is all there is room for; ask again later.`,
    );
  }
}

/** Watches operations, for callers of mutations and for subscribers. */
export interface OperationWatch {
  /**
   * Waits until an operation has got as far as its caller wants to know: it ended, is parked, needs attention, or (a
   * sign-up) its tenant is ACTIVE; at most `waitMs`, and not longer than `signal` allows. Running out of time is no
   * error, nor is an operation that nobody knows, nor is an outage of the database that ends in time.
   */
  wait(operationId: string, waitMs: number, signal: AbortSignal | null): Promise<void>;
  /**
   * Answers the operation's id at once, and again whenever something of it has changed since it was asked for the next
   * time; rarely without a change. What changed between two answers is one; the last state is never left out. Ends when
   * the operation has ended, after `followMaxMs`, with `signal`, or when nobody wants more (`return`). Nothing is kept for
   * whoever is slow to ask.
   * @throws {OperationNotFound}
   * @throws {TooManyFollowers}
   */
  follow(operationId: string, signal: AbortSignal | null): Promise<AsyncIterableIterator<string>>;
  /** How many follow now. */
  followers(): number;
}

/** Watches by the feed, and by looking now and then for what the feed may have missed. */
export function createOperationWatch(
  db: ProgressDb,
  feed: Pick<OperationFeed, "subscribe">,
  limits: WatchLimits = defaultWatchLimits,
): OperationWatch {
  const looks = createProgressLooks(db);
  const following = new Set<Deadline>();

  /** How far it has got: at once, and whenever it may have changed. Null: there is no such operation. */
  async function* progressOf(operationId: string, until: AbortSignal) {
    const bell = new Doorbell();
    const unsubscribe = feed.subscribe(operationId, () => bell.ring());
    // Also when whoever asks never asks again.
    until.addEventListener("abort", unsubscribe, { once: true });
    const over = endOf(until);
    try {
      while (!until.aborted) {
        const seen = await Promise.race([over, looks.look(operationId).catch(unlessOutage)]);
        if (seen !== undefined) yield seen;
        await bell.rung(limits.slowLookMs - (Date.now() % limits.slowLookMs), until);
      }
    } finally {
      unsubscribe();
    }
  }

  async function* updatesOf(operationId: string, until: AbortSignal) {
    let shown = "";
    for await (const progress of progressOf(operationId, until)) {
      if (progress === null) return;
      if (progress.version !== shown) {
        shown = progress.version;
        const shownAt = Date.now();
        yield operationId;
        await new Doorbell().rung(shownAt + limits.updatePauseMs - Date.now(), until);
      }
      if (!isOpen(progress.status)) return;
    }
  }

  return {
    async wait(operationId, waitMs, signal) {
      if (waitMs === 0) return;
      const deadline = new Deadline(waitMs, signal);
      try {
        for await (const progress of progressOf(operationId, deadline.signal)) {
          if (progress === null || isFarEnough(progress)) return;
        }
      } finally {
        deadline.end();
      }
    },
    async follow(operationId, signal) {
      if (following.size >= limits.followersMax) throw new TooManyFollowers(limits.followersMax);
      const deadline = new Deadline(limits.followMaxMs, signal);
      following.add(deadline);
      deadline.signal.addEventListener("abort", () => following.delete(deadline), { once: true });
      if (deadline.signal.aborted) following.delete(deadline);
      try {
        if ((await looks.look(operationId)) === null) throw new OperationNotFound();
      } catch (error) {
        deadline.end();
        throw error;
      }
      return endingWith(deadline, updatesOf(operationId, deadline.signal));
    },
    followers: () => following.size,
  };
}

function endOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** A time that also ends with a signal, or early. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | null;
  readonly #end = () => this.end();

  constructor(ms: number, outer: AbortSignal | null) {
    this.#timer = setTimeout(this.#end, ms);
    this.#outer = outer;
    outer?.addEventListener("abort", this.#end, { once: true });
    if (outer?.aborted === true) this.end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#end);
    this.#controller.abort();
  }
}

/**
 * The updates and their deadline, of which each ends the other. The `return` of a generator alone waits until the
 * generator has come to its next value, which may take as long as the deadline.
 */
function endingWith(
  deadline: Deadline,
  updates: AsyncGenerator<string, void, undefined>,
): AsyncIterableIterator<string> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      let isOver = true;
      try {
        const result = await updates.next();
        isOver = result.done === true;
        return result;
      } finally {
        if (isOver) deadline.end();
      }
    },
    async return() {
      deadline.end();
      return updates.return();
    },
  };
}

/** While the database is away, whoever watches waits for it; the next look is a slow one. Any other error is thrown. */
function unlessOutage(error: unknown): undefined {
  if (!isDatabaseOutage(error)) throw error;
}

/** Whether it has got as far as the caller of a mutation wants to know. */
function isFarEnough({ kind, status, tenantStatus }: OperationProgress): boolean {
  if (status !== "QUEUED" && status !== "RUNNING" && status !== "UNWINDING") return true;
  return kind === "SIGN_UP" && tenantStatus !== "PROVISIONING";
}
