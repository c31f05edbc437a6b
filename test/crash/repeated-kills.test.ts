import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { agreedRecords } from "./engine-record.ts";
import { keysOf, prepareEmulator, signUpAll } from "./fleet.ts";
import { LociHome } from "./loci-home.ts";

/** Few in flight and slow answers, so that there is still work at the last kill. */
const env = { LOCI_SETTLE_MS: "1500", LOCI_IN_FLIGHT_MAX: "5" };
const latencyMs = 150;

const seed = Number(process.env["LOCI_CRASH_SEED"] ?? Date.now() % 1_000_000);

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

it("30 sign-ups all become ACTIVE, each once, whenever the process is killed five times", {
  timeout: 240_000,
}, async () => {
  process.stdout.write(`Seed of the moments of the kills: LOCI_CRASH_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const home = await LociHome.forTest(program);
  const first = await home.start(env);
  await prepareEmulator(first, latencyMs);
  await signUpAll(first, ["first"], 30_000);
  await signUpAll(first, keysOf("hunted", 30));

  const openAtKill: number[] = [];
  let current: Pick<typeof first, "kill9"> = first;
  for (let kill = 1; kill <= 5; kill++) {
    // A life is counted from its very start, so that kills fall into starts and recoveries too.
    await pause(random() * 2_000);
    await current.kill9();
    const open = await home.query("SELECT id FROM operation WHERE finished_at IS NULL");
    openAtKill.push(open.length);
    if (kill < 5) current = home.spawn(env);
  }
  expect(Math.min(...openAtKill), `operations that were open at the kills (seed ${seed})`).toBeGreaterThan(0);

  const last = await home.start(env);
  expect(await settledAccounts(home, last), `seed ${seed}`).toEqual({
    tenants: { ACTIVE: 31 },
    operations: { "SIGN_UP SUCCEEDED": 31 },
    needAttention: [],
    twins: [],
    missing: [],
    unaccounted: [],
    drift: [],
  });
  expect(await agreedRecords(home)).toEqual({ operations: { SUCCEEDED: 31 }, disagreements: [] });
});
