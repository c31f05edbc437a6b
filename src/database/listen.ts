import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { inUtc } from "./connection-target.ts";
import { errorMessage } from "./errors.ts";

/** Who is told what the connection hears. Must not throw. */
export interface NotificationReceiver {
  /** Somebody else notified; what this connection sends itself is not told. */
  notified(channel: string, payload: string): void;
  /** It listens from now on. Whatever was notified before, while it did not, was missed. */
  listening(): void;
}

/** What a connection for notifications needs. */
export interface NotificationOptions {
  /** What it listens to. */
  readonly channels: readonly string[];
  readonly receiver: NotificationReceiver;
  /** Receives a sentence when the connection breaks or cannot be made. */
  readonly log?: (message: string) => void;
}

/** A connection to Postgres that sends notifications and hears those of others. */
export interface Notifications {
  /**
   * Sends soon, together with what else is sent within some milliseconds. Never throws and never waits. The same payload
   * twice before it is sent is sent once; what does not fit into `unsentMax` is dropped.
   */
  send(channel: string, payload: string): void;
  /** Whether it listens now, as far as is known: a dead network is noticed after about 20 seconds. */
  isListening(): boolean;
  /** Sends what is unsent, if that is possible at once, and ends. Takes 2 seconds at most. A repeat waits for the same end. */
  close(): Promise<void>;
}

/** The time between two batches; in milliseconds. */
const batchPauseMs = 10;
const batchMax = 1_000;
/** What waits to be sent, also while there is no connection. Beyond it, receivers have to find out by themselves. */
const unsentMax = 10_000;
const connectTimeoutMs = 10_000;
const queryTimeoutMs = 10_000;
const keepAliveDelayMs = 10_000;
/** The pause before another connection is tried; doubles up to the maximum. */
const backoffMs = 100;
const backoffMaxMs = 5_000;
/** How long the end waits for the last batch, and for the server to say goodbye. */
const farewellMs = 1_000;

/**
 * Opens the connection in the background, and again whenever it breaks, until it is closed. Both directions share it.
 *
 * Nothing is notified in the transaction of the change it tells of: Postgres lets only one transaction that notifies
 * commit at a time, in all databases of a server, and keeps the next waiting until that commit is on disk. So all
 * sagas would commit one after the other. Here one statement sends for many changes, and does not wait for the disk: a
 * notification that is lost in a crash of the server has no listener left to miss it.
 */
export function openNotifications(connectionString: string, options: NotificationOptions): Notifications {
  return new NotificationConnection(connectionString, options);
}

class NotificationConnection implements Notifications {
  readonly #connectionString: string;
  readonly #options: NotificationOptions;
  readonly #closing = new AbortController();
  /** By channel and payload, so that each is there once. */
  readonly #unsent = new Map<string, readonly [channel: string, payload: string]>();
  /** The connection, also while it is being made. */
  #client: pg.Client | null = null;
  #isListening = false;
  #sendTimer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  #notBefore = 0;
  #closed: Promise<void> | null = null;

  constructor(connectionString: string, options: NotificationOptions) {
    this.#connectionString = inUtc(connectionString);
    this.#options = options;
    void this.#keepListening();
  }

  send(channel: string, payload: string): void {
    if (this.#closing.signal.aborted || this.#unsent.size >= unsentMax) return;
    this.#unsent.set(`${channel} ${payload}`, [channel, payload]);
    this.#sendSoon();
  }

  isListening(): boolean {
    return this.#isListening;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    if (this.#sendTimer !== null) clearTimeout(this.#sendTimer);
    const farewell = async () => {
      await this.#sending;
      await this.#sendBatch();
    };
    await within(farewellMs, farewell());
    if (this.#client !== null) await within(farewellMs, this.#client.end());
  }

  /** Never rejects. Every connection gets a client of its own: one that has ended cannot be used again. */
  async #keepListening(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      const client = this.#newClient();
      this.#client = client;
      let reason = "it broke";
      try {
        const ended = new Promise<void>((resolve) => client.once("end", resolve));
        // A client that is ended while it connects never says what became of the connecting.
        await Promise.race([this.#listen(client), ended]);
        failures = this.#isListening ? 0 : failures + 1;
        if (!signal.aborted) await ended;
      } catch (error) {
        failures += 1;
        reason = errorMessage(error);
      }
      this.#isListening = false;
      this.#client = null;
      await within(farewellMs, client.end());
      if (!signal.aborted) this.#options.log?.(`There is no connection for notifications: ${reason}`);
      // Random, so that not every process comes back at the same moment. `close` breaks it off, which is no error.
      const pauseMs = Math.min(backoffMaxMs, backoffMs * 2 ** failures) * (0.5 + Math.random() / 2);
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  #newClient(): pg.Client {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
      application_name: "loci-notifications",
    });
    // Told by the end that follows; without a listener it would end the process.
    client.on("error", () => {});
    return client;
  }

  async #listen(client: pg.Client): Promise<void> {
    await client.connect();
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const ownPid = rows[0]?.pid;
    client.on("notification", ({ channel, payload, processId }) => {
      if (processId !== ownPid) this.#options.receiver.notified(channel, payload ?? "");
    });
    const listens = this.#options.channels.map((channel) => `LISTEN ${pg.escapeIdentifier(channel)}`);
    await client.query(["SET synchronous_commit = off", ...listens].join("; "));
    if (this.#closing.signal.aborted) return;
    this.#isListening = true;
    this.#options.receiver.listening();
    this.#sendSoon();
  }

  #sendSoon(): void {
    if (!this.#isListening || this.#sendTimer !== null || this.#sending !== null) return;
    if (this.#unsent.size === 0 || this.#closing.signal.aborted) return;
    this.#sendTimer = setTimeout(
      () => {
        this.#sendTimer = null;
        this.#sending = this.#sendBatch().finally(() => {
          this.#sending = null;
          this.#notBefore = Date.now() + batchPauseMs;
          this.#sendSoon();
        });
      },
      Math.max(batchPauseMs, this.#notBefore - Date.now()),
    );
  }

  /** Never rejects. What could not be sent waits for the next connection. */
  async #sendBatch(): Promise<void> {
    const client = this.#client;
    const batch = [...this.#unsent].slice(0, batchMax);
    if (client === null || !this.#isListening || batch.length === 0) return;
    for (const [key] of batch) this.#unsent.delete(key);
    try {
      await client.query(
        "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS unsent (channel, payload)",
        [batch.map(([, [channel]]) => channel), batch.map(([, [, payload]]) => payload)],
      );
    } catch {
      for (const [key, message] of batch) if (this.#unsent.size < unsentMax) this.#unsent.set(key, message);
      // A server that does not answer is left; one that is gone has ended the connection already.
      await within(farewellMs, client.end());
    }
  }
}

/** Waits for a promise, but not longer than a time; its failure is nothing to us here. */
async function within(patienceMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([promise.catch(() => {}), tooLate]);
  clearTimeout(timer);
}
