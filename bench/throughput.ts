import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "./bench-world.ts";
import { type Load, rateOf } from "./rate.ts";
import type { Findings } from "./report.ts";
import { shown } from "./statistics.ts";

const latencyMs = 5;
const roundsMax = 3;
/**
 * Run by each before a level is measured. A statement is planned anew the first five times on a connection, and both sides
 * have twenty: what is measured is a service that has been up for a minute.
 */
const warmUpSagas = 150;
const restMs = 300;

/** How many sagas are in flight at once, and how many one round runs through. */
const levels = [
  { inFlight: 1, sagas: 30 },
  { inFlight: 10, sagas: 100 },
  { inFlight: 50, sagas: 200 },
  { inFlight: 200, sagas: 400 },
] as const;

const ways = ["signUp", "engineCalls", "stockCalls", "engineEmpty"] as const;
type Way = (typeof ways)[number];
type Rates = Readonly<Record<Way, number>>;

/**
 * Sagas a second, ours and the engine's own in turns, at rising numbers in flight. A sign-up counts when all of it has
 * ended, read-back included, for in the long run that work has to be done, too. About `budgetMs`, one round at each
 * number at least; a round's part that takes too long is cut and its rate taken from what had ended.
 */
export async function measureThroughput(bench: Bench, budgetMs: number): Promise<Findings> {
  const { upstream, loci } = bench;
  const stock = await bench.stockEngine();
  const rates: Readonly<Record<Way, (load: Load) => Promise<number>>> = {
    signUp: (load) => rateOf(async () => loci.moments.end(await loci.startSignUp()), load),
    engineCalls: (load) => rateOf(bench.engineCalls, load),
    stockCalls: stock.rateOf,
    engineEmpty: (load) => rateOf(bench.engineEmpty, load),
  };
  const sweeping = loci.startSweeping();
  const measured = [];
  for (const { inFlight, sagas } of levels) {
    await upstream.begin(latencyMs);
    const shareMs = budgetMs / levels.length;
    const deadline = performance.now() + shareMs * 1.5;
    const rounds: Rates[] = [];
    const warmUp = { inFlight, sagas: Math.min(sagas, warmUpSagas), budgetMs: shareMs / ways.length / 2 };
    for (const way of ways) await rates[way](warmUp);
    do {
      const round: Record<Way, number> = { signUp: 0, engineCalls: 0, stockCalls: 0, engineEmpty: 0 };
      // Every other round in the opposite order.
      for (const way of rounds.length % 2 === 0 ? ways : ways.toReversed()) {
        round[way] = await rates[way]({ inFlight, sagas, budgetMs: shareMs / ways.length });
        await pause(restMs);
      }
      rounds.push(round);
    } while (rounds.length < roundsMax && performance.now() < deadline);
    measured.push({ inFlight, sagas, rounds });
  }
  await sweeping.stop();
  return describe(measured);
}

function describe(
  measured: readonly { inFlight: number; sagas: number; rounds: readonly Rates[] }[],
): Findings {
  const data = measured.map(({ inFlight, sagas, rounds }) => {
    const mean = (way: Way) => rounds.reduce((sum, rates) => sum + rates[way], 0) / rounds.length;
    const [signUp, engineCalls, stockCalls] = [mean("signUp"), mean("engineCalls"), mean("stockCalls")];
    const engineEmpty = mean("engineEmpty");
    return {
      ...{ inFlight, sagas, rounds, signUp, engineCalls, stockCalls, engineEmpty },
      ofCalls: signUp / engineCalls,
      ofStock: signUp / stockCalls,
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
          "as it comes",
          "share",
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
          shown(row.stockCalls),
          percent(row.ofStock),
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
      "All in one process with one engine, over connections of ours that keep its statements prepared, in turns; the emulator",
      "and Postgres have processes of their own. Each runs some before, which are not counted. As it comes: the same six calls by the engine alone in another process, with",
      "the connections that it makes itself and no setting.",
    ],
    data,
  };
}
