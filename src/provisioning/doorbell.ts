/** Remembers that it was rung, not how often. For one who waits. */
export class Doorbell {
  #isRung = false;
  #open: (() => void) | null = null;

  /** Rings. */
  ring(): void {
    this.#isRung = true;
    this.#open?.();
  }

  /** Waits until it is rung, or was since the last time; at most `ms` (none when that is past), and not longer than `until`. */
  async rung(ms: number, until: AbortSignal): Promise<void> {
    if (!this.#isRung && !until.aborted && ms > 0) {
      await new Promise<void>((resolve) => {
        const open = () => {
          clearTimeout(timer);
          until.removeEventListener("abort", open);
          this.#open = null;
          resolve();
        };
        const timer = setTimeout(open, ms);
        until.addEventListener("abort", open, { once: true });
        this.#open = open;
      });
    }
    this.#isRung = false;
  }
}
