import { nowMs } from "./clock.ts";

/** A request as the log remembers it. Times are epoch milliseconds with a fraction. The API key never appears. */
export interface LoggedRequest {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** Raw; at most the first 64 KiB. */
  readonly body: string;
  /** Null while there is no answer, and for ever when the connection was dropped. */
  readonly status: number | null;
  readonly startedAtMs: number;
  /** When the answer left, or the connection was dropped by either side; null while neither has happened. */
  readonly answeredAtMs: number | null;
  /** The kind of the fault that was injected. */
  readonly fault: string | null;
}

/** One line of the structured log, told when the exchange has ended. Bodies stay out: they may hold secrets in URLs. */
export interface RequestLogLine {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number | null;
  readonly fault: string | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** Which requests to look at; what is absent selects everything. */
export interface LogSelection {
  /** Only ids above this. */
  readonly since?: number;
  /** Only requests begun before this; epoch milliseconds. */
  readonly until?: number;
  /** Only requests whose path, query or body has this text. */
  readonly contains?: string;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

const remembered = 20_000;
const bodyCharactersMax = 64 * 1024;

/** All texts of the remembered requests together: a text takes one or two bytes a character. */
const charactersMax = 32 * 1024 * 1024;

/**
 * The last 20,000 upstream requests, in order of arrival; fewer when their texts together are longer than 32 Mi characters: then
 * the oldest are forgotten first. The control plane's own are not among them.
 */
export class RequestLog {
  readonly #told: (line: RequestLogLine) => void;
  #requests: Mutable<LoggedRequest>[] = [];
  /** Where the remembered ones begin: those before it are forgotten, and cut off in large steps. */
  #first = 0;
  #characters = 0;
  #lastId = 0;

  constructor(told: (line: RequestLogLine) => void = () => {}) {
    this.#told = told;
  }

  /** Notes that a request has begun. `secret` is blotted out wherever the client may have written it. */
  begin(method: string, path: string, query: string, secret: string): OpenRequest {
    this.#lastId += 1;
    const request: Mutable<LoggedRequest> = {
      id: this.#lastId,
      method,
      path: without(secret, path),
      query: without(secret, query),
      body: "",
      status: null,
      startedAtMs: nowMs(),
      answeredAtMs: null,
      fault: null,
    };
    this.#requests.push(request);
    this.#grow(lengthOf(request));
    return new OpenRequest(request, secret, this.#told, (characters) => {
      // What was forgotten before its body came, or by DELETE, counts no more.
      if (this.#has(request)) this.#grow(characters);
    });
  }

  #has({ id }: LoggedRequest): boolean {
    return id >= (this.#requests[this.#first]?.id ?? Number.POSITIVE_INFINITY);
  }

  #grow(characters: number): void {
    this.#characters += characters;
    for (;;) {
      const count = this.#requests.length - this.#first;
      const oldest = this.#requests[this.#first];
      // The newest stays, whatever its length: one text has a bound of its own.
      const isFull = count > remembered || (this.#characters > charactersMax && count > 1);
      if (!isFull || oldest === undefined) break;
      this.#characters -= lengthOf(oldest);
      this.#first += 1;
    }
    // In large steps: one at a time would move the whole array for every request.
    if (2 * this.#first <= this.#requests.length) return;
    this.#requests = this.#requests.slice(this.#first);
    this.#first = 0;
  }

  select({ since = 0, until = Number.POSITIVE_INFINITY, contains }: LogSelection): readonly LoggedRequest[] {
    return this.#requests
      .slice(this.#first)
      .filter(({ id, startedAtMs }) => id > since && startedAtMs < until)
      .filter((request) => contains === undefined || mentions(request, contains));
  }

  /** Forgets the requests; ids go on rising. */
  clear(): void {
    this.#requests = [];
    this.#first = 0;
    this.#characters = 0;
  }
}

/** A request that has begun: what the exchange learns of it on its way. */
export class OpenRequest {
  readonly #request: Mutable<LoggedRequest>;
  readonly #secret: string;
  readonly #told: (line: RequestLogLine) => void;
  readonly #grown: (characters: number) => void;

  constructor(
    request: Mutable<LoggedRequest>,
    secret: string,
    told: (line: RequestLogLine) => void,
    grown: (characters: number) => void,
  ) {
    this.#request = request;
    this.#secret = secret;
    this.#told = told;
    this.#grown = grown;
  }

  setBody(body: string): void {
    const kept = without(this.#secret, body.slice(0, bodyCharactersMax));
    // A copy where it was cut: a part of a text would keep the whole of it in memory.
    this.#request.body = kept.length < body.length ? Buffer.from(kept).toString() : kept;
    this.#grown(this.#request.body.length);
  }

  setFault(kind: string): void {
    this.#request.fault = kind;
  }

  /** Notes the end, once: a later end of the same exchange (the socket's, after the answer's) changes nothing. */
  end(status: number | null): void {
    const request = this.#request;
    if (request.answeredAtMs !== null) return;
    request.status = status;
    request.answeredAtMs = nowMs();
    const { id, method, path, query, fault, startedAtMs } = request;
    const durationMs = request.answeredAtMs - startedAtMs;
    this.#told({ id, method, path, query, status, fault, startedAtMs, durationMs });
  }
}

/** The length of the longest chain of requests each of which began after the answer to the former was sent. */
export function criticalPath(requests: readonly LoggedRequest[]): number {
  // Intervals: taking always the one that ends first among those that begin after the last one taken is longest.
  const byEnd = requests.toSorted((left, right) => endOf(left) - endOf(right));
  let length = 0;
  let lastEndMs = Number.NEGATIVE_INFINITY;
  for (const request of byEnd) {
    if (request.startedAtMs < lastEndMs) continue;
    length += 1;
    lastEndMs = endOf(request);
  }
  return length;
}

function lengthOf({ method, path, query, body }: LoggedRequest): number {
  return method.length + path.length + query.length + body.length;
}

function endOf(request: LoggedRequest): number {
  return request.answeredAtMs ?? Number.POSITIVE_INFINITY;
}

function mentions({ path, query, body }: LoggedRequest, text: string): boolean {
  return path.includes(text) || query.includes(text) || body.includes(text);
}

// A key of a few letters protects nothing, and blotting it out would spoil every word that has them. The second
// expression catches keys other than the one that was presented.
function without(secret: string, text: string): string {
  const blotted = secret.length < 8 ? text : text.replaceAll(secret, "[key]");
  return blotted.replace(/m0-[A-Za-z0-9]{20,}/g, "[key]");
}
