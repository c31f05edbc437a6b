import { setTimeout as sleep } from "node:timers/promises";
import { getEvent, hasEnded, type MemoryEvent } from "../mem0/events.ts";
import type { MemoryCallForm } from "../memory-access/memory-door.ts";
import { MemoryAccessMissing, UpstreamQuotaSpent } from "../tenants/memory-refusals.ts";
import type { Context } from "./builder.ts";
import type { FollowedDeed } from "./event.ts";
import { type OfTenant, ofTenant } from "./memory.ts";
import { inTenantProject, type TenantProject } from "./memory-call.ts";

const pauseMinMs = 200;
const pauseGrowth = 1.5;
const pauseMaxMs = 3_000;

/** What of a request a wait needs. */
export type Waiting = Pick<Context, "door" | "meter" | "provisioning" | "caller" | "signal">;

/**
 * Asks again and again, with growing pauses, until something is there, the wait is over, or the caller has gone; answers what
 * `ask` answered last. What goes wrong with asking is never thrown: what is waited for was begun, and that is what the
 * caller must hear; and it ends the wait only where no later look could go better. Without a wait nothing is asked.
 */
async function askUntil<T>(
  signal: AbortSignal | null,
  waitMs: number,
  ask: (timeoutMs: number) => Promise<T>,
  isEnough: (answer: T) => boolean,
): Promise<T | null> {
  const deadlineMs = performance.now() + waitMs;
  let last: T | null = null;
  for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMs * pauseGrowth, pauseMaxMs)) {
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0 || !(await pause(Math.min(pauseMs, leftMs), signal))) return last;
    try {
      // The look at the very end of the wait gets a moment, too.
      last = await ask(Math.max(1_000, Math.ceil(deadlineMs - performance.now())));
      if (isEnough(last)) return last;
    } catch (error) {
      // The next look may work; if none does, the answer is what was known.
      if (isLasting(error)) return last;
    }
  }
}

/** Whether no look within a wait can get past it: the door has no way in for such a call, or the quota is spent. */
function isLasting(error: unknown): boolean {
  return error instanceof MemoryAccessMissing || error instanceof UpstreamQuotaSpent;
}

/** Answers whether the pause was kept to its end: false when the caller went away. */
async function pause(ms: number, signal: AbortSignal | null): Promise<boolean> {
  try {
    await sleep(ms, undefined, signal === null ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

function askWithin<T>(
  waiting: Waiting,
  tenantId: string,
  form: MemoryCallForm,
  ask: (project: TenantProject) => Promise<T>,
): (timeoutMs: number) => Promise<T> {
  const { signal } = waiting;
  return (timeoutMs) =>
    inTenantProject(waiting, tenantId, form, ({ options, ...project }) =>
      ask({ ...project, options: { ...options, timeoutMs, ...(signal === null ? {} : { signal }) } }),
    );
}

/**
 * Follows the event of a deed until it has ended or `waitMs` are over. Never fails: where the event cannot be read, the
 * deed is told without it, and at once where that cannot change (a body-override access reads no events).
 */
export async function followDeed(
  waiting: Waiting,
  { tenantId, eventId }: Pick<FollowedDeed, "tenantId" | "eventId">,
  waitMs: number,
): Promise<FollowedDeed> {
  if (eventId === null) return { tenantId, eventId, event: null };
  const ask = askWithin(
    waiting,
    tenantId,
    "without-body",
    ({ mem0, options }): Promise<MemoryEvent> => getEvent(mem0, eventId, options),
  );
  const event = await askUntil(waiting.signal, waitMs, ask, ({ status }) => hasEnded(status));
  const told: OfTenant<MemoryEvent> | null = event === null ? null : ofTenant(tenantId, event);
  return { tenantId, eventId, event: told };
}

/**
 * Waits until something that a call with a body asks for is there, or `waitMs` are over. Null: it was not there, or could not
 * be asked for.
 */
export function waitUntilThere<T>(
  waiting: Waiting,
  tenantId: string,
  waitMs: number,
  ask: (project: TenantProject) => Promise<T | null>,
): Promise<T | null> {
  return askUntil(
    waiting.signal,
    waitMs,
    askWithin(waiting, tenantId, "with-body", ask),
    (answer) => answer !== null,
  );
}
