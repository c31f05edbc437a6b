import { setTimeout as sleep } from "node:timers/promises";
import {
  claimQueued,
  clearTwinCheck,
  findDueTwinChecks,
  findProvable,
  findQuietSince,
  queueDueParked,
  requeueLost,
  wasHandedOver,
} from "../tenants/due-operations.ts";
import { claimDueMembers } from "../tenants/mapping.ts";
import { queueNextRun } from "../tenants/operation-store.ts";
import { readPause } from "../tenants/pause.ts";
import { Refusal } from "../tenants/refusals.ts";
import { addWaitingMembers } from "./add-waiting-members.ts";
import { checkTwins } from "./check-twins.ts";
import type { Engine } from "./engine.ts";
import type { Provisioning } from "./provisioning.ts";

/** Rows taken in one sweep, per kind of work. */
const batch = 100;

/** Runs after which an operation that the engine keeps losing needs attention. */
const runsMax = 20;

/** How long a run may show no change before the engine is asked whether it still has it. */
const quietMs = 10_000;

/**
 * Looks for due work once: runs that nobody started, parked operations whose time has come, runs the engine lost,
 * members to try again, late looks for twins. While the installation is paused it does nothing. Answers whether more may
 * be queued than there was room for. Safe at any time and any number of times, in any number of processes.
 */
export async function sweep(provisioning: Provisioning, engine: Engine): Promise<boolean> {
  const { prisma, timings } = provisioning;
  const isPaused = (await readPause(prisma)) !== null;
  engine.pause(isPaused);
  if (isPaused) return false;
  await queueDueParked(prisma, batch);
  await requeueLostRuns(provisioning, engine);
  for (const id of await findProvable(prisma, provisioning.account.id, batch)) {
    await unlessRefused(async () => void (await queueNextRun(prisma, id)));
  }
  const hasMore = await startQueued(provisioning, engine);
  const due = { retryMs: timings.memberRetryMs, retryMaxMs: timings.memberRetryMaxMs, limit: batch };
  for (const tenantId of await claimDueMembers(prisma, due)) {
    await unlessRefused(() => addWaitingMembers(provisioning, engine, tenantId));
  }
  for (const ended of await findDueTwinChecks(prisma, batch)) {
    await unlessRefused(async () => {
      await checkTwins(provisioning, engine, ended);
      await clearTwinCheck(prisma, ended.operationId);
    });
  }
  return hasMore;
}

/**
 * Starts what is QUEUED, as much as this process may have in flight. Answers whether there may be more. Safe at any time,
 * in any number of processes.
 */
async function startQueued({ prisma }: Provisioning, engine: Engine): Promise<boolean> {
  const room = Math.min(batch, engine.room());
  const claimed = await claimQueued(prisma, room);
  for (const { operationId, run } of claimed) engine.start(operationId, run);
  return claimed.length === room;
}

/** Runs that nobody goes on with: the engine gave them up, or gave them to a process after that was taken over from. */
async function requeueLostRuns({ prisma }: Provisioning, engine: Engine): Promise<void> {
  for (const quiet of await findQuietSince(prisma, new Date(Date.now() - quietMs), batch)) {
    const { operationId, run, isQueued } = quiet;
    const { is, executorId } = await engine.stateOf(operationId, run);
    if (is === "alive") {
      // A process that is dead by now may have begun it between the hand-over of its runs and its learning of that.
      if (executorId !== null && (await wasHandedOver(prisma, executorId))) await engine.handOver(executorId);
    } else if (!isQueued || is !== "unknown") {
      // One that waits to begin, and that the engine has not heard of, is simply waiting.
      await requeueLost(prisma, quiet, runsMax);
    }
  }
}

/** A refusal (another operation is open) only means: not now. The next sweep comes back to it. */
async function unlessRefused(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

/** What looks for due work until it is stopped. */
export interface Sweeping {
  /** Something was queued, or there is room again: looks into the queue now, and not only at the next sweep. */
  wake(): void;
  /** Waits for the look under way. */
  stop(): Promise<void>;
}

/**
 * Sweeps every `sweepMs` until stopped, one sweep at a time, for the first time after one pause: at a start the engine
 * goes on first with what it knows. Between sweeps it looks into the queue alone, when it is woken and whenever a run
 * has made room. An error is logged, and the next look tries again.
 */
export function startSweeping(provisioning: Provisioning, engine: Engine): Sweeping {
  const { log, timings } = provisioning;
  let isStopping = false;
  /** Breaks off the pause that there is, or the next one. */
  let pause = new AbortController();
  let hasMore = false;
  const look = async (isWhole: boolean) => {
    try {
      hasMore = isWhole ? await sweep(provisioning, engine) : await startQueued(provisioning, engine);
    } catch (error) {
      log.error({ err: error }, "sweep failed");
    }
  };
  const loop = async () => {
    for (let dueAt = Date.now() + timings.sweepMs; ; ) {
      // The pause is broken off by `stop` and `wake`, which is no error.
      await sleep(Math.max(0, dueAt - Date.now()), undefined, { signal: pause.signal }).catch(() => {});
      if (isStopping) return;
      pause = new AbortController();
      const isWhole = Date.now() >= dueAt;
      await look(isWhole);
      if (isWhole) dueAt = Date.now() + timings.sweepMs;
    }
  };
  const ended = loop();
  const wake = () => pause.abort();
  engine.onRoom(() => {
    if (hasMore) wake();
  });
  return {
    wake,
    async stop() {
      isStopping = true;
      pause.abort();
      await ended;
    },
  };
}
