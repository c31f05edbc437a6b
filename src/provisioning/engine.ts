import { DBOS } from "@dbos-inc/dbos-sdk";
import type { Logger } from "pino";
import type { Journal } from "./run-saga.ts";

/** The durable engine, as the rest of Loci knows it: DBOS Transact on the same Postgres, in the schema `dbos`. */
export interface Engine {
  /**
   * Starts a run soon, in the background. The same run twice runs once. When this process has as much in flight as it
   * may, nothing happens: the QUEUED row is found by the next sweep.
   */
  start(operationId: string, run: number): void;
  /** How many more runs this process would take now. */
  room(): number;
  /** What the engine knows of a run. "lost": it will never go on by itself. */
  stateOf(operationId: string, run: number): Promise<"alive" | "ended" | "lost">;
  /** Stops within about `patienceMs`. What is not finished by then goes on at the next start. */
  stop(patienceMs: number): Promise<void>;
}

/** What the engine needs. */
export interface EngineOptions {
  readonly databaseUrl: string;
  readonly log: Logger;
  /** Runs of this process under way at once; beyond it, work stays QUEUED. */
  readonly inFlightMax: number;
  /** One run of an operation. */
  readonly run: (journal: Journal, operationId: string, run: number) => Promise<void>;
}

/**
 * The engine hashes the source of workflows into a version by default, and then a deploy strands what is in flight.
 * So the version is pinned: it changes only when old runs must not go on with new code.
 */
const applicationVersion = "loci-1";

/** One process owns this database (see `database/sole-process.ts`), so its id can be fixed, and it recovers its own. */
const executorId = "loci";

const journal: Journal = {
  step: (name, run) => DBOS.runStep(run, { name }),
};

/**
 * Launches the engine, which first goes on with every run that an earlier process left unfinished. One per process.
 * @throws when its tables cannot be reached or made
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { log, inFlightMax } = options;
  const inFlight = new Set<string>();
  let isStopping = false;
  DBOS.setConfig({
    name: "loci",
    systemDatabaseUrl: options.databaseUrl,
    systemDatabasePoolSize: 20,
    applicationVersion,
    executorID: executorId,
    logger: loggerOf(log, () => isStopping),
  });
  const workflow = DBOS.registerWorkflow(
    async (operationId: string, run: number) => options.run(journal, operationId, run),
    { name: "runOperation", maxRecoveryAttempts: 1_000 },
  );
  await DBOS.launch();

  return {
    start(operationId, run) {
      const workflowID = workflowIdOf(operationId, run);
      if (inFlight.size >= inFlightMax || inFlight.has(workflowID)) return;
      inFlight.add(workflowID);
      DBOS.startWorkflow(workflow, { workflowID })(operationId, run)
        .then((handle) => handle.getResult())
        .catch((error: unknown) => {
          // What is cut off by the end of the process goes on at the next start.
          log[isStopping ? "debug" : "error"]({ err: error, operationId, run }, "run failed");
        })
        .finally(() => inFlight.delete(workflowID));
    },
    room: () => Math.max(0, inFlightMax - inFlight.size),
    async stateOf(operationId, run) {
      const status = await DBOS.getWorkflowStatus(workflowIdOf(operationId, run));
      if (status === null) return "lost";
      if (status.status === "SUCCESS") return "ended";
      return ["PENDING", "ENQUEUED", "DELAYED"].includes(status.status) ? "alive" : "lost";
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
