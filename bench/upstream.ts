import { Pool } from "undici";
import type { Lifetime } from "../src/lifetime.ts";
import { EmulatorControl } from "../test/emulator-control.ts";
import { member } from "./place.ts";
import { processorMs } from "./processor-time.ts";
import { spawnEmulator } from "./spawned-emulator.ts";

/** The emulator in a process of its own, so that its time is not Loci's. */
export interface Upstream {
  readonly url: string;
  readonly apiKey: string;
  readonly control: EmulatorControl;
  /** A warm pool of connections to it, for the calls that are made plainly. */
  readonly pool: Pool;
  /** Forgets everything but the key, and answers from now on after so many milliseconds. */
  begin(latencyMs: number): Promise<void>;
  processorMs(): number;
}

/** Starts it; with the lifetime's end it is gone. @throws {Error} when it does not come up */
export async function startUpstream(lifetime: Lifetime): Promise<Upstream> {
  const { child, url, apiKey } = await lifetime.keep({
    name: "the emulator",
    make: () => spawnEmulator(),
    stop: async (made) => made.child.kill("SIGKILL"),
  });
  const control = new EmulatorControl(url);
  const pool = await lifetime.keep({
    name: "the plain pool",
    make: async () => new Pool(url, { connections: 256, pipelining: 1 }),
    stop: (made) => made.destroy(),
  });
  return {
    ...{ url, apiKey, control, pool },
    processorMs: () => processorMs(child.pid ?? 0),
    begin: async (latencyMs) => {
      const reset = await fetch(`${url}/_emulator/reset`, { method: "POST" });
      if (!reset.ok) throw new Error(`The emulator cannot be reset: ${reset.status}.`);
      await control.registerUser(member.email);
      await control.setSwitches({ latencyMs });
    },
  };
}
