import { Worker } from "node:worker_threads";

/** What the watching thread is given. */
export interface Watched {
  /** One number, raised whenever the event loop turns. */
  readonly beats: Int32Array;
  readonly hungMs: number;
}

/** How often within `hungMs` the loop says that it turns, and the thread looks. */
export const looksPerHang = 10;

/**
 * Ends this process with -9 when its event loop has not turned for `hungMs`: a process that hangs keeps its connections
 * open, and with them its lease, so that no peer could take over from it. A process that was frozen as a whole is left
 * alone when it wakes up. `stop` ends the watching.
 */
export function startWatchdog(hungMs: number): { stop(): Promise<void> } {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const timer = setInterval(() => Atomics.add(beats, 0, 1), hungMs / looksPerHang);
  timer.unref();
  const workerData: Watched = { beats, hungMs };
  const thread = new Worker(new URL("watchdog-thread.js", import.meta.url), { workerData, execArgv: [] });
  thread.unref();
  return {
    async stop() {
      clearInterval(timer);
      await thread.terminate();
    },
  };
}
