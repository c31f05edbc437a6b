import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import type { Logger } from "pino";
import type { PrismaClient } from "../generated/prisma/client.ts";
import { claimDueProofs, type ProofOutcome, type ProofTask, recordProof } from "../tenants/key-proofs.ts";
import { forgetRetiredKeys } from "../tenants/project-keys.ts";
import type { KeyRing } from "./key-ring.ts";
import { type Mem0Target, proveKey } from "./prove-key.ts";
import { sealedForOf } from "./sealed-for.ts";
import { CannotOpen, open } from "./sealed-secret.ts";

/** What proofs are made with. */
export interface ProofWork {
  readonly prisma: PrismaClient;
  readonly target: Mem0Target;
  readonly ring: KeyRing;
  /** How long after a proof the next one is due, at most. */
  readonly proofEveryMs: number;
  readonly log: Logger;
}

/** Proofs taken over in one look, of each kind of key, and pings at once. */
const batch = 50;
const pingsMax = 8;
/** When a proof that Mem0 did not answer is tried again, at most. */
const retryMs = 30_000;
const lookEveryMs = 1_000;

/** When the next proof is due: spread, so that keys that were attached together are not proved together for ever. */
export function nextProofAt(proofEveryMs: number): Date {
  return new Date(Date.now() + proofEveryMs * (0.75 + Math.random() / 4));
}

/**
 * Makes a proof that was taken over, and writes down what it came to: a good one opens the door, another answer closes it, and
 * no answer leaves it as it is until the last good proof is a day old. Answers the outcome.
 */
export async function runProof(
  work: ProofWork,
  task: ProofTask,
  signal?: AbortSignal,
): Promise<ProofOutcome> {
  const { prisma, log } = work;
  const { owner, id } = task;
  const outcome = await proveSealed(work, task, signal);
  const nextAt =
    outcome.is === "UNANSWERED"
      ? new Date(Date.now() + retryMs * (0.5 + Math.random() / 2))
      : nextProofAt(work.proofEveryMs);
  const hasCounted = await recordProof(prisma, task, outcome, nextAt);
  if (outcome.is === "REFUTED" && hasCounted) log.warn({ owner, id }, "an API key failed its proof");
  return outcome;
}

async function proveSealed(
  { target, ring, log }: ProofWork,
  task: ProofTask,
  signal: AbortSignal | undefined,
): Promise<ProofOutcome> {
  try {
    return await proveKey(target, await open(ring, task.sealedKey, sealedForOf(task)), task, signal);
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    // Another process may have the key that it was sealed with.
    log.warn({ owner: task.owner, id: task.id, because: error.message }, "an API key cannot be opened here");
    return { is: "UNANSWERED" };
  }
}

/** Looks once: forgets keys whose overlap is over, and makes the proofs that are due. Safe at any time, in any number of processes. */
export async function proveDue(work: ProofWork, signal?: AbortSignal): Promise<void> {
  await forgetRetiredKeys(work.prisma);
  const tasks = await claimDueProofs(work.prisma, batch);
  const limit = pLimit(pingsMax);
  const runs = tasks.map((task) => limit(() => runProof(work, task, signal)));
  for (const run of await Promise.allSettled(runs)) {
    if (run.status === "rejected") work.log.error({ err: run.reason }, "a proof failed");
  }
}

/** What makes proofs until it is stopped. */
export interface Proving {
  /** Breaks off the pings under way, whose proofs are made later, and waits for the look to end. */
  stop(): Promise<void>;
}

/** Looks every second until stopped, one look at a time. An error is logged, and the next look tries again. */
export function startProofs(work: ProofWork): Proving {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async () => {
    while (!signal.aborted) {
      try {
        await proveDue(work, signal);
      } catch (error) {
        work.log.error({ err: error }, "the look for due proofs failed");
      }
      // The pause is broken off by `stop`, which is no error.
      await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
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
