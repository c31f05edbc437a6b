import { readFileSync } from "node:fs";
import pg from "pg";
import type { Lifetime } from "../../src/lifetime.ts";
import { lastLine, type Run, run } from "../run-loci.ts";
import { waitUntil } from "../wait-until.ts";
import { closedLoop, type Load, medianOf, openLoop, type Probe, probeUntil, recoveryOf } from "./loads.ts";
import type { OverloadOrder } from "./order.ts";
import { type Outcome, Requests } from "./requests.ts";

/** The compiled programs, and an empty database. */
export interface Ground {
  readonly loci: string;
  readonly emulator: string;
  readonly databaseUrl: string;
  /** For what is written on disk. */
  readonly dataDir: string;
}

/** What a run came to. Without breaches all is well. */
export interface OverloadReport {
  readonly order: OverloadOrder;
  readonly borne: Load;
  readonly borneASecond: number;
  readonly overload: Load;
  readonly medianBeforeMs: number;
  /** When everything accepted was done. The machine may have others to serve now, or have had them before. */
  readonly medianAfterMs: number;
  /** Null: not in the time that was waited for it. */
  readonly recoveryMs: number | null;
  readonly idleBytes: number;
  readonly peakBytes: number;
  readonly boundBytes: number;
  readonly acceptedCount: number;
  /** From the end of the overload until everything accepted was done; in milliseconds. */
  readonly doneAfterMs: number;
  readonly breaches: readonly string[];
}

/** What the process may take beyond twice what it takes when it has just started: for 500 requests and 100 operations at once. */
const roomBytes = 384 * 2 ** 20;
const recoveryMaxMs = 5_000;
/** Longer, so that it can be told how late it was. */
const probedMs = 20_000;
/** Of the memory that is quick to go up and down the peak is seen in steps of this. */
const sampleMs = 100;
const callers = 16;
const medianQueries = 200;
const doneMaxMs = 540_000;
const token = "pressure-admin-token-0123456789";
const apiKey = "m0-pressure";
const foreseen = new Set<string>([
  "served",
  "accepted",
  "overloaded",
  "too many of one caller",
  "database unavailable",
  "took too long",
] satisfies Outcome[]);

/** Starts everything, measures what is borne, offers too much, and looks what came of it. */
export async function runOverload(
  order: OverloadOrder,
  ground: Ground,
  lifetime: Lifetime,
): Promise<OverloadReport> {
  const loci = await startPrograms(ground, lifetime);
  const url = /GraphQL +(http:\S+)\/graphql/.exec(loci.stdout())?.[1] ?? "";
  const [requests, probe] = await Promise.all([openRequests(url, lifetime), openRequests(url, lifetime)]);

  const idleBytes = residentBytes(loci);
  await requests.connect();
  await closedLoop(requests, callers, order.measureMs / 2);
  const borne = await closedLoop(requests, callers, order.measureMs);
  await untilDone(loci, ground);
  const medianBeforeMs = await medianOf(probe, medianQueries);
  const borneASecond = (borne.offered * 1_000) / borne.lastedMs;

  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(loci));
  }, sampleMs);
  let endedAt = 0;
  let probing: Promise<readonly Probe[]> = Promise.resolve([]);
  const overload = await openLoop(requests, {
    perSecond: borneASecond * order.factor,
    forMs: order.overloadMs,
    onEnd: () => {
      endedAt = performance.now();
      probing = probeUntil(probe, { belowMs: 2 * medianBeforeMs, forMs: probedMs });
    },
  });
  const probes = await probing;
  await untilDone(loci, ground);
  const doneAfterMs = performance.now() - endedAt;
  clearInterval(sampling);
  const medianAfterMs = await medianOf(probe, medianQueries);
  const recoveryMs = recoveryOf(probes, 2 * Math.max(medianBeforeMs, medianAfterMs));
  const acceptedCount = requests.accepted.size;
  const measured = { order, borne, borneASecond, overload, medianBeforeMs, medianAfterMs, recoveryMs };
  const found = { ...measured, idleBytes, peakBytes, boundBytes: 2 * idleBytes + roomBytes };
  const breaches = [...judge(found), ...(await lostOf(requests.accepted, ground))];
  return { ...found, acceptedCount, doneAfterMs, breaches };
}

