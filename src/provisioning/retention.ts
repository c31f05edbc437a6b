import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Engine } from "./engine.ts";

/** Runs whose record is deleted at once. More of them are deleted without a pause. */
const batch = 500;
const pauseMs = 600_000;

/**
 * Deletes the engine's record of runs that ended longer ago than `retentionMs`, now and every ten minutes. What people
 * see of them, our operations, stays. Several processes may do it at once. An error is logged, and tried again.
 */
export function startPruning(
  engine: Pick<Engine, "prune">,
  { retentionMs, log }: { readonly retentionMs: number; readonly log: Logger },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async () => {
    while (!signal.aborted) {
      const pruned = await engine.prune(new Date(Date.now() - retentionMs), batch).catch((error: unknown) => {
        log.error({ err: error }, "pruning failed");
        return 0;
      });
      if (pruned < batch) await sleep(pauseMs, undefined, { signal }).catch(() => {});
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
