import type { Bench } from "./bench-world.ts";
import { prepareSubjects, type Subject } from "./data-plane-calls.ts";
import type { Findings } from "./report.ts";
import { countStatements } from "./statement-count.ts";
import { quantile, shown } from "./statistics.ts";
import type { Upstream } from "./upstream.ts";

const latenciesMs = [5, 50] as const;
/** How many are in flight at once, and how many calls one burst makes before the other way has its turn. */
const levels = [
  { inFlight: 1, burst: 10 },
  { inFlight: 50, burst: 500 },
] as const;
const ways = ["plain", "graphql"] as const;
type Way = (typeof ways)[number];

const burstsMin = 2;
/** Together with the other way's well below the 20,000 requests that the emulator's log remembers. */
const callsMax = 8_000;
const warmUpCalls = 600;
const countedCalls = 20;

/** What was measured of one way in one place. */
interface Measured {
  readonly tookMs: readonly number[];
  readonly callsPerSecond: number;
  readonly nodeMs: number;
}

interface Cell {
  readonly subject: string;
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly plain: Measured;
  readonly graphql: Measured;
  /** Processor time of the emulator a call, both ways together. */
  readonly upstreamMs: number;
}

/**
 * How much longer a read of memories takes through GraphQL than its one call of Mem0, and what it costs: in turns, burst by
 * burst, at two latencies and two numbers in flight. About `budgetMs`, two bursts of each at least.
 * @throws {Error} when the two ways did not send the same, once a call
 */
export async function measureDataPlane(bench: Bench, budgetMs: number): Promise<Findings> {
  const { upstream } = bench;
  await upstream.begin(0);
  const subjects = await prepareSubjects(bench);
  const cells: Cell[] = [];
  const statements: { subject: string; perCall: number }[] = [];
  const places = subjects.all.flatMap((subject) =>
    latenciesMs.flatMap((latencyMs) => levels.map((level) => ({ subject, latencyMs, ...level }))),
  );
  try {
    for (const subject of subjects.all) {
      for (const way of ways) await runBurst(subject[way], 10, warmUpCalls);
      statements.push({ subject: subject.name, perCall: await countPerCall(subject) });
    }
    for (const place of places) cells.push(await measureCell(upstream, place, budgetMs / places.length));
  } finally {
    await subjects.close();
    await upstream.begin(0);
  }
  return describe(cells, statements);
}

/** SQL round trips of one warm call, one after the other. */
async function countPerCall(subject: Subject): Promise<number> {
  const count = countStatements();
  for (let call = 0; call < countedCalls; call++) await subject.graphql();
  return count.end().reduce((sum, kind) => sum + kind.count, 0) / countedCalls;
}

async function measureCell(
  upstream: Upstream,
  place: {
    readonly subject: Subject;
    readonly latencyMs: number;
    readonly inFlight: number;
    readonly burst: number;
  },
  budgetMs: number,
): Promise<Cell> {
  const { subject, latencyMs, inFlight, burst } = place;
  await upstream.control.setSwitches({ latencyMs });
  // The connections of so many in flight are made before anything is measured.
  for (const way of ways) await runBurst(subject[way], inFlight, inFlight * 2);
  await upstream.control.clearRequests();
  const upstreamBefore = upstream.processorMs();
  const sums = { plain: emptySum(), graphql: emptySum() };
  const deadline = performance.now() + budgetMs;
  for (let round = 0; ; round++) {
    const isEnough = round >= burstsMin && performance.now() > deadline;
    if (isEnough || sums.plain.tookMs.length >= callsMax) break;
    // Every other round in the opposite order.
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const sum = sums[way];
      const { user, system, tookMs, lastedMs } = await runBurst(subject[way], inFlight, burst);
      sum.tookMs.push(...tookMs);
      sum.lastedMs += lastedMs;
      sum.processorMs += (user + system) / 1_000;
    }
  }
  const calls = sums.plain.tookMs.length + sums.graphql.tookMs.length;
  const upstreamMs = (upstream.processorMs() - upstreamBefore) / calls;
  await checkOneCallEach(upstream, calls);
  const told = (way: Way): Measured => {
    const { tookMs, lastedMs, processorMs } = sums[way];
    return {
      tookMs,
      callsPerSecond: (tookMs.length * 1_000) / lastedMs,
      nodeMs: processorMs / tookMs.length,
    };
  };
  const [plain, graphql] = [told("plain"), told("graphql")];
  return { subject: subject.name, latencyMs, inFlight, plain, graphql, upstreamMs };
}

