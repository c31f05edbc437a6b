import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { GraphQLClient } from "graphql-request";
import type { Lifetime } from "../../src/lifetime.ts";
import { waitUntil } from "../wait-until.ts";
import { type CallerCounts, Callers } from "./caller.ts";
import { KeptProcess } from "./kept-process.ts";
import { type Blow, type ChaosOrder, randomFor, scheduleOf, sharesOf, stormMs } from "./order.ts";
import { type AskedPlace, drawPlace, knownEmail } from "./places.ts";
import { ChaosPostgres } from "./postgres.ts";
import type { Random } from "./random.ts";
import { type StormCounts, storm } from "./storm.ts";
import { ChaosUpstream } from "./upstream.ts";
import { judge, type Scene, untilSettled, type Verdict } from "./verdict.ts";

/** The compiled programs. */
export interface Programs {
  readonly loci: string;
  readonly emulator: string;
}

/** What a run came to. Without breaches all is well. */
export interface ChaosReport extends Verdict {
  readonly order: ChaosOrder;
  readonly storm: StormCounts;
  readonly callers: CallerCounts;
  /** Starts of processes of Loci, the first ones included. */
  readonly starts: number;
  /** What the processes logged as errors, and how often. */
  readonly errors: ReadonlyMap<string, number>;
  readonly stormMs: number;
  readonly settleMs: number;
  readonly wholeMs: number;
}

const token = "chaos-admin-token-0123456789";
const upTimeoutMs = 60_000;
/** Whatever is left to do when the storm is over, this must be enough. Parked operations wait for half a minute at most. */
const settleMaxMs = 180_000;

/** Waits as short as a storm of minutes wants them; their proportions are those of the defaults. */
const lociEnv = {
  LOCI_ADMIN_TOKEN: token,
  MEM0_TIMEOUT_MS: "1500",
  LOCI_SETTLE_MS: "1500",
  LOCI_TWIN_CHECK_MS: "10000",
  LOCI_MEMBER_RETRY_MS: "15000",
  LOCI_IN_FLIGHT_MAX: "25",
  LOG_LEVEL: "info",
};

/** How many sign-ups are called off again. */
const abortShare = 0.04;

/** Makes everything, lets the storm loose on it, and looks at what is the case. @throws when it cannot be made */
export async function runChaos(
  order: ChaosOrder,
  programs: Programs,
  lifetime: Lifetime,
): Promise<ChaosReport> {
  const begun = performance.now();
  const bound = new AbortController();
  const { signal } = bound;
  // Not `AbortSignal.any` with a time-out: of such a one Node 20 may lose the time-out.
  const timer = setTimeout(() => bound.abort(new Error("the bound is over")), order.boundMs);
  lifetime.ending.addEventListener("abort", () => bound.abort(lifetime.ending.reason));
  // Hundreds of callers wait at a time.
  setMaxListeners(0, signal);
  const ground = await prepare(order, programs, lifetime);
  const { postgres, upstream, api, workers } = ground;
  const processes = [api, ...workers];
  const callers = new Callers({ url: () => api.url, token, random: randomFor(order, "callers"), signal });
  const places = new Map<string, AskedPlace>();
  const counts: StormCounts = { dealt: noBlows(), connectionsDropped: 0 };

  await callers.signUp("first", {});
  const send = <T>(document: string, variables?: object): Promise<T> =>
    new GraphQLClient(api.url ?? "", { headers: { authorization: `Bearer ${token}` } }).request(
      document,
      variables,
    );
  const scene: Scene = {
    ...{ postgres, upstream, workers, processes, places, send },
    accepted: callers.accepted,
  };
  // From its end on it is known that Mem0's lists show what was made; before, an ambiguous create waits for a person.
  await untilSettled(scene, upTimeoutMs);

  const stormBegun = performance.now();
  const random = randomFor(order, "callers");
  const breaches: string[] = [];
  await Promise.all([
    storm(ground, scheduleOf(order, randomFor(order, "blows")), counts, signal).catch((error) => {
      breaches.push(`the storm broke off: ${error}`);
    }),
    ask(order, callers, { places, random, signal, breaches }),
  ]);
  const settleBegun = performance.now();
  const leftMs = order.boundMs - (settleBegun - begun);
  await waitUntil(() => processes.every((each) => each.isUp()), {
    what: "all are up again",
    timeoutMs: upTimeoutMs,
  });
  await untilSettled(scene, Math.max(1_000, Math.min(settleMaxMs, leftMs))).catch((error) => {
    breaches.push(String(error));
  });
  const settled = performance.now();
  clearTimeout(timer);
  const verdict = await judge(scene);
  return {
    ...{ order, storm: counts, callers: callers.counts },
    ...verdict,
    breaches: [...breaches, ...callers.breaches, ...verdict.breaches],
    starts: processes.reduce((sum, { starts }) => sum + starts, 0),
    errors: errorsOf(processes),
    stormMs: settleBegun - stormBegun,
    settleMs: settled - settleBegun,
    wholeMs: performance.now() - begun,
  };
}

