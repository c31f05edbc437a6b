import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "./bench-world.ts";
import { signUpPlainly } from "./plain-sign-up.ts";
import type { Findings, Table } from "./report.ts";
import { abridged, countStatements, type Party, type StatementKind } from "./statement-count.ts";
import { shown } from "./statistics.ts";

const latencyMs = 5;
const countedSagas = 20;
const idleMs = 2_000;
const textLength = 118;
const warmUpSagas = 120;
/** However little time there is: fewer sagas would be lost in the steps of the processors' clocks. */
const burstMsMin = 6_000;
const burst = { inFlight: 10, sagas: 150 } as const;

/** What one saga of a kind costs. */
interface Cost {
  readonly what: string;
  readonly nodeMs: number;
  readonly postgresMs: number;
  readonly upstreamMs: number;
}

/** What was counted of a number of sagas of one kind. */
interface Counted {
  readonly kinds: readonly (StatementKind & { readonly perSaga: number })[];
  /** Of a sign-up: sent before its tenant was known to be ACTIVE. */
  readonly toActive: number;
}

/**
 * What a sign-up costs: the statements it sends, one round trip each, by kind, and the processor time of Node and
 * Postgres; beside it what the engine's own saga of six steps costs. Less than `budgetMs` on a machine that is not
 * overloaded; bursts are cut at a fifth of it.
 */
export async function measureCost(bench: Bench, budgetMs: number): Promise<Findings> {
  await bench.upstream.begin(latencyMs);
  const idle = await countIdle();
  const signUp = await countSagas((count) => signUpCounted(bench, count));
  const engine = await countSagas(() => bench.engineEmpty().then(() => 0));
  const deeds: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["plain calls", () => signUpPlainly(bench.upstream)],
    ["engine, six empty steps", bench.engineEmpty],
    ["engine, six calls", bench.engineCalls],
    ["sign-up", async () => bench.loci.moments.end(await bench.loci.startSignUp())],
  ];
  const costs: Cost[] = [];
  for (const [what, deed] of deeds)
    costs.push({ what, ...(await costOf(bench, deed, Math.max(burstMsMin, budgetMs / 5))) });
  return describe({ signUp, engine, costs, idle });
}

/** Statements a second that nobody asked for. */
async function countIdle(): Promise<number> {
  const count = countStatements();
  await pause(idleMs);
  return count.end().reduce((sum, kind) => sum + kind.count, 0) / (idleMs / 1_000);
}

/** One sign-up; answers how many statements were sent up to ACTIVE. */
async function signUpCounted({ loci }: Bench, total: () => number): Promise<number> {
  const before = total();
  const operationId = await loci.startSignUp();
  await loci.moments.active(operationId);
  const toActive = total() - before;
  await loci.moments.end(operationId);
  // The engine's own last write.
  await pause(50);
  return toActive;
}

async function countSagas(run: (total: () => number) => Promise<number>): Promise<Counted> {
  await run(() => 0);
  const count = countStatements();
  let toActive = 0;
  for (let saga = 0; saga < countedSagas; saga++) toActive += await run(count.total);
  const kinds = count.end().map((kind) => ({ ...kind, perSaga: kind.count / countedSagas }));
  return { kinds, toActive: toActive / countedSagas };
}

async function costOf(
  { postgres, upstream }: Bench,
  deed: () => Promise<unknown>,
  budgetMs: number,
): Promise<Omit<Cost, "what">> {
  // The compiler of V8 takes some sagas to settle, and Postgres plans a statement anew the first five times on each of the
  // connections.
  await runMany(deed, warmUpSagas, budgetMs);
  const before = { node: process.cpuUsage(), postgres: postgres.processorMs(), up: upstream.processorMs() };
  const started = await runMany(deed, burst.sagas, budgetMs);
  const { user, system } = process.cpuUsage(before.node);
  return {
    nodeMs: (user + system) / 1_000 / started,
    postgresMs: (postgres.processorMs() - before.postgres) / started,
    upstreamMs: (upstream.processorMs() - before.up) / started,
  };
}

/** Runs so many, or as many as the time allows, some at once. Answers how many. */
async function runMany(deed: () => Promise<unknown>, sagas: number, budgetMs: number): Promise<number> {
  const begun = performance.now();
  let started = 0;
  const worker = async () => {
    while (started < sagas && performance.now() - begun < budgetMs) {
      started += 1;
      await deed();
    }
  };
  await Promise.all(Array.from({ length: burst.inFlight }, worker));
  return started;
}

interface Measured {
  readonly signUp: Counted;
  readonly engine: Counted;
  readonly costs: readonly Cost[];
  readonly idle: number;
}

function describe({ signUp, engine, costs, idle }: Measured): Findings {
  const sum = (counted: Counted, ...parties: readonly Party[]) =>
    counted.kinds.filter(({ party }) => parties.includes(party)).reduce((all, kind) => all + kind.perSaga, 0);
  const totals: Table = {
    caption: "SQL round trips a saga",
    columns: ["saga", "the engine's", "ours", "all", "up to ACTIVE"],
    rows: [
      [
        "sign-up",
        ...[sum(signUp, "engine"), sum(signUp, "loci"), sum(signUp, "engine", "loci"), signUp.toActive].map(
          (each) => shown(each),
        ),
      ],
      [
        "engine, six empty steps",
        ...[sum(engine, "engine"), sum(engine, "loci"), sum(engine, "engine", "loci")].map((each) =>
          shown(each),
        ),
        "–",
      ],
    ],
  };
  return {
    tables: [
      totals,
      statementTable("Statements a sign-up", signUp),
      statementTable("Statements of the engine's own saga of six empty steps", engine),
      {
        caption: `Processor time a saga, milliseconds, ${burst.inFlight} in flight`,
        columns: ["saga", "Node", "Postgres", "emulator"],
        rows: costs.map(({ what, nodeMs, postgresMs, upstreamMs }) => [
          what,
          shown(nodeMs),
          shown(postgresMs),
          shown(upstreamMs),
        ]),
      },
    ],
    notes: [
      `Counted in the driver over ${countedSagas} sagas one after the other. Idle, ${shown(idle)} statements a second are sent.`,
      "Node: this process, with what makes the load. Postgres: all its processes. Sweeps are left out.",
    ],
    data: { signUp, engine, costs, idleStatementsPerSecond: idle },
  };
}

function statementTable(caption: string, { kinds }: Counted): Table {
  return {
    caption,
    columns: ["whose", "a saga", "ms each", "statement"],
    rows: kinds
      .filter(({ perSaga }) => perSaga >= 0.1)
      .map(({ party, perSaga, meanMs, text }) => [
        party,
        shown(perSaga),
        shown(meanMs, 2),
        abridged(text, textLength),
      ]),
  };
}
