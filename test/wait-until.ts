import { setTimeout as pause } from "node:timers/promises";

/** What is waited for, in words, and how long and how often one looks; in milliseconds. */
export interface WaitOptions {
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
}

/**
 * Looks again and again until it is so. For what tests and programs share: vitest's own wait works under vitest only.
 * @throws {Error} that names what was waited for, when the time is over; and whatever `isSo` throws
 */
export async function waitUntil(
  isSo: () => boolean | Promise<boolean>,
  { what, timeoutMs, intervalMs = 100 }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() >= deadline) throw new Error(`Waited in vain for ${timeoutMs} ms until ${what}.`);
    await pause(intervalMs);
  }
}
