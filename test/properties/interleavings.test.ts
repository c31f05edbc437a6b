import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "../../src/emulator/emulator.ts";
import { breachesOf } from "./breaches.ts";
import { plans } from "./plan.ts";
import { Simulation } from "./simulation.ts";

/**
 * LOCI_PROPERTY_RUNS: how many plans are tried, however long it takes. LOCI_PROPERTY_SEED and LOCI_PROPERTY_PATH: what a
 * failure printed, to see it again. Only what fast-check chooses is replayed; the clock goes as it goes.
 */
const runs = process.env["LOCI_PROPERTY_RUNS"];
const seed = Number(process.env["LOCI_PROPERTY_SEED"] ?? Date.now() % 1_000_000_000);
const path = process.env["LOCI_PROPERTY_PATH"] ?? "";

/** As many as come to their end in this time, unless a number was asked for. */
const searchMs = runs === undefined ? 25_000 : Number.POSITIVE_INFINITY;
const numRuns = Number(runs ?? 100);

/** After a failure a smaller one is looked for that long. */
const shrinkMs = 90_000;

let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator?.close());

/** How often what was the case at the end of a plan: that the search sees anything at all. */
const seen = new Map<string, number>();

function note(what: string, count = 1): void {
  seen.set(what, (seen.get(what) ?? 0) + count);
}

async function tell({ turns, database }: Simulation): Promise<void> {
  note("plans");
  note("turns", turns.released);
  const { rows } = await database.pool.query<{ what: string; count: number }>(
    `SELECT kind || ' ' || status AS what, count(*)::int AS count FROM operation GROUP BY 1
     UNION ALL SELECT 'ambiguous', count(*)::int FROM operation WHERE ambiguous
     UNION ALL SELECT 'twins removed', count(*)::int FROM attempt WHERE twin_id IS NOT NULL
     UNION ALL SELECT 'creates given up', count(*)::int FROM attempt WHERE outcome = 'ABANDONED'`,
  );
  for (const { what, count } of rows) note(what, count);
}

it("whatever interleaves, fails and dies: no twins, nothing unaccounted, and all ends or says why not", {
  timeout: 600_000 + numRuns * 10_000,
}, async () => {
  process.stdout.write(`Seed of the interleavings: LOCI_PROPERTY_SEED=${seed}\n`);
  const searchUntil = performance.now() + searchMs;
  let shrinkUntil: number | null = null;
  const property = fc.asyncProperty(plans, fc.scheduler(), async (plan, scheduler) => {
    if (performance.now() > (shrinkUntil ?? searchUntil)) return;
    await fetch(`${emulator.url}/_emulator/reset`, { method: "POST" });
    const simulation = await Simulation.open(plan, scheduler, emulator);
    try {
      await simulation.run();
      const breaches = await breachesOf(simulation);
      await tell(simulation);
      expect(breaches).toEqual([]);
    } catch (error) {
      shrinkUntil ??= performance.now() + shrinkMs;
      throw error;
    } finally {
      await simulation.close();
    }
  });
  await fc.assert(property, { seed, path, numRuns });
  process.stdout.write(`${[...seen].map(([what, count]) => `${what}: ${count}`).join(", ")}\n`);
  expect(seen.get("plans"), "plans that were tried").toBeGreaterThan(0);
});
