import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { looksPerHang, type Watched } from "./watchdog.ts";

/** The thread that `startWatchdog` starts: it looks whether the main thread's event loop still turns. */

const stderr = 2;
// `startWatchdog` is the only one who starts this thread, and gives it this.
const { beats, hungMs } = workerData as Watched;
const lookMs = hungMs / looksPerHang;

let seen = Atomics.load(beats, 0);
let turnedAt = performance.now();
let lookedAt = turnedAt;

setInterval(() => {
  const now = performance.now();
  // This thread stood still as well: then all did, and the main one gets its time anew.
  const wasFrozen = now - lookedAt > lookMs * 3;
  lookedAt = now;
  const beat = Atomics.load(beats, 0);
  if (beat !== seen || wasFrozen) {
    seen = beat;
    turnedAt = now;
  } else if (now - turnedAt > hungMs) {
    writeSync(
      stderr,
      `The event loop has not turned for ${hungMs} ms; this process ends so that others can take over.\n`,
    );
    process.kill(process.pid, "SIGKILL");
  }
}, lookMs);
