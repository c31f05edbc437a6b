import type { Logger } from "pino";

/** Loci was told to stop while it was starting; it starts no further. */
export class StoppedWhileStarting extends Error {
  override readonly name = "StoppedWhileStarting";
}

/** A thing that is started and has to be stopped. */
export interface Kept<T> {
  /** For the log: `the database`. */
  readonly name: string;
  readonly make: () => Promise<T>;
  readonly stop: (made: T) => Promise<unknown>;
  /**
   * It would live on after this process, as a Postgres of our own does. So the end waits for it however long its
   * making and its stopping take; they have bounds of their own. Anything else may be left to die with the process.
   */
  readonly outlivesUs?: boolean;
}

interface Stop {
  readonly name: string;
  readonly outlivesUs: boolean;
  readonly stop: () => Promise<unknown>;
}

/** How long the end waits for what is still being made, and then for each thing to be stopped; in milliseconds. */
export interface Patience {
  readonly makingMs: number;
  readonly stopMs: number;
}

const defaultPatience: Patience = { makingMs: 4_000, stopMs: 5_000 };

/** What was started and has to be stopped, in reverse; also when the order to stop comes in the midst of the start. */
export class Lifetime {
  readonly #ending = new AbortController();
  readonly #making = new Map<Promise<unknown>, { readonly outlivesUs: boolean }>();
  readonly #stops: Stop[] = [];
  readonly #patience: Patience;

  constructor(patience: Patience = defaultPatience) {
    this.#patience = patience;
  }

  /** Aborted, with `StoppedWhileStarting`, when the end begins. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Makes a thing, and sees to it that it is stopped, whatever comes in between.
   * @throws {StoppedWhileStarting} when the end has begun: nothing is made, or what was made is stopped
   * @throws what `make` throws
   */
  async keep<T>({ name, make, stop, outlivesUs = false }: Kept<T>): Promise<T> {
    this.ending.throwIfAborted();
    const making = make().then((made) => {
      this.#stops.push({ name, outlivesUs, stop: () => stop(made) });
      return made;
    });
    this.#making.set(making, { outlivesUs });
    try {
      const made = await making;
      this.ending.throwIfAborted();
      return made;
    } finally {
      this.#making.delete(making);
    }
  }

  /**
   * Stops everything in the reverse order of its making, what is still being made included. A failure is logged, and
   * the rest is stopped all the same.
   */
  async end(log: Logger): Promise<void> {
    this.#ending.abort(new StoppedWhileStarting("Loci was told to stop."));
    await this.#untilMade();
    for (let next = this.#stops.pop(); next !== undefined; next = this.#stops.pop()) {
      const { name, outlivesUs, stop } = next;
      try {
        const isStopped = await within(outlivesUs ? null : this.#patience.stopMs, stop());
        if (!isStopped) log.warn({ name }, "did not stop in time");
      } catch (error) {
        log.error({ err: error, name }, "could not be stopped cleanly");
      }
    }
  }

  async #untilMade(): Promise<void> {
    const lasting = [...this.#making].filter(([, { outlivesUs }]) => outlivesUs).map(([making]) => making);
    await within(this.#patience.makingMs, Promise.allSettled(this.#making.keys()));
    await Promise.allSettled(lasting);
  }
}

/** Whether a promise is fulfilled within a time; null: however long it takes. @throws what it rejects with in time */
async function within(patienceMs: number | null, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => {
    if (patienceMs !== null) timer = setTimeout(resolve, patienceMs, false);
  });
  try {
    return await Promise.race([promise.then(() => true), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
