import { type Answer, json } from "./answer.ts";

const windowMs = 60_000;

/**
 * Counts the requests of every key in the minute before now, as Django REST Framework's throttle does (inferred: no
 * source says how the real service counts). A refused request does not count. Forgets all when the process ends.
 */
export class Throttle {
  readonly #admittedMs = new Map<string, readonly number[]>();

  /**
   * Admits a request of this key at this time (epoch milliseconds), or says in how many whole seconds there is room
   * for one again, at least 1. A bound of 0 admits everything and remembers nothing.
   */
  secondsToWait(apiKey: string, perMinute: number, atMs: number): number | null {
    if (perMinute === 0) {
      this.#admittedMs.delete(apiKey);
      return null;
    }
    const recent = (this.#admittedMs.get(apiKey) ?? []).filter((admittedMs) => admittedMs > atMs - windowMs);
    if (recent.length < perMinute) {
      this.#admittedMs.set(apiKey, [...recent, atMs]);
      return null;
    }
    this.#admittedMs.set(apiKey, recent);
    // After a lowered bound more than one must grow old before there is room.
    const blockingMs = recent[recent.length - perMinute] ?? atMs;
    return Math.max(1, Math.ceil((blockingMs + windowMs - atMs) / 1000));
  }

  /** Forgets every request. */
  clear(): void {
    this.#admittedMs.clear();
  }
}

/** Django REST Framework's text and header (inferred; the Python client reads `Retry-After`). */
export function throttled(retryAfterSeconds: number): Answer {
  const unit = retryAfterSeconds === 1 ? "second" : "seconds";
  return json(
    429,
    { detail: `Request was throttled. Expected available in ${retryAfterSeconds} ${unit}.` },
    { "retry-after": String(retryAfterSeconds) },
  );
}
