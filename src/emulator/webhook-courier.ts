import { nowMs } from "./clock.ts";
import { webhooks } from "./rows.ts";
import type { ChangeWatch, State } from "./state.ts";
import { type Put, put } from "./table.ts";
import { Timers } from "./timers.ts";
import { type DeliveryRow, type DeliveryStatus, deliveries, deliveriesOf } from "./webhook-deliveries.ts";

/** Most requests on their way at once, and most deliveries that wait; what comes beyond is `dropped`, and shown as such. */
const inFlightMax = 16;
const waitingMax = 10_000;

/** How long a delivery is held back for one that shall overtake it. */
const holdMs = 1000;

/**
 * Tells webhooks of what has happened, by POST, after it is true for readers. Every delivery is a row, written together with
 * what it tells of: after a restart with the journal the waiting ones are sent, and one that was on its way is sent again.
 * Retries, copies, drops and reordering are switches.
 */
export class Courier implements ChangeWatch {
  readonly #state: State;
  readonly #timers = new Timers();
  readonly #waiting = new Set<string>();
  readonly #held = new Map<string, string>();
  #fresh: readonly DeliveryRow[] = [];
  #ready: { readonly id: string; readonly wasHeld: boolean }[] = [];
  #inFlight = 0;
  #begun = 0;
  #abort = new AbortController();

  /** Takes up what waits in the state already. */
  constructor(state: State) {
    this.#state = state;
    for (const row of state.table(deliveries).all()) {
      if (row.status === "waiting" && row.deleted_ms === null) this.#schedule(row);
    }
  }

  alsoPut(puts: readonly Put[]): readonly Put[] {
    const room = waitingMax - this.#waiting.size;
    this.#fresh = deliveriesOf({ state: this.#state }, puts).map((row, index) =>
      index < room ? row : { ...row, status: "dropped" },
    );
    return this.#fresh.map((row) => put(deliveries, row));
  }

  committed(): void {
    for (const row of this.#fresh) if (row.status === "waiting") this.#schedule(row);
    this.#fresh = [];
  }

  /** Calls everything off: what waits in the state stays there, and nothing more is sent of it by this courier. */
  clear(): void {
    this.#timers.clear();
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#waiting.clear();
    this.#held.clear();
    this.#ready = [];
    this.#begun = 0;
  }

  // Never in the call that did the deed: its answer goes first. And never before its moment, which a timer may round down.
  #schedule({ delivery_id: id, due_ms: dueMs }: DeliveryRow): void {
    this.#waiting.add(id);
    this.#timers.later(Math.max(1, Math.ceil(dueMs - nowMs()) + 1), () => this.#enqueue(id));
  }

  #enqueue(id: string, wasHeld = false): void {
    this.#ready.push({ id, wasHeld });
    this.#pump();
  }

  #pump(): void {
    while (this.#inFlight < inFlightMax) {
      const next = this.#ready.shift();
      if (next === undefined) return;
      this.#inFlight += 1;
      void this.#deliver(next.id, next.wasHeld)
        // The journal cannot be written: the row waits there for the next start.
        .catch(() => {})
        .finally(() => {
          this.#inFlight -= 1;
          this.#pump();
        });
    }
  }

  async #deliver(id: string, wasHeld: boolean): Promise<void> {
    const row = this.#state.table(deliveries).get(id);
    if (row?.status !== "waiting") {
      // Gone with its project.
      this.#waiting.delete(id);
      return;
    }
    const webhook = this.#state.table(webhooks).get(row.webhook_id);
    if (!webhook?.is_active) {
      this.#finish(row, "cancelled");
      return;
    }
    if (!wasHeld && this.#isHeldBack(row)) return;
    const { signal } = this.#abort;
    const refused = this.#refusal(row, webhook.url);
    if (refused !== null) this.#finish(row, refused);
    else {
      const isTaken = await this.#send(webhook.url, row.payload, signal);
      // Called off meanwhile: the row belongs to a world that is gone, or to whoever opens the journal next.
      if (signal.aborted) return;
      this.#conclude(row, isTaken);
    }
    this.#release(row.webhook_id);
  }

  #refusal(row: DeliveryRow, url: string): DeliveryStatus | null {
    const { webhookTargets, webhookDropEvery } = this.#state.switches;
    if (webhookTargets === "loopback" && !isLoopback(url)) return "not_allowed";
    if (row.attempts > 0) return null;
    this.#begun += 1;
    return webhookDropEvery > 0 && this.#begun % webhookDropEvery === 0 ? "dropped" : null;
  }

  #conclude(row: DeliveryRow, isTaken: boolean): void {
    const { webhookRetriesMax, webhookRetryDelayMs } = this.#state.switches;
    const tried = { ...row, attempts: row.attempts + 1 };
    if (isTaken || tried.attempts > webhookRetriesMax) {
      this.#finish(tried, isTaken ? "delivered" : "failed");
      return;
    }
    const again = { ...tried, due_ms: nowMs() + webhookRetryDelayMs, updated_ms: nowMs() };
    this.#write(again);
    this.#schedule(again);
  }

  #finish(row: DeliveryRow, status: DeliveryStatus): void {
    this.#waiting.delete(row.delivery_id);
    this.#write({ ...row, status, updated_ms: nowMs() });
  }

  #write(row: DeliveryRow): void {
    // A row that was deleted with its project meanwhile stays deleted.
    const now = this.#state.table(deliveries).getEvenDeleted(row.delivery_id);
    this.#state.commit([put(deliveries, { ...row, deleted_ms: now?.deleted_ms ?? null })]);
  }

  /** Of two of one webhook the first waits for the second to go before it, but not for ever. */
  #isHeldBack({ webhook_id: webhookId, delivery_id: id }: DeliveryRow): boolean {
    if (!this.#state.switches.webhookReorder || this.#held.has(webhookId)) return false;
    this.#held.set(webhookId, id);
    this.#timers.later(holdMs, () => {
      if (this.#held.get(webhookId) === id) this.#release(webhookId);
    });
    return true;
  }

  #release(webhookId: string): void {
    const held = this.#held.get(webhookId);
    this.#held.delete(webhookId);
    if (held !== undefined) this.#enqueue(held, true);
  }

  /** As many copies as ordered, one after the other: has the receiver answered the last one with 2xx in time? */
  async #send(url: string, payload: object, signal: AbortSignal): Promise<boolean> {
    const { webhookCopies, webhookTimeoutMs } = this.#state.switches;
    let isTaken = false;
    for (let copy = 0; copy < webhookCopies && !signal.aborted; copy += 1) {
      isTaken = await post(url, payload, { signal, timeoutMs: webhookTimeoutMs });
    }
    return isTaken;
  }
}

/** Redirects are not followed. Everything but a 2xx in time is a no, whatever went wrong. */
async function post(
  url: string,
  payload: object,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<boolean> {
  // Not AbortSignal.any and AbortSignal.timeout: Node 20 may collect these before they fire, and the request hangs for ever.
  const own = new AbortController();
  const giveUp = (): void => own.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  signal.addEventListener("abort", giveUp);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      redirect: "manual",
      signal: own.signal,
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
