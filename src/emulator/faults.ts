import type { Received } from "./call.ts";

/** What goes wrong with a request, and whether its deed is done. The README has a table of them. */
export type Fault =
  | { readonly kind: "refuse"; readonly status: number; readonly body?: unknown; readonly done?: boolean }
  | { readonly kind: "do-then-drop" }
  | { readonly kind: "drop-then-do"; readonly afterMs: number }
  | { readonly kind: "drop" }
  | { readonly kind: "do-then-500" }
  | { readonly kind: "fail-500" }
  | { readonly kind: "throttle"; readonly retryAfterSeconds: number }
  | { readonly kind: "quota"; readonly resetAt: string; readonly eventType: string }
  | { readonly kind: "slow"; readonly ms: number; readonly when: "before" | "after" }
  | { readonly kind: "garbage"; readonly done: boolean }
  | { readonly kind: "html-502"; readonly done: boolean }
  | { readonly kind: "hang"; readonly done: boolean }
  | { readonly kind: "wrong-shape"; readonly done: boolean };

/** Which requests a fault is for; what is absent matches everything. */
export interface FaultMatch {
  readonly method?: string;
  /** `*` stands for one path segment or a part of it, `**` for anything; with the prefix `regex:` an expression. */
  readonly path?: string;
  /** A part of the raw body, or of the query as sent or decoded. */
  readonly body?: string;
}

/** What arms a fault. It lets `skip` matching requests pass, then fires `count` times. */
export interface FaultOrder {
  readonly match: FaultMatch;
  readonly fault: Fault;
  readonly count: number;
  readonly skip: number;
}

/** An armed or spent fault, with how often it has fired. */
export interface ArmedFault extends FaultOrder {
  readonly id: string;
  readonly fired: number;
}

interface Entry {
  readonly id: string;
  readonly order: FaultOrder;
  matches(received: Received): boolean;
  passed: number;
  fired: number;
}

/** The faults in the order they were armed. They live in memory only: a restart of the emulator forgets them. */
export class FaultRegistry {
  #entries: Entry[] = [];
  #armed = 0;

  /** Arms a fault and names it. @throws {SyntaxError} when `match.path` is a `regex:` that is none. */
  arm(order: FaultOrder): string {
    const matches = matcherOf(order.match);
    this.#armed += 1;
    const id = `fault_${this.#armed}`;
    this.#entries.push({ id, order, matches, passed: 0, fired: 0 });
    return id;
  }

  /**
   * The fault for this request, counted as fired; null when there is none. The first armed one that matches and has
   * let its `skip` requests pass wins, and the ones behind it do not see the request.
   */
  claim(received: Received): Fault | null {
    for (const entry of this.#entries) {
      if (entry.fired >= entry.order.count || !entry.matches(received)) continue;
      if (entry.passed < entry.order.skip) {
        entry.passed += 1;
        continue;
      }
      entry.fired += 1;
      return entry.order.fault;
    }
    return null;
  }

  list(): readonly ArmedFault[] {
    return this.#entries.map(({ id, order, fired }) => ({ id, ...order, fired }));
  }

  clear(): void {
    this.#entries = [];
  }
}

function matcherOf({ method, path, body }: FaultMatch): (received: Received) => boolean {
  const pattern = path === undefined ? null : pathPattern(path);
  return (received) =>
    (method === undefined || method.toUpperCase() === received.method) &&
    (pattern === null || pattern.test(received.path)) &&
    (body === undefined || mentions(received, body));
}

function pathPattern(path: string): RegExp {
  if (path.startsWith("regex:")) return new RegExp(path.slice("regex:".length));
  const escaped = path.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*+/g, (stars) => (stars === "*" ? "[^/]*" : ".*"))}$`);
}

function mentions({ body, query }: Received, text: string): boolean {
  if (body.includes(text) || query.includes(text)) return true;
  return [...new URLSearchParams(query).values()].some((value) => value.includes(text));
}
