import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { openAuditKey } from "./access/audit-key.ts";
import type { PrismaClient } from "./generated/prisma/client.ts";
import type { Lifetime } from "./lifetime.ts";
import type { KeyRing } from "./memory-access/key-ring.ts";
import { pruneOnce, readChainHead, sealedEventsMax, sealOnce } from "./tenants/audit-chain.ts";

/** How often what waits is sealed. Until then an event could be changed without a trace. */
const sealEveryMs = 1_000;
/** How often the head of the chain is logged, and what is too old deleted. */
const tellEveryMs = 3_600_000;

/** What the audit is kept with. */
export interface AuditKeepingOptions {
  readonly prisma: PrismaClient;
  /** What the key of the seals' tags is sealed and opened with. */
  readonly ring: KeyRing | null;
  /** How long events are kept, at least. Null: for ever. */
  readonly retentionMs: number | null;
  readonly log: Logger;
}

/**
 * Keeps the audit for as long as the process lives: see `startAuditKeeping`. To be started before whatever writes events, so that it
 * ends after it.
 */
export async function keepAudit(options: AuditKeepingOptions, lifetime: Lifetime): Promise<void> {
  await lifetime.keep({
    name: "the keeping of the audit",
    make: async () => startAuditKeeping(options),
    stop: (made) => made.stop(),
  });
}

/**
 * Seals the audit every second, and every hour, the first time at once, deletes what is older than `retentionMs` and logs the
 * head of the chain, so that whatever keeps the log anchors it: what was sealed by then can no longer be exchanged without
 * somebody seeing it. Every process may do it: one at a time does. An error is logged, and tried again.
 */
function startAuditKeeping(options: AuditKeepingOptions): { stop(): Promise<void> } {
  const { prisma, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let key: Promise<Uint8Array | null> | null = null;
  // Throws where this process lacks the key that others have: a seal without a tag would break the chain, and is left to them.
  const openKey = () => {
    key ??= openAuditKey(options);
    return key;
  };
  const seal = () => sealOnce(prisma, openKey);
  const sealAll = async () => {
    while ((await seal()) === sealedEventsMax && !signal.aborted);
  };
  const repeating = async (everyMs: number, deed: () => Promise<unknown>, what: string) => {
    let told = "";
    while (!signal.aborted) {
      try {
        await deed();
        told = "";
      } catch (error) {
        key = null;
        // The same every second is told once.
        if (String(error) !== told) log.error({ err: error }, `${what} failed`);
        told = String(error);
      }
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  };
  const ended = Promise.all([
    repeating(sealEveryMs, sealAll, "sealing the audit"),
    repeating(tellEveryMs, () => tellAndPrune(options, signal), "pruning the audit"),
  ]);
  return {
    async stop() {
      stopping.abort();
      await ended;
      // What was written by the last requests.
      await seal().catch((error: unknown) => log.error({ err: error }, "sealing the audit failed"));
    },
  };
}

async function tellAndPrune({ prisma, retentionMs, log }: AuditKeepingOptions, signal: AbortSignal) {
  if (retentionMs !== null) {
    const before = new Date(Date.now() - retentionMs);
    while (!signal.aborted && (await pruneOnce(prisma, before)) > 0);
  }
  const head = await readChainHead(prisma);
  if (head !== null) log.info({ seal: head.no, hash: head.hash }, "head of the audit's chain");
}
