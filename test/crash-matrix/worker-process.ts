import { AsyncLocalStorage } from "node:async_hooks";
import pino from "pino";
import { openDatabase } from "../../src/database/connect.ts";
import { openEnginePool } from "../../src/database/engine-pool.ts";
import { errorMessage } from "../../src/database/errors.ts";
import { holdExecutorLease } from "../../src/database/executor-lease.ts";
import type { PrismaClient } from "../../src/generated/prisma/client.ts";
import { ping } from "../../src/mem0/ping.ts";
import { type Mem0, openMem0 } from "../../src/mem0/request.ts";
import { KeyClients } from "../../src/memory-access/key-clients.ts";
import { startEngine } from "../../src/provisioning/engine.ts";
import type { Around, Deed, Provisioning } from "../../src/provisioning/provisioning.ts";
import type { Journal } from "../../src/provisioning/run-saga.ts";
import { runOperation } from "../../src/provisioning/sagas.ts";
import { startSweeping } from "../../src/provisioning/sweep.ts";
import { openMarkerSecret, recognizeAccount } from "../../src/tenants/installation.ts";
import { Licence } from "../../src/work.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { callTimeoutMs, matrixTimings } from "./faults.ts";
import { matrixRing } from "./linked-account.ts";
import type { FromWorker, ToWorker, WorkerOrder } from "./messages.ts";
import { Trial, type TrialTools, type Trying } from "./trial.ts";

/**
 * A worker of Loci, composed as `src/work.ts` does it, in which the deeds of a batch of cells stop for ever at their
 * crash points (first life) or go on as their cells say (second). Started by `worker.ts`; it ends with whoever started
 * it, or by kill -9.
 */

/** The killed one is seen to be gone before the next is started, so nobody else can be at its work. */
const graceMs = 250;

let isCleared = false;

function tell(message: FromWorker): void {
  process.send?.(message);
}

/** The trials of a life, by tenant and by operation. */
class Trials {
  readonly #byKey: ReadonlyMap<string, Trial>;
  readonly #byTenant = new Map<string, Promise<Trial | null>>();
  readonly #byOperation = new Map<string, Trial>();
  readonly #prisma: PrismaClient;

  constructor(order: WorkerOrder, prisma: PrismaClient, tools: TrialTools) {
    this.#byKey = new Map(order.cells.map((cell) => [cell.key, new Trial(cell, order.life, tools)]));
    this.#prisma = prisma;
  }

  /** The trial that this deed is a part of. Null: none. */
  async of(deed: Deed): Promise<Trial | null> {
    const known = this.#byTenant.get(deed.tenantId) ?? this.#find(deed.tenantId);
    this.#byTenant.set(deed.tenantId, known);
    const trial = await known;
    if (trial === null || !trial.isOf(deed)) return null;
    this.#byOperation.set(deed.operationId, trial);
    return trial;
  }

  ofOperation(operationId: string): Trial | null {
    return this.#byOperation.get(operationId) ?? null;
  }

  async #find(tenantId: string): Promise<Trial | null> {
    const { key } = await this.#prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    return this.#byKey.get(key) ?? null;
  }
}

/** The deed that a call belongs to. */
const underWay = new AsyncLocalStorage<{ readonly trial: Trial; readonly trying: Trying }>();

function trying(trials: () => Trials): Around {
  return async (deed, proceed) => {
    const trial = await trials().of(deed);
    if (trial === null) return proceed();
    return trial.attempt(deed, (state) => underWay.run({ trial, trying: state }, proceed));
  };
}

function watchCalls(mem0: Mem0): Mem0 {
  return {
    origin: mem0.origin,
    close: () => mem0.close(),
    clockOffsetMs: () => mem0.clockOffsetMs(),
    send: (request) => {
      const deed = underWay.getStore();
      const send = () => mem0.send(request);
      return deed === undefined ? send() : deed.trial.callOf(deed.trying, request, send);
    },
  };
}

function watchRecord(journal: Journal, trial: () => Trial | null): Journal {
  return {
    ...journal,
    step: async (name, run) => {
      const result = await journal.step(name, run);
      await trial()?.recorded(outcomesIn(name, result));
      return result;
    },
  };
}

