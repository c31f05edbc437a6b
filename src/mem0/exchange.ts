import { type Dispatcher, errors } from "undici";
import type { UnansweredReason } from "./errors.ts";

/** One HTTP request to make, and its bounds. */
export interface Exchange {
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** For the whole exchange: waiting for a connection, connecting, sending, and receiving to the end. */
  readonly timeoutMs: number;
  /** The largest answer taken, in bytes. */
  readonly bodyBytesMax: number;
  readonly signal: AbortSignal | null;
  /** Asked in the moment before the first byte is written. False: nothing is, and the exchange is over (`aborted`). */
  readonly mayLeave?: () => boolean;
}

/** A whole answer, whatever its status. */
export interface Answer {
  /** 200 or more: informational answers are passed over. */
  readonly status: number;
  /** Of a header that came several times, the first. Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Our clock when the head of the answer arrived, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** The exchange ended without a whole answer. */
export class ExchangeFailed extends Error {
  override readonly name = "ExchangeFailed";
  readonly reason: Exclude<UnansweredReason, "server-error" | "circuit-open">;
  /** False when not a byte of the request was written, nor ever will be. */
  readonly hasLeft: boolean;
  /** The status, when the head of the answer came. */
  readonly status: number | null;

  constructor(init: {
    readonly reason: Exclude<UnansweredReason, "server-error" | "circuit-open">;
    readonly message: string;
    readonly hasLeft: boolean;
    readonly status: number | null;
    readonly cause: unknown;
  }) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = init.reason;
    this.hasLeft = init.hasLeft;
    this.status = init.status;
  }
}

/**
 * Makes one request, once: no retry, no redirect, no pipelining.
 *
 * @throws {ExchangeFailed} at once when the signal aborts or the time is up, in whatever phase.
 */
export function exchange(request: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(request, resolve, reject);
    if (!handler.isOver()) {
      const { dispatcher, method, path, headers, body } = request;
      // The handler's own clock bounds the whole exchange, so undici's clocks for its phases are off.
      const bounds = { headersTimeout: 0, bodyTimeout: 0 };
      dispatcher.dispatch({ method, path, headers: { ...headers }, body, ...bounds }, handler);
    }
  });
}

/**
 * Why a handler and not `pool.request`: undici calls `onRequestStart` directly before it writes, which is the only
 * way to know whether a request left; and `pool.request` does not heed a signal while it waits for a connection.
 */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #request: Exchange;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (failure: ExchangeFailed) => void;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  #controller: Dispatcher.DispatchController | null = null;
  #status: number | null = null;
  #headers: ReadonlyMap<string, string> = new Map();
  #receivedAtMs = 0;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    request: Exchange,
    resolve: (answer: Answer) => void,
    reject: (failure: ExchangeFailed) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(
      () => this.#fail("timeout", `no whole answer came within ${request.timeoutMs} ms`, undefined),
      request.timeoutMs,
    );
    if (request.signal?.aborted === true) this.#onAbort();
    else request.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  isOver(): boolean {
    return this.#isOver;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#request.mayLeave?.() === false) {
      this.#fail("aborted", "this process may send nothing now", undefined);
    }
    if (this.#isOver) {
      // We already said that it never left: an abort in this callback keeps undici from writing.
      controller.abort(new Error("The call was over before a connection was free."));
    } else if (this.#controller !== null && this.#request.method !== "GET") {
      // Undici documents that it may start a request again when a connection breaks. Not a write, and not ours.
      this.#controller = controller;
      this.#fail("reset", "the connection broke", undefined);
    } else {
      this.#controller = controller;
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#receivedAtMs = Date.now();
    this.#headers = firstValues(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#request.bodyBytesMax) {
      this.#fail("unexpected-body", `the body is larger than ${this.#request.bodyBytesMax} bytes`, undefined);
    } else {
      this.#chunks.push(chunk);
    }
  }

  onResponseEnd(): void {
    if (this.#isOver || this.#status === null) return;
    this.#end();
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body: new TextDecoder().decode(Buffer.concat(this.#chunks)),
      receivedAtMs: this.#receivedAtMs,
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#controller === null) {
      this.#fail("connect", "no connection could be made", error);
    } else if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError) {
      // The parser's error carries the raw bytes of the answer, which may echo our key: only its message goes on.
      this.#fail("unexpected-body", "the answer is not HTTP", new Error(error.message));
    } else {
      this.#fail("reset", "the connection broke", error);
    }
  }

  readonly #onAbort = (): void =>
    this.#fail("aborted", "the caller aborted it", this.#request.signal?.reason);

  #fail(
    reason: Exclude<UnansweredReason, "server-error" | "circuit-open">,
    message: string,
    cause: unknown,
  ): void {
    if (this.#isOver) return;
    this.#end();
    this.#reject(
      new ExchangeFailed({
        reason,
        message,
        hasLeft: this.#controller !== null,
        status: this.#status,
        cause,
      }),
    );
    // Closes the connection, so that a late answer cannot be taken for another request's.
    this.#controller?.abort(new Error(message));
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
  }
}

function firstValues(headers: Readonly<Record<string, string | string[] | undefined>>): Map<string, string> {
  const first = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value;
    if (text !== undefined) first.set(name.toLowerCase(), text);
  }
  return first;
}
