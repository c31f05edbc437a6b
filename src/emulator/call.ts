import { refusalDetail, refusalFields } from "./refusal.ts";
import type { UserRow } from "./rows.ts";

/** A request as it came over the wire, read to its end. `query` has no question mark. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly contentType: string;
  readonly authorization: string | undefined;
  /** The Host header: where the caller believes to be. */
  readonly host: string;
  /** The Idempotency-Key header; null without one. Only profile jobs heed it. */
  readonly idempotencyKey: string | null;
}

/** Who calls: the person of the API key, and the organization and project the key is bound to. */
export interface Caller {
  readonly apiKey: string;
  readonly user: UserRow;
  readonly orgId: string;
  readonly projectId: string;
}

/** One request to one route; authenticated unless the route is open to everybody. */
export class Call {
  readonly query: URLSearchParams;
  readonly #caller: Caller | null;
  readonly #received: Received;
  readonly #params: Readonly<Record<string, string>>;

  constructor(received: Received, caller: Caller | null, params: Readonly<Record<string, string>>) {
    this.#caller = caller;
    this.query = new URLSearchParams(received.query);
    this.#received = received;
    this.#params = params;
  }

  /** Who calls. @throws on an open route, where nobody has been asked for a key. */
  get caller(): Caller {
    if (this.#caller === null) throw new Error("The route is open: its caller is not known");
    return this.#caller;
  }

  /** What the caller wants this request to be recognised by when it is repeated; null when it said nothing. */
  get idempotencyKey(): string | null {
    return this.#received.idempotencyKey;
  }

  /** Scheme and host of this server as the caller wrote them: what absolute links begin with. */
  get origin(): string {
    return `http://${this.#received.host}`;
  }

  /** The path as it was sent. */
  get path(): string {
    return this.#received.path;
  }

  /** What stands in the path for this name. @throws when the route's template has no such name. */
  param(name: string): string {
    const value = this.#params[name];
    if (value === undefined) throw new Error(`The route has no parameter {${name}}`);
    return value;
  }

  /**
   * The body as a JSON object; an absent body is an empty one. Read only when a handler asks, as the real framework
   * does: a body that nobody needs (on GET, say) is never judged.
   * @throws {Refusal} 415 for another media type, 400 for what is not JSON or not an object (inferred: DRF defaults).
   */
  body(): Readonly<Record<string, unknown>> {
    const { body, contentType } = this.#received;
    if (body.trim() === "") return {};
    if (!/^application\/json\b/i.test(contentType)) {
      throw refusalDetail(415, `Unsupported media type "${contentType}" in request.`);
    }
    const value = parseJson(body);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const kind = Array.isArray(value) ? "list" : value === null ? "NoneType" : typeof value;
      throw refusalFields({
        non_field_errors: [`Invalid data. Expected a dictionary, but got ${kind}.`],
      });
    }
    // A JSON object has string keys and unknown values.
    return value as Record<string, unknown>;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable";
    throw refusalDetail(400, `JSON parse error - ${reason}`);
  }
}