function emptySum(): { tookMs: number[]; lastedMs: number; processorMs: number } {
  return { tookMs: [], lastedMs: 0, processorMs: 0 };
}

/** Makes so many calls, so many at once; answers how long each took, how long all, and this process's processor time. */
async function runBurst(call: () => Promise<void>, inFlight: number, calls: number) {
  const tookMs: number[] = [];
  const before = process.cpuUsage();
  const begunMs = performance.now();
  let started = 0;
  const worker = async () => {
    while (started < calls) {
      started += 1;
      const callBegunMs = performance.now();
      await call();
      tookMs.push(performance.now() - callBegunMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { tookMs, lastedMs: performance.now() - begunMs, ...process.cpuUsage(before) };
}

/**
 * Proves by the emulator's log that every call, either way, was one request, and that all were the same request.
 * @throws {Error} when not, for then the ratio would be of different things
 */
async function checkOneCallEach({ control }: Upstream, calls: number): Promise<void> {
  const { requests } = await control.requests();
  const kinds = new Set(
    requests.map(({ method, path, query, body }) => `${method} ${path}?${query} ${String(body)}`),
  );
  if (requests.length === calls && kinds.size === 1) return;
  throw new Error(
    `${calls} calls were ${requests.length} requests, of these kinds:\n${[...kinds].join("\n")}`,
  );
}

function describe(
  cells: readonly Cell[],
  statements: readonly { subject: string; perCall: number }[],
): Findings {
  const data = cells.map(({ plain, graphql, ...cell }) => {
    const of = ({ tookMs, ...rest }: Measured) => ({
      ...{ calls: tookMs.length, p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95) },
      ...rest,
    });
    const [bare, full] = [of(plain), of(graphql)];
    const ratio = { p50: full.p50 / bare.p50, p95: full.p95 / bare.p95 };
    return { ...cell, plain: bare, graphql: full, ratio };
  });
  return {
    tables: [
      {
        caption: "Reads of memories through GraphQL beside the same call of Mem0 by undici; milliseconds",
        columns: [
          ...["read", "upstream", "in flight", "plain p50", "p95", "GraphQL p50", "p95", "ratio p50", "p95"],
          ...["plain/s", "GraphQL/s", "Node a plain call", "a GraphQL call", "calls each"],
        ],
        rows: data.map(({ subject, latencyMs, inFlight, plain, graphql, ratio }) => [
          ...[subject, `${latencyMs} ms`, String(inFlight)],
          ...[shown(plain.p50), shown(plain.p95), shown(graphql.p50), shown(graphql.p95)],
          ...[shown(ratio.p50, 2), shown(ratio.p95, 2)],
          ...[shown(plain.callsPerSecond, 0), shown(graphql.callsPerSecond, 0)],
          ...[shown(plain.nodeMs, 2), shown(graphql.nodeMs, 2), String(plain.calls)],
        ]),
      },
    ],
    notes: [
      "GraphQL: over HTTP through Loci's own server, with the admin token and a project key. Loci and what makes the load share a",
      "process, so its processor time has the load's in it, both ways. Bursts in turns. Every call was one request upstream,",
      "all of a line the same to the letter: the emulator's log was compared.",
      `SQL round trips a warm call: ${statements.map(({ subject, perCall }) => `${subject} ${shown(perCall)}`).join(", ")}.`,
    ],
    data: { cells: data, statements },
  };
}
