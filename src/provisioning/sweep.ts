import { setTimeout as sleep } from "node:timers/promises";
import {
  clearTwinCheck,
  findDueTwinChecks,
  findQueued,
  findRunningSince,
  queueDueParked,
  requeueLost,
} from "../tenants/due-operations.ts";
import { claimDueMembers } from "../tenants/mapping.ts";
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
 * members to try again, late looks for twins. Safe at any time and any number of times.
 */
export async function sweep(provisioning: Provisioning, engine: Engine): Promise<void> {
  const { prisma, timings } = provisioning;
  await queueDueParked(prisma, batch);
  await requeueLostRuns(provisioning, engine);
  for (const { operationId, run } of await findQueued(prisma, Math.min(batch, engine.room()))) {
    engine.start(operationId, run);
  }
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
}

async function requeueLostRuns({ prisma }: Provisioning, engine: Engine): Promise<void> {
  for (const lost of await findRunningSince(prisma, new Date(Date.now() - quietMs), batch)) {
    if ((await engine.stateOf(lost.operationId, lost.run)) === "alive") continue;
    await requeueLost(prisma, lost, runsMax);
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

/**
 * Sweeps every `sweepMs` until stopped, one sweep at a time, for the first time after one pause: at a start the engine
 * goes on first with what it knows. An error is logged, and the next sweep tries again. `stop` waits for the sweep under
 * way.
 */
export function startSweeping(provisioning: Provisioning, engine: Engine): { stop(): Promise<void> } {
  const { log, timings } = provisioning;
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async () => {
    for (;;) {
      // The pause is broken off by `stop`, which is no error.
      await sleep(timings.sweepMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await sweep(provisioning, engine).catch((error: unknown) => log.error({ err: error }, "sweep failed"));
    }
  };
  const ended = loop();
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
