import { parseArgs } from "node:util";
import type { Lifetime } from "../src/lifetime.ts";
import { keepReport } from "../test/program/keep-report.ts";
import { runProgram, say } from "../test/program/run-program.ts";
import { type Bench, startBench } from "./bench-world.ts";
import { measureCost } from "./cost.ts";
import { measureDataPlane } from "./data-plane.ts";
import { measureEmulator } from "./emulator.ts";
import { describeMachine, loadAverage } from "./machine.ts";
import { type BenchPostgres, startPostgres } from "./postgres.ts";
import { drawTable, type Findings } from "./report.ts";
import { measureTakeOver } from "./take-over.ts";
import { measureThroughput } from "./throughput.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { measureWallTime } from "./wall-time.ts";

const usage = `npm run bench -- [--quick] [--json file] [section …]

Measures Loci against the emulator on a Postgres of its own, and prints a report. Sections, all by default:

  wall-time    a sign-up beside the same calls made plainly
  throughput   sagas a second beside the engine's own
  cost         SQL round trips and processor time a saga
  data-plane   reads of memories beside the same calls made plainly
  take-over    from kill -9 to the next step
  emulator     the emulator with 100,000 memories, and its start

  --quick      a quarter of the time, and so less certain numbers
  --json file  also writes all numbers there
`;

/** What a section may use. */
interface Ground {
  readonly postgres: BenchPostgres;
  readonly upstream: Upstream;
  readonly lifetime: Lifetime;
  /** Loci in this process; started when first asked for. */
  readonly inProcess: () => Promise<Bench>;
  readonly isQuick: boolean;
}

/** The sections in their order, and how long each takes of a whole run, in milliseconds. */
const sections = {
  "wall-time": {
    budgetMs: 90_000,
    measure: async (ground, ms) => measureWallTime(await ground.inProcess(), ms),
  },
  throughput: {
    budgetMs: 150_000,
    measure: async (ground, ms) => measureThroughput(await ground.inProcess(), ms),
  },
  cost: { budgetMs: 45_000, measure: async (ground, ms) => measureCost(await ground.inProcess(), ms) },
  "data-plane": {
    budgetMs: 80_000,
    measure: async (ground, ms) => measureDataPlane(await ground.inProcess(), ms),
  },
  "take-over": { budgetMs: 150_000, measure: measureTakeOver },
  // It takes as long as filling takes: about a minute.
  emulator: { budgetMs: 60_000, measure: measureEmulator },
} as const satisfies Record<
  string,
  { budgetMs: number; measure: (ground: Ground, budgetMs: number) => Promise<Findings> }
>;

type SectionName = keyof typeof sections;

const isSection = (name: string): name is SectionName => Object.hasOwn(sections, name);

interface Order {
  readonly names: readonly SectionName[];
  readonly isQuick: boolean;
  readonly json: string | null;
}

/** Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
function readOrder(args: readonly string[]): Order | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: { type: "boolean" }, json: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) return null;
  const unknown = positionals.filter((name) => !isSection(name));
  if (unknown.length > 0) throw new Error(`There is no section ${unknown.join(", ")}.`);
  const chosen = Object.keys(sections).filter(isSection);
  return {
    names: positionals.length === 0 ? chosen : chosen.filter((name) => positionals.includes(name)),
    isQuick: values.quick === true,
    json: values.json ?? null,
  };
}

/** Answers true: a measure is neither good nor bad. */
async function report({ names, isQuick, json }: Order, lifetime: Lifetime): Promise<boolean> {
  const begun = performance.now();
  const postgres = await startPostgres(lifetime);
  const upstream = await startUpstream(lifetime);
  const machine = await describeMachine(postgres.connectionString);
  const loadBefore = loadAverage();
  say(
    `${machine.at}: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`,
  );
  say(`Node ${machine.node}, Postgres ${machine.postgres}, load average before ${loadBefore}\n`);
  let bench: Promise<Bench> | null = null;
  const inProcess = () => {
    bench ??= startBench(postgres, upstream, lifetime);
    return bench;
  };
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const { budgetMs, measure } = sections[name];
    say(`── ${name} ${"─".repeat(100 - name.length)}\n`);
    const { tables, notes, data } = await measure(
      { postgres, upstream, lifetime, inProcess, isQuick },
      isQuick ? budgetMs / 4 : budgetMs,
    );
    for (const table of tables) say(drawTable(table));
    say(`${notes.map((note) => `  ${note}`).join("\n")}\n`);
    found[name] = data;
  }
  const loadAfter = loadAverage();
  const seconds = Math.round((performance.now() - begun) / 1_000);
  say(
    `Took ${seconds} s; load average before ${loadBefore}, after ${loadAfter}, the bench's own work included.`,
  );
  if (json === null) return true;
  const all = { machine, loadBefore, loadAfter, seconds, isQuick, sections: found };
  await keepReport(json, `${JSON.stringify(all, null, 2)}\n`);
  return true;
}

await runProgram({ usage, readOrder, run: report });