/** Starts an emulator and Loci on it; with the lifetime's end they are gone. Answers Loci. */
async function startPrograms(ground: Ground, lifetime: Lifetime): Promise<Run> {
  const emulator = await keep("the emulator", lifetime, () =>
    run(ground.emulator, ["--port", "0", "--api-key", apiKey], {}),
  );
  await emulator.said("with the API key");
  const mem0Url = /on (http:\S+) with/.exec(emulator.stdout())?.[1] ?? "";
  const loci = await keep("Loci", lifetime, () =>
    run(ground.loci, [], {
      ...{ DATABASE_URL: ground.databaseUrl, LOCI_DATA_DIR: ground.dataDir, LOCI_ADMIN_TOKEN: token },
      ...{ MEM0_API_KEY: apiKey, MEM0_BASE_URL: mem0Url, LOG_LEVEL: "error" },
    }),
  );
  await loci.said(lastLine);
  return loci;
}

function keep(name: string, lifetime: Lifetime, make: () => Run): Promise<Run> {
  return lifetime.keep({
    ...{ name, make: async () => make() },
    stop: async (made) => {
      made.kill("SIGKILL");
      await made.ended;
    },
  });
}

function openRequests(url: string, lifetime: Lifetime): Promise<Requests> {
  return lifetime.keep({
    ...{ name: "the connections to Loci", make: async () => new Requests(url, token) },
    stop: (made) => made.close(),
  });
}

/** How much of the machine's memory the process takes up now; 0 when it is gone. */
function residentBytes({ pid }: Run): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** @throws {Error} with what it said when Loci is no more, and when there is no end to it */
async function untilDone(loci: Run, ground: Ground): Promise<void> {
  const isDone = async () => {
    if (residentBytes(loci) === 0) throw new Error(`Loci ended. It said:\n${loci.stderr().slice(-2_000)}`);
    const open = await query(
      ground,
      "SELECT FROM operation WHERE status::text IN ('QUEUED', 'RUNNING', 'UNWINDING', 'PARKED') LIMIT 1",
    );
    return open.length === 0;
  };
  await waitUntil(isDone, { what: "no operation is open", timeoutMs: doneMaxMs, intervalMs: 250 });
}

async function lostOf(accepted: ReadonlySet<string>, ground: Ground): Promise<string[]> {
  const active = await query<{ key: string }>(ground, "SELECT key FROM tenant WHERE status::text = 'ACTIVE'");
  const keys = new Set(active.map(({ key }) => key));
  const lost = [...accepted].filter((key) => !keys.has(key));
  return lost.length === 0 ? [] : [`${lost.length} accepted sign-ups did not become ACTIVE: ${lost[0]} …`];
}

async function query<Row extends pg.QueryResultRow>({ databaseUrl }: Ground, sql: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

function judge(
  found: Pick<OverloadReport, "borne" | "overload" | "recoveryMs" | "peakBytes" | "boundBytes">,
): string[] {
  const { borne, overload, recoveryMs, peakBytes, boundBytes } = found;
  const unforeseen = (where: string, load: Load) =>
    Object.entries(load.outcomes)
      .filter(([outcome]) => !foreseen.has(outcome))
      .map(([outcome, times]) => `${where} ${times} ended by: ${outcome}`);
  return [
    ...unforeseen("Of what is borne", borne),
    ...unforeseen("Under too much", overload),
    ...((overload.outcomes["overloaded"] ?? 0) > 0 ? [] : ["It was not too much: nothing was refused."]),
    ...(peakBytes <= boundBytes ? [] : [`It took ${peakBytes} bytes, more than ${boundBytes}.`]),
    ...(recoveryMs !== null && recoveryMs <= recoveryMaxMs
      ? []
      : [`It recovered after ${recoveryMs ?? `more than ${probedMs}`} ms, later than ${recoveryMaxMs}.`]),
  ];
}
