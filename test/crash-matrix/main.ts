import os from "node:os";
import { parseArgs } from "node:util";
import type { Lifetime } from "../../src/lifetime.ts";
import { keepReport } from "../program/keep-report.ts";
import { runProgram, say } from "../program/run-program.ts";
import { allPairs, randomBy } from "./all-pairs.ts";
import { type CellResult, runBatch } from "./batch.ts";
import { type Cell, type WorldName, worldNames } from "./cell.ts";
import { enumerate } from "./enumerate.ts";
import { type Ground, openGround } from "./ground.ts";
import { aloneCommand, countsOf, duration, type MatrixRun, writeReport } from "./report.ts";

const usage = `npm run crash-matrix -- [--quick] [--only id] [--worlds a,b] [--seed n] [--report file]

Kills workers at every step of every saga, under every fault, and compares what is upstream with the mapping.
All of it writes docs/crash-matrix.md.

  --quick        a choice in which every pair of values of two dimensions occurs
  --only id      the cells whose id begins so: saga/step/direction/crash/fault/continuation/world; "*" takes any part
  --worlds a,b   of ${worldNames.join(", ")}
  --seed n       decides the choice and the batches
  --report file  writes the report there
`;

/** Tenants a batch. More would wait for each other; fewer would pay for more restarts. */
const batchMax = 100;
/** Batches at once: while one waits for a settle delay, another works. */
const batchesAtOnce = 2;
const quickBatchesAtOnce = 4;

interface Order {
  readonly isQuick: boolean;
  readonly only: string | null;
  readonly worlds: readonly WorldName[];
  readonly seed: number;
  readonly report: string | null;
}

/** Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
function readOrder(args: readonly string[]): Order | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean" },
      only: { type: "string" },
      worlds: { type: "string" },
      seed: { type: "string" },
      report: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return null;
  const asked = values.worlds?.split(",") ?? worldNames;
  const unknown = asked.find((name) => worldNames.every((world) => world !== name));
  if (unknown !== undefined) throw new Error(`There is no world ${unknown}.`);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new Error("The seed must be a whole number.");
  const isAll = values.quick !== true && values.only === undefined && values.worlds === undefined;
  return {
    isQuick: values.quick === true,
    only: values.only ?? null,
    worlds: worldNames.filter((world) => asked.includes(world)),
    seed,
    report: values.report ?? (isAll ? "docs/crash-matrix.md" : null),
  };
}

/** Whether an id begins with these parts; "*" stands for any. */
function isMeant(id: string, only: string): boolean {
  const parts = id.split("/");
  return only.split("/").every((part, index) => part === "*" || part === parts[index]);
}

function choose(cells: readonly Cell[], { only, isQuick, seed }: Order): Cell[] {
  const meant = only === null ? [...cells] : cells.filter(({ id }) => isMeant(id, only));
  if (meant.length === 0) throw new Error(`There is no cell ${only}.`);
  return isQuick ? allPairs(meant, seed) : meant;
}

/** Cells of one world together, mixed by the seed, so that each batch has some of everything. */
function batchesOf(cells: readonly Cell[], seed: number): Cell[][] {
  const random = randomBy(seed);
  const mixed = cells
    .map((cell) => ({ cell, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ cell }) => cell);
  return worldNames.flatMap((world) => {
    const own = mixed.filter((cell) => cell.world === world);
    const count = Math.ceil(own.length / batchMax);
    const size = Math.ceil(own.length / count);
    return Array.from({ length: count }, (_, index) => own.slice(index * size, (index + 1) * size));
  });
}

async function runAll(
  ground: Ground,
  batches: readonly (readonly Cell[])[],
  { atOnce, begun }: { readonly atOnce: number; readonly begun: number },
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const total = batches.reduce((sum, { length }) => sum + length, 0);
  const left = [...batches];
  const take = async () => {
    for (let batch = left.shift(); batch !== undefined; batch = left.shift()) {
      const [first] = batch;
      if (first === undefined) continue;
      const startedMs = performance.now();
      const found = await runBatch(ground, first.world, batch);
      results.push(...found);
      const failed = found.filter(({ faults }) => faults.length > 0);
      const took = ((performance.now() - startedMs) / 1_000).toFixed(1);
      const perMinute = Math.round(results.length / ((performance.now() - begun) / 60_000));
      say(
        `${first.world}: ${found.length} cells in ${took} s, ${failed.length} failed; ` +
          `${results.length} of ${total} done, ${perMinute} a minute`,
      );
      for (const { cell, faults } of failed) say(`  FAILED ${cell.id}\n    ${faults.join("\n    ")}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, take));
  return results;
}

async function run(order: Order, lifetime: Lifetime): Promise<MatrixRun> {
  const begun = performance.now();
  const matrix = enumerate(order.worlds);
  const cells = choose(matrix.cells, order);
  say(`${cells.length} of ${matrix.cells.length} cells, seed ${order.seed}`);
  const ground = await openGround(lifetime);
  const atOnce = order.isQuick ? quickBatchesAtOnce : batchesAtOnce;
  const results = await runAll(ground, batchesOf(cells, order.seed), { atOnce, begun });
  const [processor] = os.cpus();
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30);
  return {
    ...{ results, seed: order.seed, notApplicable: matrix.notApplicable },
    seconds: (performance.now() - begun) / 1_000,
    machine: `${os.availableParallelism()} cores, ${processor?.model ?? "unknown"}, ${memoryGiB} GiB, Node ${process.version}`,
    at: new Date().toISOString().slice(0, 16).replace("T", " "),
    extent: `${cells.length} of ${matrix.cells.length} cells`,
  };
}

async function judge(order: Order, lifetime: Lifetime): Promise<boolean> {
  const found = await run(order, lifetime);
  if (order.report !== null) await keepReport(order.report, writeReport(found));
  const { passed, failed, moot, notApplicable } = countsOf(found);
  for (const { cell, faults } of found.results) if (faults.length > 0) say(aloneCommand(cell.id));
  say(
    `Crash matrix: ${passed} passed (${moot} of them moot), ${failed} failed, ${notApplicable} not applicable; ` +
      `seed ${found.seed}, ${duration(found.seconds)}`,
  );
  return failed === 0;
}

await runProgram({ usage, readOrder, run: judge });
