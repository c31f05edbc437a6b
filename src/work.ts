import type { Config } from "./config.ts";
import { openEnginePool } from "./database/engine-pool.ts";
import { type ExecutorLease, holdExecutorLease } from "./database/executor-lease.ts";
import { inTurn } from "./database/in-turn.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Gate } from "./mem0/request.ts";
import { type Engine, type RunStarter, startEngine } from "./provisioning/engine.ts";
import type { OperationFeed } from "./provisioning/operation-feed.ts";
import type { Leave, Provisioning } from "./provisioning/provisioning.ts";
import { startPruning } from "./provisioning/retention.ts";
import { runOperation } from "./provisioning/sagas.ts";
import { startSweeping } from "./provisioning/sweep.ts";
import { readPause } from "./tenants/pause.ts";
import { startWatchdog } from "./watchdog.ts";

/** How long runs under way may still take when Loci is told to stop. */
const runPatienceMs = 3_000;

/** A process whose event loop stands still for so long is ended, for its peers cannot see it. */
const hungMs = 30_000;

/** Longer than a process trusts a lease that it does not see renewed: then it has stopped before a peer begins. */
const graceMs = 3_000;

/**
 * The leave to run sagas, for the parts that are made before it is had. Open until there is a lease: nothing runs sagas
 * before, and the first call, ping, changes nothing.
 */
export class Licence implements Gate, Leave {
  #lease: ExecutorLease | null = null;

  /** From now on the lease decides. */
  bindTo(lease: ExecutorLease): void {
    this.#lease = lease;
  }

  isOpen(): boolean {
    return this.isHeld();
  }

  isHeld(): boolean {
    return this.#lease?.isHeld() !== false;
  }

  get signal(): AbortSignal | null {
    return this.#lease?.signal ?? null;
  }

  async whenHeld(): Promise<void> {
    await this.#lease?.whenHeld();
  }
}

/** What runs are started with. */
export interface RunsOptions {
  readonly provisioning: Provisioning;
  readonly databaseUrl: string;
  readonly config: Pick<Config, "role" | "databaseUrl" | "inFlightMax" | "engineRetentionMs">;
  readonly licence: Licence;
  readonly feed: OperationFeed;
  readonly lifetime: Lifetime;
  /** A peer took over: end the process. */
  readonly onCondemned: () => void;
}

/**
 * Makes what starts runs: in the role `api` it wakes the workers, and nothing runs here; else everything that runs sagas
 * is started, each thing with how to stop it, and what finds no room here wakes the others.
 */
export async function startRuns(options: RunsOptions): Promise<RunStarter> {
  const { config, feed } = options;
  if (config.role === "api") return { start: () => feed.wake() };
  const engine = await startWork(options);
  return {
    start: (operationId, run) => {
      if (engine.room() > 0) engine.start(operationId, run);
      else feed.wake();
    },
  };
}

async function startWork(options: RunsOptions): Promise<Engine> {
  const { provisioning, databaseUrl, config, licence, feed, lifetime } = options;
  const { log } = provisioning;
  // The lock of the data folder keeps every other process from the embedded Postgres.
  const isAlone = config.databaseUrl === null;
  const onCondemned = () => {
    log.fatal("another process took over from this one, which was cut off from the database for too long");
    options.onCondemned();
  };
  const lease = await lifetime.keep({
    name: "the executor's lease",
    make: () => holdExecutorLease(databaseUrl, { isAlone, onCondemned }),
    stop: (made) => made.release(),
  });
  licence.bindTo(lease);
  if (!isAlone) {
    await lifetime.keep({
      name: "the watchdog",
      make: async () => startWatchdog(hungMs),
      stop: (made) => made.stop(),
    });
  }
  const isPaused = (await readPause(provisioning.prisma)) !== null;
  if (isPaused)
    log.warn("the installation is paused: no operation is started; see `installation` in the API");
  const database = await lifetime.keep({
    name: "the engine's connections",
    make: async () =>
      openEnginePool(databaseUrl, { connectionsMax: 20, log: (message) => log.debug(message) }),
    stop: (made) => made.close(),
  });
  const startOurs = () =>
    startEngine({
      database,
      executorId: lease.executorId,
      log,
      inFlightMax: config.inFlightMax,
      isPaused,
      run: (journal, operationId, run) => runOperation(provisioning, journal, operationId, run),
    });
  const engine = await lifetime.keep({
    name: "the engine",
    // The engine makes its tables without a lock of its own: two that did so at once would break each other.
    make: () => (isAlone ? startOurs() : inTurn(databaseUrl, startOurs)),
    stop: (made) => made.stop(runPatienceMs),
  });
  lease.watchPeers({
    // Where nobody else can be, whoever had the database before is dead.
    graceMs: isAlone ? 0 : graceMs,
    handOver: (executorId) => engine.handOver(executorId),
    onTakeOver: (executorId, error) => {
      if (error === null) log.info({ executorId }, "took over what a dead process left");
      else log.error({ err: error, executorId }, "could not take over what a dead process left");
    },
  });
  await lifetime.keep({
    name: "the sweep",
    make: async () => {
      const sweeping = startSweeping(provisioning, engine);
      return { sweeping, deafen: feed.onWake(sweeping.wake) };
    },
    stop: async ({ sweeping, deafen }) => {
      deafen();
      await sweeping.stop();
    },
  });
  await lifetime.keep({
    name: "the pruning",
    make: async () => startPruning(engine, { retentionMs: config.engineRetentionMs, log }),
    stop: (made) => made.stop(),
  });
  return engine;
}
