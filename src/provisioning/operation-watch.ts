import { setTimeout as sleep } from "node:timers/promises";
import type { PrismaClient } from "../generated/prisma/client.ts";

/** The pause between two looks at the database; after a slow look the pause is as long as the look was. */
const pauseMs = 15;

/** Waits for operations, for callers of mutations. */
export interface OperationWatch {
  /**
   * Waits until an operation has got as far as its caller wants to know: it ended, is parked, needs attention, or (a
   * sign-up) its tenant is ACTIVE; at most `waitMs`, and not longer than `signal` allows. Running out of time is no
   * error, nor is an operation that nobody knows.
   */
  wait(operationId: string, waitMs: number, signal: AbortSignal | null): Promise<void>;
}

/**
 * Watches for any number of waiters with one query at a time, made only while somebody waits, so that a burst of
 * waiting callers does not take the database from the work they wait for.
 */
export function createOperationWatch(prisma: PrismaClient): OperationWatch {
  const waiters = new Set<Waiter>();
  let isLooking = false;

  const lookWhileAwaited = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      while (waiters.size > 0) {
        const begun = Date.now();
        // Whoever comes while the database is asked was not asked for, and waits for the next look.
        const asked = [...waiters];
        const underWay = await findUnderWay(prisma, new Set(asked.map(({ operationId }) => operationId)));
        for (const waiter of asked) if (!underWay.has(waiter.operationId)) waiter.done();
        await sleep(Math.max(pauseMs, Date.now() - begun));
      }
    } catch (error) {
      // Whoever waits is told; the next to come starts looking anew.
      for (const waiter of waiters) waiter.failed(error);
    } finally {
      isLooking = false;
    }
  };

  return {
    async wait(operationId, waitMs, signal) {
      if (waitMs === 0 || signal?.aborted === true) return;
      await new Promise<void>((resolve, reject) => {
        const end = (settle: () => void) => {
          waiters.delete(waiter);
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          settle();
        };
        const done = () => end(resolve);
        const waiter: Waiter = { operationId, done, failed: (error) => end(() => reject(error)) };
        const timer = setTimeout(done, waitMs);
        signal?.addEventListener("abort", done, { once: true });
        waiters.add(waiter);
        void lookWhileAwaited();
      });
    },
  };
}

interface Waiter {
  readonly operationId: string;
  done(): void;
  failed(error: unknown): void;
}

/** Which of these operations have not yet got as far as their callers want to know. One round trip. */
async function findUnderWay(prisma: PrismaClient, operationIds: ReadonlySet<string>): Promise<Set<string>> {
  const rows = await prisma.operation.findMany({
    where: {
      id: { in: [...operationIds] },
      status: { in: ["QUEUED", "RUNNING", "UNWINDING"] },
      NOT: { kind: "SIGN_UP", tenant: { status: { not: "PROVISIONING" } } },
    },
    select: { id: true },
  });
  return new Set(rows.map(({ id }) => id));
}
