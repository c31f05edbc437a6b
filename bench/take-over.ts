import { readConfig } from "../src/config.ts";
import type { Lifetime } from "../src/lifetime.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Findings } from "./report.ts";
import { shown } from "./statistics.ts";
import { type Aftermath, TakeOverCase } from "./take-over-case.ts";
import type { Upstream } from "./upstream.ts";

/** What the section needs. */
interface Ground {
  readonly postgres: BenchPostgres;
  readonly upstream: Upstream;
  readonly lifetime: Lifetime;
  readonly isQuick: boolean;
}

type Way = "restart" | "peer";

/** One kill, and what came of it. */
interface Row extends Aftermath {
  readonly way: Way;
  readonly inFlight: number;
}

/**
 * What a kill -9 costs: a process is killed with many sagas in flight, all of them waiting for Mem0's answer to a
 * create, and goes on as the next start, or (where this Loci knows roles) in a second worker that was idle until then.
 * @throws {Error} when a share of `budgetMs` is not enough for all sagas to end
 */
export async function measureTakeOver(ground: Ground, budgetMs: number): Promise<Findings> {
  const ways: readonly Way[] = knowsRoles() ? ["restart", "peer"] : ["restart"];
  const levels = ground.isQuick ? [50] : [50, 200];
  const rows: Row[] = [];
  for (const way of ways) {
    for (const inFlight of levels) {
      const one = await TakeOverCase.open(ground, `take_over_${way}_${inFlight}`);
      try {
        // The budget is what it should take; a bound must leave room for a machine with other work.
        const aftermath = await runCase(one, { way, inFlight, patienceMs: budgetMs });
        rows.push({ way, inFlight, ...aftermath });
      } finally {
        await one.close();
      }
    }
  }
  return describe(rows);
}

/** Whether this Loci can be run as an api and workers. */
function knowsRoles(): boolean {
  const shared = { DATABASE_URL: "postgresql://localhost/loci", MEM0_API_KEY: "m0-bench" };
  return "role" in readConfig({ ...shared, LOCI_ROLE: "worker" });
}

async function runCase(
  one: TakeOverCase,
  { way, inFlight, patienceMs }: { way: Way; inFlight: number; patienceMs: number },
): Promise<Aftermath> {
  if (way === "restart") {
    const first = await one.start({});
    await one.prove();
    await one.hold(inFlight, patienceMs);
    const killedAt = await one.kill9(first);
    const spawnedAt = Date.now();
    await one.start({});
    return one.aftermath({ killedAt, readyMs: Date.now() - spawnedAt, patienceMs });
  }
  await one.start({ LOCI_ROLE: "api" });
  const victim = await one.startWorker();
  await one.prove();
  await one.hold(inFlight, patienceMs);
  await one.startWorker();
  const killedAt = await one.kill9(victim);
  return one.aftermath({ killedAt, readyMs: null, patienceMs });
}

function describe(rows: readonly Row[]): Findings {
  const seconds = (ms: number | null) => (ms === null ? "–" : shown(ms / 1_000, 2));
  const names: Readonly<Record<Way, string>> = {
    restart: "the same, started again at once",
    peer: "another worker, idle till then",
  };
  return {
    tables: [
      {
        caption: "kill -9 with sagas in flight; seconds after the kill",
        columns: [
          "in flight",
          "goes on in",
          "first request to Mem0",
          "goal",
          "all ended",
          "start took",
          "made twice",
          "missing",
        ],
        rows: rows.map((row) => [
          String(row.inFlight),
          names[row.way],
          seconds(row.nextRequestMs),
          row.way === "peer" ? "≤ 5" : "–",
          seconds(row.allEndedMs),
          seconds(row.readyMs),
          String(row.twins),
          String(row.missing),
        ]),
      },
    ],
    notes: [
      "Every saga was waiting for the answer to a create. All ended includes a settle delay of 1 s (10 s by default), for",
      "whatever was not found upstream. Made twice and missing are counted among the emulator's organizations.",
      ...(knowsRoles() ? [] : ["This Loci knows no LOCI_ROLE, so nobody but its next start can take over."]),
    ],
    data: rows,
  };
}
