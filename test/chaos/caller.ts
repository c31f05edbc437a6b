import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "./random.ts";

/** An operation that Loci has accepted. */
export interface Accepted {
  /** As its row has it. */
  readonly id: string;
  readonly kind: "SIGN_UP" | "OFFBOARD";
  readonly key: string;
}

/** What a caller needs. */
export interface CallerOptions {
  /** Where the api is now. Null: it is not up. */
  readonly url: () => string | null;
  readonly token: string;
  readonly random: Random;
  /** From then on nothing is tried again. */
  readonly signal: AbortSignal;
}

/** How often callers did what. */
export interface CallerCounts {
  /** Questions that came to nothing and were asked again. */
  retries: number;
  /** Repeats of what was accepted already, or was asked for at the same moment. */
  repeats: number;
  aborts: number;
}

/** A mutation's payload, or its refusal. */
interface Answer {
  readonly __typename: string;
  readonly message?: string;
  readonly operation?: { readonly id: string };
}

interface Verb {
  readonly name: "signUpTenant" | "offboardTenant" | "abortOperation";
  readonly input: object;
}

const timeoutMs = 10_000;
const pollMs = 500;
const repeatShare = 0.2;
const pauseLeastMs = 50;
const pauseMostMs = 500;

/**
 * Callers, as the sign-up service is one: what is not answered is asked again with the same idempotency key, until it is.
 * What must never be the case is noted in `breaches`.
 */
export class Callers {
  readonly accepted: Accepted[] = [];
  readonly breaches: string[] = [];
  readonly counts: CallerCounts = { retries: 0, repeats: 0, aborts: 0 };
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Signs a tenant up. Answers the operation's id, after it was accepted; sometimes asks twice. */
  async signUp(key: string, place: object): Promise<string> {
    const { random } = this.#options;
    const waitMs = random.happens(0.5) ? 3_000 : 0;
    const verb = {
      name: "signUpTenant",
      input: { key, name: key, idempotencyKey: `sign-up-${key}`, waitMs, ...place },
    } as const;
    return this.#accept("SIGN_UP", key, verb);
  }

  /** Off-boards a tenant, after whatever else is under way with it. Answers the operation's id. */
  async offboard(key: string): Promise<string> {
    const verb = { name: "offboardTenant", input: { key, idempotencyKey: `offboard-${key}` } } as const;
    return this.#accept("OFFBOARD", key, verb);
  }

  /** Calls an operation off, unless it is too late. */
  async abort(id: string): Promise<void> {
    const answer = await this.#ask({ name: "abortOperation", input: { id, reason: "Chaos wants it." } });
    if (answer.__typename === "AbortOperationPayload") this.counts.aborts += 1;
    else if (answer.__typename !== "OperationNotAbortable") this.#note(`abort of ${id}`, answer);
  }

  /** Waits until a tenant can be off-boarded. Answers whether it can; not when its sign-up came to nothing. */
  async untilActive(key: string): Promise<boolean> {
    for (;;) {
      const { tenant } = await this.#insist<{ tenant: { status: string } | null }>(
        "query ($key: String!) { tenant(key: $key) { status } }",
        { key },
      );
      if (tenant?.status === "ACTIVE") return true;
      if (tenant?.status === "FAILED") return false;
      await pause(pollMs, undefined, { signal: this.#options.signal });
    }
  }

  async #accept(kind: Accepted["kind"], key: string, verb: Verb): Promise<string> {
    const { random } = this.#options;
    const isDoubled = random.happens(repeatShare / 2);
    const isRepeated = random.happens(repeatShare / 2);
    const answers = await Promise.all(
      isDoubled ? [this.#untilTaken(verb), this.#untilTaken(verb)] : [this.#untilTaken(verb)],
    );
    if (isRepeated) answers.push(await this.#untilTaken(verb));
    this.counts.repeats += answers.length - 1;
    const ids = new Set(answers.map(({ operation }) => operation?.id));
    const [id] = ids;
    if (id === undefined) throw new Error(`${verb.name} of ${key} was refused.`);
    this.accepted.push({ id: rowIdOf(id), kind, key });
    if (ids.size > 1)
      this.breaches.push(`${verb.name} of ${key}: repeats were answered by ${[...ids].join(" and ")}`);
    return id;
  }

  /** Another operation of the tenant may be open: a late look for twins, or a member that is tried again. */
  async #untilTaken(verb: Verb): Promise<Answer> {
    for (;;) {
      const answer = await this.#ask(verb);
      if (answer.operation !== undefined && answer.__typename.endsWith("Payload")) return answer;
      if (answer.__typename !== "OperationInProgress") {
        this.#note(`${verb.name} ${JSON.stringify(verb.input)}`, answer);
        return answer;
      }
      await pause(pollMs, undefined, { signal: this.#options.signal });
    }
  }

  async #ask({ name, input }: Verb): Promise<Answer> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    const data = await this.#insist<Record<string, Answer>>(
      `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename
        ... on ${type}Payload { operation { id } } ... on Error { message } } }`,
      { input },
    );
    return data[name] ?? { __typename: "nothing" };
  }

  /** Asks until there is an answer with data. */
  async #insist<Data>(query: string, variables: object): Promise<Data> {
    const { random, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const data = await this.#try<Data>(query, variables);
      if (data !== null) return data;
      this.counts.retries += 1;
      await pause(random.between(pauseLeastMs, pauseMostMs), undefined, { signal });
    }
  }

  async #try<Data>(query: string, variables: object): Promise<Data | null> {
    const { url, token } = this.#options;
    const to = url();
    if (to === null) return null;
    try {
      const response = await fetch(to, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { data, errors }: { data?: Data | null; errors?: unknown } = JSON.parse(await response.text());
      return errors === undefined ? (data ?? null) : null;
    } catch {
      return null;
    }
  }

  #note(what: string, { __typename, message }: Answer): void {
    this.breaches.push(`${what}: ${__typename}: ${message ?? ""}`);
  }
}

/** The API's ids are base64 of "Operation:" and the row's. */
function rowIdOf(id: string): string {
  return Buffer.from(id, "base64").toString().split(":").at(-1) ?? id;
}
