import { readFile } from "node:fs/promises";
import os from "node:os";
import { parseArgs } from "node:util";
import type { Lifetime } from "../../src/lifetime.ts";
import { setup, type TestCluster } from "../global-setup.ts";
import { keepReport } from "../program/keep-report.ts";
import { runProgram, say } from "../program/run-program.ts";
import { type FuzzGround, openFuzzGround } from "./fuzz-ground.ts";
import { breachesOf, withRun } from "./fuzz-report.ts";
import { newTally, randomTry, runBatch, type Tally } from "./fuzz-tries.ts";

const usage = `npm run isolation-fuzz -- [--tries n] [--seed n] [--from n] [--minutes n] [--report file]

Two tenants' callers try at each other by every field and every kind of name, at random.

  --tries n      how many; 100000 unless told
  --seed n       decides all of them; a try is the same for the same seed and number
  --from n       begins with this try: for one that was found
  --minutes n    ends after that many, however many tries are left
  --report file  writes the result between its marks in this file, as in docs/isolation.md
`;

/** Tries one after the other in one world: what they make there is gone with it, so that memory is bounded. */
const triesOfWorld = 5_000;
const batchSize = 250;
/** Findings that are told whole. */
const toldMax = 20;

interface Order {
  readonly tries: number;
  readonly seed: number;
  readonly from: number;
  readonly minutes: number | null;
  readonly report: string | null;
}

/** Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
function readOrder(args: readonly string[]): Order | null {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ tries: text, seed: text, from: text, minutes: text, report: text },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return null;
  const whole = (name: "tries" | "seed" | "from" | "minutes"): number | null => {
    const given = values[name];
    if (given === undefined) return null;
    if (!/^\d{1,9}$/.test(given)) throw new Error(`--${name} must be a whole number.`);
    return Number(given);
  };
  return {
    tries: whole("tries") ?? 100_000,
    seed: whole("seed") ?? Math.floor(Math.random() * 1_000_000),
    from: whole("from") ?? 0,
    minutes: whole("minutes"),
    report: values.report ?? null,
  };
}

async function startCluster(lifetime: Lifetime): Promise<TestCluster> {
  const found: TestCluster[] = [];
  await lifetime.keep({
    name: "Postgres",
    make: () => setup({ provide: (_name, cluster) => void found.push(cluster) }),
    stop: (teardown) => teardown(),
    outlivesUs: true,
  });
  const [cluster] = found;
  if (cluster === undefined) throw new Error("There is no Postgres.");
  return cluster;
}

async function runAll(order: Order, cluster: TestCluster, lifetime: Lifetime): Promise<Tally> {
  const { tries, seed, from, minutes } = order;
  const total = newTally();
  const begun = performance.now();
  const isOver = () => minutes !== null && performance.now() - begun > minutes * 60_000;
  let ground: FuzzGround | null = null;
  await lifetime.keep({ name: "the world", make: async () => null, stop: async () => ground?.close() });
  for (let first = from; first < from + tries && !isOver(); first += triesOfWorld) {
    ground = await openFuzzGround(cluster);
    // What is refused to whom is known of one world's callers.
    total.refused.clear();
    const end = Math.min(first + triesOfWorld, from + tries);
    for (let at = first; at < end && !isOver(); at += batchSize) {
      const length = Math.min(batchSize, end - at);
      const batch = Array.from({ length }, (_, index) => randomTry(seed, at + index));
      const known = total.findings.length;
      await runBatch(ground, batch, total);
      for (const { number, sort, words } of total.findings.slice(known, toldMax))
        say(`BREACH ${sort} ${words}\n  npm run isolation-fuzz -- --seed ${seed} --from ${number} --tries 1`);
    }
    await ground.close();
    ground = null;
    const perSecond = Math.round(total.tries / ((performance.now() - begun) / 1_000));
    const mebibytes = Math.round(process.memoryUsage().rss / 2 ** 20);
    say(
      `${total.tries} of ${tries} tries, ${perSecond} a second, ${mebibytes} MiB, ${total.findings.length} breaches`,
    );
  }
  return total;
}

async function judge(order: Order, lifetime: Lifetime): Promise<boolean> {
  say(`${order.tries} tries, seed ${order.seed}`);
  const cluster = await startCluster(lifetime);
  const begun = performance.now();
  const tally = await runAll(order, cluster, lifetime);
  const seconds = (performance.now() - begun) / 1_000;
  const [processor] = os.cpus();
  const machine = `${os.availableParallelism()} cores, ${processor?.model ?? "unknown"}, Node ${process.version}`;
  const at = new Date().toISOString().slice(0, 16).replace("T", " ");
  if (order.report !== null) {
    const document = await readFile(order.report, "utf8");
    await keepReport(order.report, withRun(document, { tally, seed: order.seed, seconds, machine, at }));
  }
  const { reads, writes, hints, faults } = breachesOf(tally);
  say(
    `Isolation fuzz: ${tally.tries} tries, ${reads} reads, ${writes} writes, ${hints} hints, ${faults} faults; ` +
      `seed ${order.seed}, ${Math.round(seconds)} s`,
  );
  return tally.findings.length === 0;
}

await runProgram({ usage, readOrder, run: judge });
