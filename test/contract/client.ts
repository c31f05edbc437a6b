import { setTimeout as wait } from "node:timers/promises";

/** What came back: `body` parsed where it is JSON, else the text. */
export interface Reply {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** How politely a server is asked. */
export interface Manners {
  /** Requests in all before the run stops; cleaning up is not counted. */
  readonly callsMax: number;
  /** Least time between the beginnings of two requests; milliseconds. */
  readonly paceMs: number;
  /** Longest `Retry-After` that is waited for; milliseconds. */
  readonly retryAfterMaxMs: number;
  /** How long is waited where a throttled answer does not say; milliseconds. */
  readonly retryMs: number;
  /** How long an answer may take; milliseconds. */
  readonly timeoutMs: number;
}

/** The run ends here, for what comes next would end in the same way: interrupted, quota spent, too many calls, no answer. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** What was to be looked at could not be brought about: another answer stood in the way. */
export class Barred extends Error {
  override readonly name = "Barred";
}

/** How many times a request that was throttled is sent again. */
const throttledMax = 3;

/** All requests of one run, of both accounts: paced, counted, watched. A request that is under way is never broken off. */
export class Line {
  readonly #manners: Manners;
  readonly #signal: AbortSignal;
  readonly #secrets: readonly string[];
  readonly #watchers: ((reply: Reply) => void)[] = [];
  #nextMs = 0;
  #isCleaning = false;
  calls = 0;

  constructor(manners: Manners, signal: AbortSignal, secrets: readonly string[]) {
    this.#manners = manners;
    this.#signal = signal;
    this.#secrets = secrets.filter((secret) => secret !== "");
  }

  /** Is told of every answer. */
  watch(watcher: (reply: Reply) => void): void {
    this.#watchers.push(watcher);
  }

  /** From now on neither the signal nor the number of calls stops anything. */
  startCleaning(): void {
    this.#isCleaning = true;
  }

  /** @throws {RunStopped} when interrupted meanwhile. */
  async sleep(ms: number): Promise<void> {
    if (this.#isCleaning) await wait(ms);
    else await wait(ms, undefined, { signal: this.#signal }).catch(() => this.#stopIfTold());
  }

  /**
   * Sends it, and again when it was throttled with a bearable `Retry-After`.
   * @throws {RunStopped} when interrupted, over the number of calls, without answer, or when a quota is spent.
   */
  async send(url: string, path: string, init: RequestInit): Promise<Reply> {
    for (let throttled = 0; ; throttled += 1) {
      const reply = await this.#sendOnce(url, path, init);
      if (reply.status !== 429) return reply;
      const reset = field(reply.body, "quota_reset");
      // What is not metered can still be removed.
      if (reset !== undefined && this.#isCleaning) return reply;
      if (reset !== undefined) {
        throw new RunStopped(
          `the quota ${text(reply.body, "event_type")} is spent until ${text(reply.body, "quota_reset")}`,
        );
      }
      const after = reply.headers.get("retry-after");
      const waitMs = after === null ? this.#manners.retryMs : Number(after) * 1000;
      if (!(waitMs <= this.#manners.retryAfterMaxMs) || throttled === throttledMax) {
        throw new RunStopped(`throttled: ${this.excerpt(reply)}`);
      }
      await this.sleep(waitMs);
    }
  }

  /**
   * An answer in few words. Of a refusal up to 160 characters of its body, without keys and e-mail addresses; of a success only
   * what its properties are called, for it may tell of what is not ours.
   */
  excerpt({ method, path, status, body }: Reply): string {
    const isSuccess = status < 300 && typeof body === "object" && body !== null;
    const named = isSuccess ? `with ${Object.keys(body).slice(0, 20).join(", ")}` : null;
    const words = typeof body === "string" ? body.replaceAll(/\s+/g, " ") : JSON.stringify(body);
    return this.clean(`${method} ${path} ${status} ${named ?? words.slice(0, 160)}`);
  }

  /** The text without keys and e-mail addresses. */
  clean(text: string): string {
    const bare = this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, "<key>"), text);
    return bare
      .replaceAll(/m0-[A-Za-z0-9]{8,}/g, "<key>")
      .replaceAll(/[^\s"'<>@=?&]+@[^\s"'<>@]+\w/g, "<e-mail>");
  }

  async #sendOnce(url: string, path: string, init: RequestInit): Promise<Reply> {
    this.#stopIfTold();
    if (!this.#isCleaning && this.calls >= this.#manners.callsMax) {
      throw new RunStopped(`${this.#manners.callsMax} calls were made, which is the bound`);
    }
    const restMs = this.#nextMs - Date.now();
    if (restMs > 0) await this.sleep(restMs);
    this.#nextMs = Date.now() + this.#manners.paceMs;
    this.calls += 1;
    const reply = await this.#exchange(url, path, init);
    for (const watcher of this.#watchers) watcher(reply);
    return reply;
  }

  async #exchange(url: string, path: string, init: RequestInit): Promise<Reply> {
    const method = init.method ?? "GET";
    try {
      const response = await fetch(url + path, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(this.#manners.timeoutMs),
      });
      const text = await response.text();
      return { method, path, status: response.status, headers: response.headers, body: parsed(text) };
    } catch (error) {
      const why =
        error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : "";
      throw new RunStopped(this.clean(`no answer to ${method} ${path}: ${why}`));
    }
  }

  #stopIfTold(): void {
    if (!this.#isCleaning && this.#signal.aborted) throw new RunStopped("interrupted");
  }
}

/** One account at one server. It follows no redirects, and believes nothing of what comes back. */
export class Caller {
  readonly #url: string;
  readonly #authorization: string;
  readonly #line: Line;

  constructor(line: Line, url: string, authorization: string) {
    this.#line = line;
    this.#url = url.replace(/\/+$/, "");
    this.#authorization = authorization;
  }

  /** @throws {RunStopped} as `Line.send` does; any status is an answer. */
  call(method: string, path: string, body?: unknown): Promise<Reply> {
    return this.#line.send(this.#url, path, {
      method,
      headers: {
        authorization: this.#authorization,
        "content-type": "application/json",
        accept: "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The same, where only these statuses lead on. @throws {Barred} at any other. */
  async need(statuses: readonly number[], method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await this.call(method, path, body);
    if (!statuses.includes(reply.status)) throw new Barred(this.#line.excerpt(reply));
    return reply;
  }

  /** @see Line.excerpt */
  excerpt(reply: Reply): string {
    return this.#line.excerpt(reply);
  }
}

/** A property of what may be anything; undefined where there is none. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** A text property; "" where there is none. */
export function text(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === "string" ? found : "";
}

/** A list, or what a page of it holds; nothing where it is neither. */
export function rows(value: unknown): readonly unknown[] {
  const list = Array.isArray(value) ? value : field(value, "results");
  return Array.isArray(list) ? list : [];
}

function parsed(from: string): unknown {
  try {
    return JSON.parse(from);
  } catch {
    return from;
  }
}
