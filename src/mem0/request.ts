import { Pool } from "undici";
import type { z } from "zod";
import { type CallContext, readAnswer, upstreamClockMs } from "./answer.ts";
import { type BreakerOptions, CircuitBreaker, CircuitOpen } from "./circuit-breaker.ts";
import { Mem0Unanswered } from "./errors.ts";
import { type Answer, type Exchange, ExchangeFailed, exchange } from "./exchange.ts";
import { callTitle, type Mem0Path } from "./path.ts";
import { upstreamText } from "./upstream-text.ts";
import { wholeNumber } from "./whole-number.ts";

/** An open client of one Mem0 service with one API key. Made by `openMem0`; the key cannot be got out of it. */
export interface Mem0 {
  /** Scheme, host and port of the service. */
  readonly origin: string;
  /**
   * Waits for the calls under way, each bounded by its time-out, and closes the connections; later calls fail with
   * `Mem0Unanswered` (`connect`, retryable: another process can make them). To be quick, abort the calls by their
   * signals first. A repeat waits for the same end.
   */
  close(): Promise<void>;
  /**
   * The upstream's clock minus ours, from the `Date` header of the last answer that had one; null before. The header
   * is cut to whole seconds and took time to travel, so the truth is up to 1 s plus that time greater.
   */
  clockOffsetMs(): number | null;
  /** Makes one call. For the resource files of this folder, which know paths and shapes. */
  send<Output>(request: Mem0Request<Output>): Promise<Output>;
}

/** How to reach Mem0, and the bounds of every call. All numbers are whole and at least 1. */
export interface Mem0Options {
  /** http or https; a path is kept as a prefix of every call's. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** For a whole call, from waiting for a connection to the end of the body. Default 30 000. */
  readonly timeoutMs?: number;
  /** For connecting, TLS included; undici's clock for it is coarse and may be a second late. Default 5 000. */
  readonly connectTimeoutMs?: number;
  /** The largest answer taken. Default 32 MiB: a list of 10,000 organizations has six. */
  readonly bodyBytesMax?: number;
  /** How many calls may be on the wire at once; the others wait, on their own time. Default 64. */
  readonly connections?: number;
  /** Told of every call when it is over. What it throws becomes a process warning and never fails the call. */
  readonly onCall?: (call: Mem0Call) => void;
  /** Stops calls for a while when one after the other fails. Default: as `BreakerOptions` says. False: none does. */
  readonly breaker?: BreakerOptions | false;
  /** For a process that may lose its leave to write upstream. Without one it always may. */
  readonly gate?: Gate;
}

/** Whether requests may leave this process. */
export interface Gate {
  /** Asked in the moment before a request is written. False: it never leaves, and the call fails as `aborted`. */
  isOpen(): boolean;
  /** Breaks off the calls that are under way when it aborts. Asked once a call. */
  readonly signal: AbortSignal | null;
}

/** A call that is over, for tracing. It holds neither ids nor bodies nor the key. */
export interface Mem0Call {
  readonly method: string;
  /** The path's template. */
  readonly path: string;
  /** Null when not even the head of an answer came. */
  readonly status: number | null;
  /** Whether its request was put on the wire. */
  readonly hasLeft: boolean;
  readonly durationMs: number;
}

/** What every operation takes last. */
export interface CallOptions {
  /** Ends the call at once with `Mem0Unanswered` (`aborted`), in whatever phase it is. */
  readonly signal?: AbortSignal;
  /** Instead of the client's; a whole number, at least 1. */
  readonly timeoutMs?: number;
  /** Told of this call when it is over, besides the client's own `onCall` and under the same rule. */
  readonly onCall?: (call: Mem0Call) => void;
}

/** One call: what to send, and the shape that a good answer has. */
export interface Mem0Request<Output> {
  readonly method: Exchange["method"];
  readonly path: Mem0Path;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. Without it the request has no body. */
  readonly body?: unknown;
  readonly answer: z.ZodType<Output>;
  readonly options: CallOptions | undefined;
}

const upstreamCharactersMax = 300;

/**
 * Opens a client; connections are made when first needed. It never retries, follows no redirect, and puts no second
 * request on a connection before the first is answered (no pipelining, no HTTP/2).
 *
 * @throws {TypeError} when the base URL or the key cannot be used. The message holds neither.
 * @throws {RangeError} when a number is out of bounds.
 */
export function openMem0(options: Mem0Options): Mem0 {
  return new Connection(options);
}

