import type { Mem0Call } from "../mem0/request.ts";

/** What the calls of Mem0 cost that were made for one response. */
export interface UpstreamCost {
  /** How many requests left for Mem0. */
  readonly calls: number;
  /** For how long at least one of them was under way, in whole milliseconds; calls side by side count once. */
  readonly waitedMs: number;
}

/** Counts the calls of Mem0 that are made for one GraphQL request. */
export class UpstreamMeter {
  #calls = 0;
  readonly #stretches: (readonly [startedMs: number, endedMs: number])[] = [];

  /** Counts a call when it is over: to be given to it as its `onCall`. */
  readonly count = ({ hasLeft, durationMs }: Mem0Call): void => {
    const nowMs = performance.now();
    if (hasLeft) this.#calls += 1;
    this.#stretches.push([nowMs - durationMs, nowMs]);
  };

  /** The sum so far. Null when no call was made. */
  cost(): UpstreamCost | null {
    if (this.#stretches.length === 0) return null;
    let waitedMs = 0;
    let coveredMs = Number.NEGATIVE_INFINITY;
    for (const [startedMs, endedMs] of this.#stretches.toSorted(([one], [other]) => one - other)) {
      waitedMs += Math.max(0, endedMs - Math.max(startedMs, coveredMs));
      coveredMs = Math.max(coveredMs, endedMs);
    }
    return { calls: this.#calls, waitedMs: Math.round(waitedMs) };
  }
}
