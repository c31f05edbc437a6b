import { DBOS } from "@dbos-inc/dbos-sdk";
import { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Journal } from "./run-saga.ts";

/** What gets a QUEUED run of an operation going, here or in another process. */
export interface RunStarter {
  /**
   * Starts a run soon, in the background. The same run twice runs once. It may come to nothing, when there is no room or
   * the process dies: the QUEUED row is found by the next sweep.
   */
  start(operationId: string, run: number): void;
}

/** The durable engine, as the rest of Loci knows it: DBOS Transact on the same Postgres, in the schema `dbos`. */
export interface Engine extends RunStarter {
  /** How many more runs this process would take now; none while it is paused. */
  room(): number;
  /** From now on, or no longer, nothing is started here. What is under way goes on. */
  pause(isPaused: boolean): void;
  /** Calls back whenever a run has ended here. One listener. */
  onRoom(listener: () => void): void;
  /** What the engine knows of a run. One round trip. */
  stateOf(operationId: string, run: number): Promise<RunState>;
  /**
   * Makes the unfinished runs of a dead executor everybody's: some process that runs sagas goes on with each. A repeat
   * finds none.
   */
  handOver(executorId: string): Promise<void>;
  /** Deletes the engine's record of runs that ended before `before`, at most `limit`. Answers how many. */
  prune(before: Date, limit: number): Promise<number>;
  /** Stops within about `patienceMs`. What is not finished by then goes on at the next start. */
  stop(patienceMs: number): Promise<void>;
}

/** What the engine knows of a run. "lost": it will never go on by itself. "unknown": it was never told of it. */
export interface RunState {
  readonly is: "alive" | "ended" | "lost" | "unknown";
  /** The executor that has it under way. Null: none has. */
  readonly executorId: string | null;
}

/** What the engine needs. */
export interface EngineOptions {
  /** Where its tables are, and connections to it, which whoever made them closes. */
  readonly database: { readonly url: string; readonly pool: Pool };
  readonly log: Logger;
  /** What the engine calls this process; no other process may ever have the same. */
  readonly executorId: string;
  /** Runs of this process under way at once; beyond it, work stays QUEUED. What is taken over counts, too. */
  readonly inFlightMax: number;
  /** Whether nothing is to be started before `pause(false)`. Absent: no. */
  readonly isPaused?: boolean;
  /** One run of an operation. */
  readonly run: (journal: Journal, operationId: string, run: number) => Promise<void>;
}

/**
 * The engine hashes the source of workflows into a version by default, and then a deploy strands what is in flight.
 * So the version is pinned: it changes only when old runs must not go on with new code.
 */
const applicationVersion = "loci-1";

const journal: Journal = {
  step: (name, run) => DBOS.runStep(run, { name }),
  isPatched: (patch) => DBOS.patch(patch),
};

/**
 * Launches the engine. One per process. What other processes left unfinished is gone on with after `handOver`.
 * @throws when its tables cannot be reached or made
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { log, inFlightMax } = options;
  /** Runs that were asked for and have not begun, and runs under way. */
  const starting = new Set<string>();
  const running = new Set<string>();
  const inFlight = () => starting.size + running.size;
  let tellRoom = () => {};
  let isPaused = options.isPaused === true;
  let isStopping = false;
  DBOS.setConfig({
    name: "loci",
    systemDatabaseUrl: options.database.url,
    systemDatabasePool: options.database.pool,
    applicationVersion,
    executorID: options.executorId,
    enablePatching: true,
    logger: loggerOf(log, () => isStopping),
  });
  const workflow = DBOS.registerWorkflow(
    async (operationId: string, run: number) => {
      const workflowID = workflowIdOf(operationId, run);
      starting.delete(workflowID);
      running.add(workflowID);
      try {
        await options.run(journal, operationId, run);
      } finally {
        running.delete(workflowID);
        tellRoom();
      }
    },
    { name: "runOperation", maxRecoveryAttempts: 1_000 },
  );
  await DBOS.launch();

  return {
    start(operationId, run) {
      const workflowID = workflowIdOf(operationId, run);
      if (isPaused || inFlight() >= inFlightMax || starting.has(workflowID) || running.has(workflowID))
        return;
      starting.add(workflowID);
      DBOS.startWorkflow(workflow, { workflowID })(operationId, run)
        .then((handle) => handle.getResult())
        .catch((error: unknown) => {
          // What is cut off by the end of the process goes on at the next start.
          log[isStopping ? "debug" : "error"]({ err: error, operationId, run }, "run failed");
        })
        // Nothing of it ran here when another process was quicker.
        .finally(() => starting.delete(workflowID));
    },
    room: () => (isPaused ? 0 : Math.max(0, inFlightMax - inFlight())),
    pause(isNowPaused) {
      isPaused = isNowPaused;
    },
    onRoom(listener) {
      tellRoom = listener;
    },
    async stateOf(operationId, run) {
      const found = await DBOS.getWorkflowStatus(workflowIdOf(operationId, run));
      if (found === null) return { is: "unknown", executorId: null };
      const executorId = found.status === "PENDING" ? (found.executorId ?? null) : null;
      if (found.status === "SUCCESS") return { is: "ended", executorId };
      const isAlive = ["PENDING", "ENQUEUED", "DELAYED"].includes(found.status);
      return { is: isAlive ? "alive" : "lost", executorId };
    },
    async handOver(executorId) {
      // The SDK exports it as internal: test/crash/take-over.test.ts holds it to what we rely on.
      const executor = DBOSExecutor.globalInstance;
      if (executor === undefined) throw new Error("The engine is not running.");
      await executor.recoverPendingWorkflows([executorId]);
    },
    async prune(before, limit) {
      const ended = await DBOS.listWorkflows({
        status: ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
        completedBefore: before.toISOString(),
        limit,
        loadInput: false,
        loadOutput: false,
      });
      await DBOS.deleteWorkflows(ended.map(({ workflowID }) => workflowID));
      return ended.length;
    },
    async stop(patienceMs) {
      isStopping = true;
      await DBOS.shutdown({ workflowCompletionTimeoutMS: patienceMs, deregister: true });
    },
  };
}

/** The engine's id of a run. It is what makes a second start of the same run harmless. */
function workflowIdOf(operationId: string, run: number): string {
  return `${operationId}:${run}`;
}

/**
 * The engine tells at "info" what it does at every start; that is our "debug". While it is being stopped it complains of
 * the work it leaves unfinished, which is no fault.
 */
function loggerOf(log: Logger, isStopping: () => boolean) {
  const child = log.child({ part: "engine" });
  return {
    info: (entry: unknown) => child.debug(String(entry)),
    debug: (entry: unknown) => child.trace(String(entry)),
    warn: (entry: unknown) => child.warn(String(entry)),
    error: (entry: unknown) => child[isStopping() ? "debug" : "error"](String(entry)),
  };
}