/** Starts everything, and waits until it is up. */
async function prepare(order: ChaosOrder, { loci, emulator }: Programs, lifetime: Lifetime) {
  const postgres = await ChaosPostgres.start(lifetime);
  const upstream = await ChaosUpstream.start(emulator, lifetime);
  await upstream.control.registerUser(knownEmail);
  const env = () => ({
    ...lociEnv,
    DATABASE_URL: postgres.proxied,
    MEM0_BASE_URL: upstream.proxied,
    MEM0_API_KEY: upstream.apiKey,
  });
  const keep = (role: "api" | "worker") =>
    lifetime.keep({
      name: `the ${role}`,
      make: async () => new KeptProcess({ program: loci, role, env }),
      stop: (made) => made.end(),
    });
  // The first one makes the tables.
  const api = await keep("api");
  await waitUntil(() => api.isUp(), { what: "the api is up", timeoutMs: upTimeoutMs });
  const workers = await Promise.all(Array.from({ length: order.workers }, () => keep("worker")));
  await waitUntil(() => workers.every((worker) => worker.isUp()), {
    what: "the workers are up",
    timeoutMs: upTimeoutMs,
  });
  return { postgres, upstream, api, workers };
}

/** Signs up and off-boards, spread over the storm. What a caller could not get done is a breach. */
async function ask(
  order: ChaosOrder,
  callers: Callers,
  {
    places,
    random,
    signal,
    breaches,
  }: {
    readonly places: Map<string, AskedPlace>;
    readonly random: Random;
    readonly signal: AbortSignal;
    readonly breaches: string[];
  },
): Promise<void> {
  const { signUps, offboardings } = sharesOf(order);
  const tenants = Array.from({ length: signUps }, (_, index) => {
    const key = `tenant-${String(index + 1).padStart(4, "0")}`;
    const place = drawPlace(key, random);
    places.set(key, place);
    return { key, place, atMs: (index / signUps) * stormMs(order), lot: random.next() };
  });
  // By lot, so that the ones to be off-boarded come from all of the storm.
  const byLot = tenants.toSorted((one, other) => one.lot - other.lot);
  const leaving = new Set(byLot.slice(0, offboardings).map(({ key }) => key));
  const unwanted = new Set(
    byLot
      .toReversed()
      .slice(0, signUps * abortShare)
      .map(({ key }) => key),
  );
  const begun = performance.now();
  await Promise.all(
    tenants.map(async ({ key, place, atMs, lot }) => {
      try {
        await pause(Math.max(0, atMs - (performance.now() - begun)), undefined, { signal });
        const id = await callers.signUp(key, place);
        if (unwanted.has(key)) await callers.abort(id);
        if (!leaving.has(key)) return;
        if (!(await callers.untilActive(key))) {
          breaches.push(`${key} never became ACTIVE`);
          return;
        }
        await pause(lot * 5_000, undefined, { signal });
        await callers.offboard(key);
      } catch (error) {
        breaches.push(`${key}: ${String(error)}`);
      }
    }),
  );
}

function noBlows(): Record<Blow, number> {
  return {
    "kill a worker": 0,
    "kill the api": 0,
    "freeze a worker": 0,
    "restart Postgres": 0,
    "crash Postgres": 0,
    "drop all connections to Postgres": 0,
    "stall the net to Postgres": 0,
    "drop all connections to Mem0": 0,
    "stall the net to Mem0": 0,
    "kill Mem0": 0,
  };
}

function errorsOf(processes: readonly KeptProcess[]): Map<string, number> {
  const errors = new Map<string, number>();
  for (const { errors: own } of processes) {
    for (const [words, count] of own) errors.set(words, (errors.get(words) ?? 0) + count);
  }
  return errors;
}
