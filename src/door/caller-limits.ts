import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Caller } from "../access/caller.ts";
import type { DoorOptions } from "./door-options.ts";

/** A request that may go on. */
export interface Admission {
  /** To be called when its answer is over; a repeat changes nothing. */
  readonly leave: () => void;
}

/** A request that may not, and when a next one may. */
export interface Rejection {
  /** At least 1. */
  readonly retryAfterSeconds: number;
}

/** Counts what each caller asks, in this process. Through rotations of its token a caller is the same. */
export class CallerLimits {
  readonly #rate: RateLimiterMemory;
  readonly #concurrencyMax: number;
  readonly #underWay = new Map<string, number>();

  constructor({ ratePerMinute, concurrencyMax }: Pick<DoorOptions, "ratePerMinute" | "concurrencyMax">) {
    this.#rate = new RateLimiterMemory({ points: ratePerMinute, duration: 60 });
    this.#concurrencyMax = concurrencyMax;
  }

  /** Counts a request. The token of the configuration is exempt: it is the operators' way in when all else is at its limit. */
  async admit({ actor }: Pick<Caller, "actor">): Promise<Admission | Rejection> {
    if (actor === "admin") return { leave: () => {} };
    const count = this.#underWay.get(actor) ?? 0;
    if (count >= this.#concurrencyMax) return { retryAfterSeconds: 1 };
    // Counted before the rate is asked for: what comes meanwhile must see it.
    this.#underWay.set(actor, count + 1);
    const leave = this.#leaveOnce(actor);
    const retryAfterSeconds = await waitOf(this.#rate, actor);
    if (retryAfterSeconds === null) return { leave };
    leave();
    return { retryAfterSeconds };
  }

  #leaveOnce(actor: string): () => void {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      const left = (this.#underWay.get(actor) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(actor);
      else this.#underWay.set(actor, left);
    };
  }
}

/** Takes one of what a minute allows. Null: there was one; else how long to wait for the next, in seconds. */
export async function waitOf(limiter: RateLimiterMemory, key: string): Promise<number | null> {
  try {
    await limiter.consume(key);
    return null;
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    return Math.max(1, Math.ceil(error.msBeforeNext / 1_000));
  }
}
