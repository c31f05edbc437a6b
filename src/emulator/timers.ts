/** Things to be done later, all of which can be called off together. */
export class Timers {
  readonly #pending = new Set<NodeJS.Timeout>();

  /** Runs `then` after so many milliseconds; at once, in this very call, after none. */
  later(afterMs: number, then: () => void): void {
    if (afterMs <= 0) {
      then();
      return;
    }
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      then();
    }, afterMs);
    this.#pending.add(timer);
  }

  clear(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
  }
}
