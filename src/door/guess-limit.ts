import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { type Rejection, waitOf } from "./caller-limits.ts";
import { failuresPerMinute, letIn } from "./limits.ts";

/**
 * Keeps those who guess tokens from costing us anything: an address that failed `failuresPerMinute` times is not looked up any more
 * until its minute is over. What was let in within the last hour is asked for all the same, so that nobody locks out whoever
 * shares an address with him. That a token still counts is not decided here.
 */
export class GuessLimit {
  readonly #failures = new RateLimiterMemory({ points: failuresPerMinute, duration: 60 });
  readonly #known = new LRUCache<string, true>({ max: letIn.countMax, ttl: letIn.keptMs });

  /**
   * Asks who somebody is. `lookUp` answers null for nobody, and is not called where the address has failed too often. What is
   * under way counts as failed until it is known, so that many guesses at once are no way around.
   * @throws what `lookUp` throws
   */
  async ask<Found extends object>(
    authorization: string | undefined,
    address: string,
    lookUp: () => Promise<Found | null>,
  ): Promise<Found | Rejection | null> {
    // Who shows nothing guesses nothing.
    if (authorization === undefined) return null;
    const digest = createHash("sha256").update(authorization).digest("base64url");
    if (this.#known.has(digest)) return lookUp();
    const retryAfterSeconds = await waitOf(this.#failures, address);
    if (retryAfterSeconds !== null) return { retryAfterSeconds };
    try {
      const found = await lookUp();
      if (found === null) return null;
      this.#known.set(digest, true);
      await this.#failures.reward(address);
      return found;
    } catch (error) {
      // That it could not be told is nobody's wrong guess.
      await this.#failures.reward(address);
      throw error;
    }
  }
}