class Connection implements Mem0 {
  readonly origin: string;
  readonly #prefix: string;
  readonly #apiKey: string;
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #bodyBytesMax: number;
  readonly #onCall: ((call: Mem0Call) => void) | undefined;
  readonly #gate: Gate | undefined;
  readonly #breaker: CircuitBreaker | null;
  #clockOffsetMs: number | null = null;
  #closing: Promise<void> | null = null;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: Mem0Options) {
    const url = parseBaseUrl(options.baseUrl);
    this.origin = url.origin;
    this.#prefix = url.pathname.replace(/\/+$/, "");
    // Anything else could not travel in a header, and undici's refusal of a header would come at the first call.
    if (!/^[\x21-\x7e]+$/.test(options.apiKey)) {
      throw new TypeError("The Mem0 API key must be printable ASCII without spaces.");
    }
    this.#apiKey = options.apiKey;
    this.#timeoutMs = wholeNumber("timeoutMs", options.timeoutMs ?? 30_000);
    this.#bodyBytesMax = wholeNumber("bodyBytesMax", options.bodyBytesMax ?? 32 * 1024 * 1024);
    this.#onCall = options.onCall;
    this.#gate = options.gate;
    this.#breaker = options.breaker === false ? null : new CircuitBreaker(options.breaker ?? {});
    this.#pool = new Pool(this.origin, {
      connections: wholeNumber("connections", options.connections ?? 64),
      connectTimeout: wholeNumber("connectTimeoutMs", options.connectTimeoutMs ?? 5_000),
      pipelining: 1,
      allowH2: false,
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The pool's own closing refuses later calls from now on, but it is not waited for: it would also wait until
    // connections are made for calls that were aborted long ago.
    void this.#pool.close();
    await Promise.allSettled(this.#underWay);
    await this.#pool.destroy();
  }

  clockOffsetMs(): number | null {
    return this.#clockOffsetMs;
  }

  async send<Output>(request: Mem0Request<Output>): Promise<Output> {
    const call = this.#call(request);
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  async #call<Output>(request: Mem0Request<Output>): Promise<Output> {
    const { method, path } = request;
    const timeoutMs = wholeNumber("timeoutMs", request.options?.timeoutMs ?? this.#timeoutMs);
    const context: CallContext = {
      method,
      path: path.template,
      title: this.#clean(callTitle(method, path)),
      clean: (text) => this.#clean(text),
    };
    const startedMs = performance.now();
    let seen: Pick<Mem0Call, "status" | "hasLeft"> = { status: null, hasLeft: false };
    const ask = async () => {
      try {
        const answer = await exchange(this.#exchange(request, timeoutMs));
        seen = { status: answer.status, hasLeft: true };
        this.#readClock(answer);
        return readAnswer(answer, request.answer, context);
      } catch (error) {
        if (!(error instanceof ExchangeFailed)) throw error;
        seen = { status: error.status, hasLeft: error.hasLeft };
        throw unanswered(error, context);
      }
    };
    try {
      return await (this.#breaker === null ? ask() : this.#breaker.run(ask));
    } catch (error) {
      throw error instanceof CircuitOpen ? notAsked(error, context) : error;
    } finally {
      const call = { method, path: path.template, ...seen, durationMs: performance.now() - startedMs };
      this.#report(this.#onCall, call);
      this.#report(request.options?.onCall, call);
    }
  }

  #exchange<Output>(request: Mem0Request<Output>, timeoutMs: number): Exchange {
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const query = request.query === undefined ? "" : `?${queryText(request.query)}`;
    return {
      dispatcher: this.#pool,
      method: request.method,
      path: `${this.#prefix}${request.path.path}${query}`,
      headers: {
        // `Token`, not `Bearer` (Mem0 OpenAPI; live observation).
        authorization: `Token ${this.#apiKey}`,
        accept: "application/json",
        "user-agent": "loci",
        ...(body === null ? {} : { "content-type": "application/json" }),
      },
      body,
      timeoutMs,
      bodyBytesMax: this.#bodyBytesMax,
      signal: anySignal(request.options?.signal ?? null, this.#gate?.signal ?? null),
      mayLeave: () => this.#gate?.isOpen() !== false,
    };
  }

  #readClock(answer: Answer): void {
    const upstreamMs = upstreamClockMs(answer);
    if (upstreamMs !== null) this.#clockOffsetMs = upstreamMs - answer.receivedAtMs;
  }

  #report(onCall: ((call: Mem0Call) => void) | undefined, call: Mem0Call): void {
    try {
      onCall?.(call);
    } catch (error) {
      // A failing trace must not lose the answer of a create, whose id nobody could get again.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  #clean(text: string): string {
    return upstreamText(text, this.#apiKey, upstreamCharactersMax);
  }
}

function anySignal(one: AbortSignal | null, other: AbortSignal | null): AbortSignal | null {
  return one === null || other === null ? (one ?? other) : AbortSignal.any([one, other]);
}

function unanswered(failure: ExchangeFailed, context: CallContext): Mem0Unanswered {
  const { reason, status, hasLeft } = failure;
  const when = hasLeft ? "after the request had left" : "before the request left";
  return new Mem0Unanswered({
    method: context.method,
    path: context.path,
    message: `Mem0 did not answer ${context.title}: ${failure.message}, ${when}.`,
    reason,
    status,
    hasLeft,
    cause: failure.cause,
  });
}

function notAsked({ retryAfterMs }: CircuitOpen, context: CallContext): Mem0Unanswered {
  return new Mem0Unanswered({
    method: context.method,
    path: context.path,
    message: `Mem0 was not asked for ${context.title}: it failed too often in a row, and is tried again soon.`,
    reason: "circuit-open",
    status: null,
    hasLeft: false,
    retryAfterMs,
  });
}

/** `encodeURIComponent` and not a form's encoding, so that a `+` in an e-mail and a space keep apart everywhere. */
function queryText(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
}

function parseBaseUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const isUsable =
    url !== null &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (!isUsable) {
    throw new TypeError("The Mem0 base URL must be an http(s) URL without user, query and fragment.");
  }
  return url;
}
