import { setTimeout as pause } from "node:timers/promises";
import type { KeptProcess } from "./kept-process.ts";
import type { Blow, ScheduledBlow } from "./order.ts";
import type { ChaosPostgres } from "./postgres.ts";
import type { ChaosUpstream } from "./upstream.ts";

/** All that runs, and can be hit. */
export interface Targets {
  readonly postgres: ChaosPostgres;
  readonly upstream: ChaosUpstream;
  readonly api: KeptProcess;
  readonly workers: readonly KeptProcess[];
}

/** What the blows came to. */
export interface StormCounts {
  /** How often each was dealt. */
  readonly dealt: Record<Blow, number>;
  /** Connections that were broken. */
  connectionsDropped: number;
}

/** Longer than peers wait before they take over; with some room, since they look four times a second. */
const freezeLeastMs = 4_000;
const freezeMostMs = 8_000;
/** Up to longer than a process trusts its lease without an answer. */
const stallMostMs = 4_000;
/**
 * Up to longer than Loci waits for an answer and then lets it settle: some requests land later than anybody waits. Shorter
 * than the 5 s after which the emulator closes a connection on which nothing comes.
 */
const upstreamStallMostMs = 4_900;

/** Deals the blows at their times, until all are dealt or `signal` is aborted. What lasts is waited for. */
export async function storm(
  targets: Targets,
  schedule: readonly ScheduledBlow[],
  counts: StormCounts,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  const lasting: Promise<void>[] = [];
  // One after the other where it is about one and the same Postgres or emulator.
  let postgresIs = Promise.resolve();
  let upstreamIs = Promise.resolve();
  for (const scheduled of schedule) {
    const leftMs = scheduled.atMs - (performance.now() - begun);
    if (leftMs > 0) await pause(leftMs, undefined, { signal });
    counts.dealt[scheduled.blow] += 1;
    switch (scheduled.blow) {
      case "restart Postgres":
        postgresIs = postgresIs.then(() => targets.postgres.restart());
        break;
      case "crash Postgres":
        postgresIs = postgresIs.then(() => targets.postgres.crash());
        break;
      case "kill Mem0":
        upstreamIs = upstreamIs.then(() => targets.upstream.crash());
        break;
      default:
        lasting.push(deal(targets, scheduled, counts));
    }
  }
  await Promise.all([postgresIs, upstreamIs, ...lasting]);
}

async function deal(
  targets: Targets,
  { blow, whom, long }: ScheduledBlow,
  counts: StormCounts,
): Promise<void> {
  const { postgres, upstream, api, workers } = targets;
  switch (blow) {
    case "kill a worker":
      return workers[Math.floor(whom * workers.length)]?.kill9();
    case "kill the api":
      return api.kill9();
    case "freeze a worker":
      if (await freeze(targets, whom, freezeLeastMs + long * (freezeMostMs - freezeLeastMs))) return;
      counts.dealt[blow] -= 1;
      return;
    case "drop all connections to Postgres":
      counts.connectionsDropped += postgres.proxy.dropAll();
      return;
    case "stall the net to Postgres":
      return postgres.proxy.stall(long * stallMostMs);
    case "drop all connections to Mem0":
      counts.connectionsDropped += upstream.proxy.dropAll();
      return;
    case "stall the net to Mem0":
      return upstream.proxy.stall(long * upstreamStallMostMs);
    case "restart Postgres":
    case "crash Postgres":
    case "kill Mem0":
      throw new Error(`${blow} is dealt in order.`);
  }
}

/**
 * A frozen process alone keeps its session, and so its work. Its sessions are ended as a network does that gives it up:
 * then its peers take over, and it wakes up when they have. Answers whether there was one to freeze.
 */
async function freeze({ postgres, workers }: Targets, whom: number, ms: number): Promise<boolean> {
  const awake = workers.filter((worker) => !worker.isFrozen && worker.isUp());
  const victim = awake[Math.floor(whom * awake.length)];
  // Somebody has to be there to take over.
  if (victim === undefined || awake.length < 2) return false;
  const frozen = victim.freeze(ms);
  await postgres
    .query(
      `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN executor e ON a.application_name = e.id
       WHERE e.process LIKE $1`,
      [`%:${victim.pid}`],
    )
    // Postgres may be down at this very moment; then its session is gone anyway.
    .catch(() => {});
  await frozen;
  return true;
}
