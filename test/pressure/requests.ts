import { Pool } from "undici";

/** How a request was answered. Whatever is none of these is a breach, and is told in words. */
export type Outcome =
  | "served"
  | "accepted"
  | "overloaded"
  | "too many of one caller"
  | "database unavailable"
  | "took too long";

/** How many requests ended how; unforeseen ones by what was said. */
export type Outcomes = Record<string, number>;

/** Every tenth request signs a tenant up, and waits for nothing; the others read. */
const signUpEvery = 10;
/** Twice what the server has under way at once: it is the server that refuses. */
const connectionsMax = 1_000;
/** Longer than the server gives a request. */
const answerTimeoutMs = 90_000;

const reading = "query ($key: String!) { tenant(key: $key) { status } }";
const signingUp = `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
  ... on SignUpTenantPayload { operation { id } } } }`;

interface Body {
  readonly data?: { readonly signUpTenant?: { readonly __typename: string } } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

const codes: Readonly<Record<string, Outcome>> = {
  OVERLOADED: "overloaded",
  TOO_MANY_REQUESTS: "too many of one caller",
  DATABASE_UNAVAILABLE: "database unavailable",
  OPERATION_TIMEOUT: "took too long",
};

/** Callers of Loci, with connections of their own, who ask in a fixed mixture. */
export class Requests {
  /** The keys of the tenants whose sign-up was answered with an operation. */
  readonly accepted = new Set<string>();
  readonly #pool: Pool;
  readonly #token: string;
  #sent = 0;
  #underWay = 0;

  constructor(url: string, token: string) {
    this.#token = token;
    this.#pool = new Pool(url, {
      ...{ connections: connectionsMax, pipelining: 1 },
      ...{ headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs },
    });
  }

  /** Opens all connections, as a proxy in front of Loci has them. */
  async connect(): Promise<void> {
    await Promise.all(Array.from({ length: connectionsMax }, () => this.read()));
  }

  /** Whether one more would be sent at once, and not wait for a connection of ours. */
  hasRoom(): boolean {
    return this.#underWay < connectionsMax;
  }

  /** Sends the next of the mixture, and answers how it ended. Never throws. */
  async next(): Promise<string> {
    this.#sent += 1;
    if (this.#sent % signUpEvery !== 0) return this.read();
    const key = `pressed-${this.#sent}`;
    const input = { key, name: "Pressed", idempotencyKey: key };
    const outcome = await this.#send(signingUp, { input });
    if (outcome === "accepted") this.accepted.add(key);
    return outcome;
  }

  /** Sends the simple query. */
  read(): Promise<string> {
    return this.#send(reading, { key: "nobody" });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #send(query: string, variables: object): Promise<string> {
    this.#underWay += 1;
    try {
      const { statusCode, body } = await this.#pool.request({
        ...{ method: "POST", path: "/graphql", body: JSON.stringify({ query, variables }) },
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      });
      return outcomeOf(statusCode, (await body.json()) as Body);
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    } finally {
      this.#underWay -= 1;
    }
  }
}

function outcomeOf(status: number, { data, errors }: Body): string {
  const [error] = errors ?? [];
  if (error !== undefined) return codes[error.extensions?.code ?? ""] ?? `${status}: ${error.message}`;
  const signedUp = data?.signUpTenant?.__typename;
  if (signedUp === undefined) return "served";
  return signedUp === "SignUpTenantPayload" ? "accepted" : signedUp;
}

/** Counts an outcome. */
export function count(outcomes: Outcomes, outcome: string): void {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}