/** Whether each step was done that the engine has recorded under this name: those of a stage are recorded as one. */
function outcomesIn(name: string, result: unknown): ReadonlyMap<string, boolean> {
  const results = Array.isArray(result) ? result : [result];
  return new Map(name.split(" + ").map((step, index) => [step, isDone(results[index])]));
}

function isDone(result: unknown): boolean {
  return typeof result === "object" && result !== null && "is" in result && result.is === "done";
}

function toolsOf(emulator: EmulatorControl, licence: Licence): TrialTools {
  return {
    async arm({ key }, { method, path, body }, fault, isUnderTest) {
      // Where the path is everybody's, the body names the tenant.
      const isNamed = JSON.stringify(body ?? null).includes(key);
      const match = { method, path: path.path, ...(isNamed ? { body: key } : {}) };
      const { id } = await emulator.failNext({ match, fault });
      tell({ is: "armed", key, faultId: id, isUnderTest });
    },
    reached: ({ key }, isRecorded) => tell({ is: "reached", key, isRecorded }),
    isCleared: () => isCleared,
    whenAllowed: () => licence.whenHeld(),
  };
}

async function work(order: WorkerOrder): Promise<void> {
  const { databaseUrl, emulatorUrl, apiKey } = order;
  const log = pino({ level: process.env["CRASH_MATRIX_LOG"] ?? "silent" }, pino.destination(2));
  const licence = new Licence();
  // Hundreds of faults are armed at once, and none of them shall keep another one from its call.
  const mem0 = openMem0({
    ...{ baseUrl: emulatorUrl, apiKey, timeoutMs: callTimeoutMs, gate: licence, breaker: false },
    connections: 512,
  });
  const { prisma } = await openDatabase(databaseUrl, { connectionsMax: 12 });
  const identity = await ping(mem0);
  const account = await recognizeAccount(prisma, { upstream: "emulator", ...identity });
  const accountKeys = new KeyClients(
    { baseUrl: emulatorUrl, timeoutMs: callTimeoutMs, gate: licence, breaker: false },
    matrixRing,
  );
  const trials = new Trials(order, prisma, toolsOf(new EmulatorControl(emulatorUrl), licence));
  const provisioning: Provisioning = {
    prisma,
    mem0: watchCalls(mem0),
    openAccount: async (id, sealedKey) =>
      watchCalls(await accountKeys.get({ owner: "ACCOUNT", id }, sealedKey)),
    account: { id: account.id, userEmail: identity.userEmail },
    markerSecret: await openMarkerSecret(prisma),
    timings: matrixTimings,
    around: trying(() => trials),
    announce: () => {},
    leave: licence,
    log,
  };
  const onCondemned = () => {
    process.stderr.write("A worker was condemned, though it was alone.\n");
    process.exit(1);
  };
  const lease = await holdExecutorLease(databaseUrl, { isAlone: false, onCondemned });
  licence.bindTo(lease);
  const engine = await startEngine({
    database: openEnginePool(databaseUrl, { connectionsMax: 20, log: () => {} }),
    executorId: lease.executorId,
    log,
    inFlightMax: 2_000,
    run: async (journal, operationId, run) => {
      const trial = () => trials.ofOperation(operationId);
      await runOperation(provisioning, watchRecord(journal, trial), operationId, run);
      await trial()?.ended();
    },
  });
  lease.watchPeers({
    graceMs,
    handOver: (executorId) => engine.handOver(executorId),
    onTakeOver: (_executorId, error) => {
      if (error !== null) process.stderr.write(`A take-over failed: ${errorMessage(error)}\n`);
    },
  });
  startSweeping(provisioning, engine);
  tell({ is: "ready", executorId: lease.executorId });
}

process.on("disconnect", () => process.exit(1));
process.on("message", (message: ToWorker) => {
  if (message.is === "clear") {
    isCleared = true;
    tell({ is: "cleared" });
    return;
  }
  work(message.order).catch((error: unknown) => {
    tell({ is: "failed", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
