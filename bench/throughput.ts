import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "./bench-world.ts";
import type { Findings } from "./report.ts";
import { shown } from "./statistics.ts";

const latencyMs = 5;
const roundsMax = 3;
const restMs = 300;

/** How many sagas are in flight at once, and how many one round runs through. */
const levels = [
  { inFlight: 1, sagas: 30 },
  { inFlight: 10, sagas: 100 },
  { inFlight: 50, sagas: 200 },
  { inFlight: 200, sagas: 400 },
] as const;

const ways = ["signUp", "engineCalls", "engineEmpty"] as const;
type Way = (typeof ways)[number];
type Rates = Readonly<Record<Way, number>>;

/**
 * Sagas a second, ours and the engine's own in turns, at rising numbers in flight. A sign-up counts when all of it has
 * ended, read-back included, for in the long run that work has to be done, too. About `budgetMs`, one round at each
 * number at least; a round's part that takes too long is cut and its rate taken from what had ended.
 */
export async function measureThroughput(bench: Bench, budgetMs: number): Promise<Findings> {
  const { upstream, loci } = bench;
  const runs: Readonly<Record<Way, () => Promise<unknown>>> = {
    signUp: async () => loci.moments.end(await loci.startSignUp()),
    engineCalls: bench.engineCalls,
    engineEmpty: bench.engineEmpty,
  };
  const sweeping = loci.startSweeping();
  const measured = [];
  for (const { inFlight, sagas } of levels) {
    await upstream.begin(latencyMs);
    const shareMs = budgetMs / levels.length;
    const deadline = performance.now() + shareMs;
    const rounds: Rates[] = [];
    do {
      const rates: Record<Way, number> = { signUp: 0, engineCalls: 0, engineEmpty: 0 };
      // Every other round in the opposite order.
      for (const way of rounds.length % 2 === 0 ? ways : ways.toReversed()) {
        rates[way] = await rateOf(runs[way], { inFlight, sagas, budgetMs: shareMs / 4 });
        await pause(restMs);
      }
      rounds.push(rates);
    } while (rounds.length < roundsMax && performance.now() < deadline);
    measured.push({ inFlight, sagas, rounds });
  }
  await sweeping.stop();
  return describe(measured);
}

/** Keeps so many in flight until all have been started, waits for the last, and answers how many ended a second. */
async function rateOf(
  run: () => Promise<unknown>,
  { inFlight, sagas, budgetMs }: { inFlight: number; sagas: number; budgetMs: number },
): Promise<number> {
  const begun = performance.now();
  let started = 0;
  const worker = async () => {
    while (started < sagas && performance.now() - begun < budgetMs) {
      started += 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (started * 1_000) / (performance.now() - begun);
}

function describe(
  measured: readonly { inFlight: number; sagas: number; rounds: readonly Rates[] }[],
): Findings {
  const data = measured.map(({ inFlight, sagas, rounds }) => {
    const mean = (way: Way) => rounds.reduce((sum, rates) => sum + rates[way], 0) / rounds.length;
    const [signUp, engineCalls, engineEmpty] = [mean("signUp"), mean("engineCalls"), mean("engineEmpty")];
    return {
      ...{ inFlight, sagas, rounds, signUp, engineCalls, engineEmpty },
      ofCalls: signUp / engineCalls,
      ofEmpty: signUp / engineEmpty,
    };
  });
  const percent = (share: number) => `${shown(share * 100, 0)} %`;
  return {
    tables: [
      {
        caption: `Sagas a second at ${latencyMs} ms upstream`,
        columns: [
          "in flight",
          "sign-ups",
          "engine, six calls",
          "share",
          "goal",
          "engine, six empty",
          "share",
          "rounds",
        ],
        rows: data.map((row) => [
          String(row.inFlight),
          shown(row.signUp),
          shown(row.engineCalls),
          percent(row.ofCalls),
          row.inFlight === 50 ? "≥ 40 %" : "–",
          shown(row.engineEmpty),
          percent(row.ofEmpty),
          String(row.rounds.length),
        ]),
      },
    ],
    notes: [
      "A sign-up is seven calls to ACTIVE and three of the read-back, in ten recorded steps; it counts when all has ended.",
      "The goal is of the engine's own saga of six steps with one call each to the same server, which is how the engine was",
      "measured when it was chosen. With steps that do nothing at all it is only quicker where the latency bounds it.",
      "All in one process with one engine, in turns; the emulator and Postgres have processes of their own.",
    ],
    data,
  };
}
