/**
 * What can go wrong with a call to Mem0, by what a caller does about it: a no (do not repeat), a limit (repeat
 * later), or no usable answer (look, then repeat). Nothing in this folder retries: the saga does, for it alone
 * knows whether a repeat is safe.
 */
interface Mem0ErrorInit {
  readonly message: string;
  readonly method: string;
  readonly path: string;
  readonly retryable: boolean;
  readonly mayHaveHappened: boolean;
  readonly cause?: unknown;
}

/**
 * Any failed call to Mem0. The message is one sentence that names the call; it never holds the API key, and at most
 * 300 characters of what the upstream wrote, without control characters.
 */
export abstract class Mem0Error extends Error {
  /** True when the same call, made again later, could end differently. */
  readonly retryable: boolean;
  /**
   * True when the upstream may have done what was asked although the call failed. It tells a saga to look before
   * it repeats. Always false for a call that only reads.
   */
  readonly mayHaveHappened: boolean;
  /** The HTTP method of the call, in capitals. */
  readonly method: string;
  /** The path's template in the words of Mem0's OpenAPI document, such as `/api/v1/orgs/organizations/{org_id}/`. */
  readonly path: string;

  constructor(init: Mem0ErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.method = init.method;
    this.path = init.path;
    this.retryable = init.retryable;
    this.mayHaveHappened = init.mayHaveHappened;
  }
}

/** What every concrete error is told about itself; the flags follow from the class. */
interface CallFailure {
  readonly message: string;
  readonly method: string;
  readonly path: string;
}

/**
 * An answer that says no: any 3xx (redirects are never followed) and any 4xx but 408 and 429. Nothing was done,
 * and asking the same again gets the same.
 */
export class Mem0Refused extends Mem0Error {
  override readonly name = "Mem0Refused";
  /** 300..499, never 408 or 429. */
  readonly status: number;
  /** Every text found in the body, in its order: at most 50, each at most 300 characters. */
  readonly messages: readonly string[];
  /**
   * Texts by the request field they complain of, in Mem0's snake case; nested fields are joined by a dot
   * (`event_types.0`). Empty when the body names no field.
   */
  readonly fields: Readonly<Record<string, readonly string[]>>;

  constructor(
    init: CallFailure & {
      readonly status: number;
      readonly messages: readonly string[];
      readonly fields: Readonly<Record<string, readonly string[]>>;
    },
  ) {
    super({ ...init, retryable: false, mayHaveHappened: false });
    this.status = init.status;
    this.messages = init.messages;
    this.fields = init.fields;
  }
}

/**
 * A 429. Either the billing period's quota is spent (the body has `quota_reset`: live observation, undocumented):
 * not retryable before `quotaResetAt`, which may be weeks away. Or it is throttling: retryable after a while.
 */
export class Mem0Limited extends Mem0Error {
  override readonly name = "Mem0Limited";
  readonly status = 429;
  /** Every text found in the body, in its order: at most 50, each at most 300 characters. */
  readonly messages: readonly string[];
  /** When the spent quota is renewed. Null when throttled, and when the body's date cannot be read. */
  readonly quotaResetAt: Date | null;
  /** How long the server asks us to wait (`Retry-After`), 0 or more. Null when it does not say, and for a spent quota. */
  readonly retryAfterMs: number | null;

  constructor(
    init: CallFailure & {
      readonly isQuotaSpent: boolean;
      readonly messages: readonly string[];
      readonly quotaResetAt: Date | null;
      readonly retryAfterMs: number | null;
    },
  ) {
    super({ ...init, retryable: !init.isQuotaSpent, mayHaveHappened: false });
    this.messages = init.messages;
    this.quotaResetAt = init.quotaResetAt;
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** The calls that only read although they are POSTs, for their filters need a body (Mem0 OpenAPI). */
const readingPosts: ReadonlySet<string> = new Set([
  "/v3/memories/",
  "/v3/memories/search/",
  "/v1/exports/get/",
]);

function isRead({ method, path }: CallFailure): boolean {
  return method === "GET" || (method === "POST" && readingPosts.has(path));
}

/**
 * Why there was no usable answer. `connect`: no connection was made, or the client was closed. `reset`: the
 * connection broke. `timeout`: the call's time was up, or a 408. `server-error`: a 5xx. `unexpected-body`: too
 * large, not HTTP, not JSON, or not the expected shape. `aborted`: the caller's own signal. `circuit-open`: it was not
 * sent, because this origin failed again and again.
 */
export type UnansweredReason =
  | "connect"
  | "reset"
  | "timeout"
  | "server-error"
  | "unexpected-body"
  | "aborted"
  | "circuit-open";

/**
 * No usable answer came, so whether the deed was done is unknown unless `mayHaveHappened` is false: then the request
 * certainly never left, or it only read. A 2xx with an unreadable body is here too: most likely the deed was done,
 * but its result is lost, so a saga must look before it repeats. Retryable, but for the caller's own abort.
 */
export class Mem0Unanswered extends Mem0Error {
  override readonly name = "Mem0Unanswered";
  readonly reason: UnansweredReason;
  /** The status, when at least the head of an answer came; else null. */
  readonly status: number | null;
  /** `circuit-open`: in how many milliseconds it is worth asking again, at least 1. Else null. */
  readonly retryAfterMs: number | null;

  constructor(
    init: CallFailure & {
      readonly reason: UnansweredReason;
      readonly status: number | null;
      readonly hasLeft: boolean;
      readonly retryAfterMs?: number;
      readonly cause?: unknown;
    },
  ) {
    super({
      ...init,
      retryable: init.reason !== "aborted",
      mayHaveHappened: init.hasLeft && !isRead(init),
    });
    this.reason = init.reason;
    this.status = init.status;
    this.retryAfterMs = init.retryAfterMs ?? null;
  }
}
