import { setTimeout as sleep } from "node:timers/promises";
import { type OperationProgress, type ProgressDb, readProgress } from "../tenants/operation-progress.ts";

/** How long a look waits for others to join it: the end of one step and the beginning of the next are one look. */
const gatherMs = 5;
/** The least time from one look to the next; after a slow look it is as long again as the look took. */
const pauseMs = 10;

/** Looks at the progress of operations, for any number of watchers together. */
export interface ProgressLooks {
  /**
   * How far an operation has got, read after this was called; null when there is none. All who ask within some
   * milliseconds share one query, and there is one query at a time.
   * @throws what the database throws
   */
  look(operationId: string): Promise<OperationProgress | null>;
}

/** Those who ask together. */
interface Batch {
  readonly operationIds: Set<string>;
  readonly found: Promise<ReadonlyMap<string, OperationProgress>>;
}

/** Makes the looks, so that a burst of watchers does not take the database from the work they watch. */
export function createProgressLooks(db: ProgressDb): ProgressLooks {
  let next: Batch | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let notBefore = 0;

  const openBatch = (): Batch => {
    const operationIds = new Set<string>();
    const found = last.then(async () => {
      await sleep(Math.max(gatherMs, notBefore - Date.now()));
      // Whoever comes from here on may know of something newer than this query sees.
      next = null;
      const begun = Date.now();
      return readProgress(db, [...operationIds]).finally(() => {
        notBefore = Math.max(begun + pauseMs, Date.now() + (Date.now() - begun));
      });
    });
    last = found.catch(() => {});
    return { operationIds, found };
  };

  return {
    async look(operationId) {
      next ??= openBatch();
      next.operationIds.add(operationId);
      return (await next.found).get(operationId) ?? null;
    },
  };
}
