import { spawn } from "node:child_process";
import { once } from "node:events";
import { spawnEmulator } from "./spawned-emulator.ts";
import { quantile } from "./statistics.ts";

const count = 15;

/** How long starts take, as medians. */
export interface Starts {
  readonly count: number;
  /** From spawning the emulator to its line that it listens. */
  readonly emulatorMs: number;
  /** From spawning `node -e 0` to its end. */
  readonly bareMs: number;
}

/** Starts the emulator and a bare Node in turns. */
export async function measureStart(): Promise<Starts> {
  const emulators: number[] = [];
  const bares: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    bares.push(await timed(startBare));
    emulators.push(
      await timed(async () => {
        const { child } = await spawnEmulator();
        return () => child.kill("SIGKILL");
      }),
    );
  }
  return { count, emulatorMs: quantile(emulators, 0.5), bareMs: quantile(bares, 0.5) };
}

async function startBare(): Promise<() => void> {
  const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
  await once(child, "exit");
  return () => {};
}

/** What it takes until it is up; cleaned up outside of that time. */
async function timed(start: () => Promise<() => void>): Promise<number> {
  const begun = performance.now();
  const stop = await start();
  const tookMs = performance.now() - begun;
  stop();
  return tookMs;
}
