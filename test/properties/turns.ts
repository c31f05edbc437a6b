import { setTimeout as sleep } from "node:timers/promises";

/** What decides who goes on: fast-check's scheduler, so that a failure can be shrunk and replayed. */
export interface Scheduler {
  schedule<T>(task: Promise<T>, label?: string): Promise<T>;
  count(): number;
  waitNext(count: number): Promise<void>;
  waitIdle(): Promise<void>;
}

/** Who takes turns. */
export interface Party {
  readonly name: string;
  /** It stops where it stands, and never goes on: what kill -9 does to a process. */
  readonly isDead: boolean;
}

/** Never fulfilled: where the dead stand. */
const never = new Promise<never>(() => {});

/** How long nothing must change before those who still move count as waiting for a timer, in milliseconds. */
const stillMs = 12;

/**
 * Lets many runs go on one at a time. Each stops at its points; when all stand, one is chosen to go on to its next point.
 * So it is the scheduler that decides about interleavings, and not Postgres or the network.
 */
export class Turns {
  readonly #scheduler: Scheduler;
  #moving = 0;
  #changedAt = performance.now();
  #released = 0;
  #isOver = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** How many were let go on so far. */
  get released(): number {
    return this.#released;
  }

  /** How many stand at a point and could go on. */
  get standing(): number {
    return this.#scheduler.count();
  }

  /** One more moves: a run that begins, or a step of it that runs beside others. */
  begin(): void {
    this.#moving += 1;
    this.#changedAt = performance.now();
  }

  /** One of them has ended, or waits for what another does. */
  end(): void {
    this.#moving -= 1;
    this.#changedAt = performance.now();
  }

  /** Waits at a point until its turn has come. For ever when its party dies before. */
  async point(party: Party, what: string): Promise<void> {
    if (!this.#isOver && !party.isDead) {
      this.end();
      await this.#scheduler.schedule(Promise.resolve(), `${party.name}: ${what}`);
      this.begin();
    }
    if (party.isDead) await this.stop();
  }

  /** Whoever calls it stands still for ever. */
  stop(): Promise<never> {
    this.end();
    return never;
  }

  /** Waits until all stand at a point, or wait for a timer. */
  async quiet(): Promise<void> {
    while (this.#moving > 0 && performance.now() - this.#changedAt < stillMs) await sleep(1);
  }

  /** Lets one go on. */
  async releaseOne(): Promise<void> {
    this.#released += 1;
    await this.#scheduler.waitNext(1);
  }

  /** From now on nobody waits for his turn. */
  async over(): Promise<void> {
    this.#isOver = true;
    await this.#scheduler.waitIdle();
  }
}
