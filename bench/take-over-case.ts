import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { GraphQLClient } from "graphql-request";
import pLimit from "p-limit";
import pg from "pg";
import type { Lifetime } from "../src/lifetime.ts";
import { type Run, run } from "../test/run-loci.ts";
import { freshKey, place, placeInput } from "./place.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Upstream } from "./upstream.ts";

/** What came of a kill. Milliseconds after it. */
export interface Aftermath {
  /** Until somebody sent Mem0 the next request of a saga. */
  readonly nextRequestMs: number;
  readonly allEndedMs: number;
  /** How long the next process took to be ready; null where one was. */
  readonly readyMs: number | null;
  /** Organizations upstream beyond one a tenant. */
  readonly twins: number;
  /** Tenants that are not ACTIVE. */
  readonly missing: number;
}

interface Ground {
  readonly postgres: BenchPostgres;
  readonly upstream: Upstream;
  readonly lifetime: Lifetime;
}

const program = fileURLToPath(new URL("../src/main.js", import.meta.url));
const token = "bench-admin-token-0123456789";
/** The answers to creates, so late that no saga comes further before the kill. What only reads goes on, pings too. */
const held = {
  match: { method: "POST" },
  fault: { kind: "slow", ms: 50_000, when: "after" },
  count: 100_000,
} as const;
const usualLatencyMs = 5;
const callersAtOnce = 10;
const pollMs = 20;

/** Processes of Loci on a database of their own, one of which is to be killed. */
export class TakeOverCase {
  readonly #ground: Ground;
  readonly #databaseUrl: string;
  readonly #client: pg.Client;
  readonly #runs: Run[] = [];
  #graphql: GraphQLClient | null = null;
  #tenants = 0;

  private constructor(ground: Ground, databaseUrl: string, client: pg.Client) {
    this.#ground = ground;
    this.#databaseUrl = databaseUrl;
    this.#client = client;
  }

  /** Makes the database, and the emulator fresh. */
  static async open(ground: Ground, name: string): Promise<TakeOverCase> {
    await ground.upstream.begin(usualLatencyMs);
    const databaseUrl = await ground.postgres.createDatabase(name);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    return new TakeOverCase(ground, databaseUrl, client);
  }

  /** Starts a process that serves callers, and waits until it does. */
  async start(env: Readonly<Record<string, string>>): Promise<Run> {
    const started = await this.#spawn(env);
    await started.said("Ctrl-C");
    const url = /(http:\S+\/graphql)/.exec(started.stdout())?.[1];
    if (url === undefined) throw new Error(`No URL in the banner:\n${started.stdout()}`);
    this.#graphql = new GraphQLClient(url, { headers: { authorization: `Bearer ${token}` } });
    return started;
  }

  /** Starts a process that runs sagas and serves nobody, and waits until it can. */
  async startWorker(): Promise<Run> {
    const started = await this.#spawn({ LOCI_ROLE: "worker" });
    await started.said("Ctrl-C");
    return started;
  }

  /** One sign-up to its end: from then on it is known that Mem0's lists show what was made. */
  async prove(): Promise<void> {
    await this.#signUp(30_000);
    await this.#until("the first sign-up has ended", 30_000, () => this.#countIs(openOperations, 0));
  }

  /** Starts so many sign-ups, and waits until each has an attempt at a create without an outcome. */
  async hold(count: number, patienceMs: number): Promise<void> {
    await this.#ground.upstream.control.failNext(held);
    const limit = pLimit(callersAtOnce);
    await Promise.all(Array.from({ length: count }, () => limit(() => this.#signUp(0))));
    await this.#until("all sagas wait for Mem0", patienceMs, () => this.#countIs(openAttempts, count));
  }

  /** Kills a process with -9, and lets Mem0 answer as usual. Answers when it was killed (epoch milliseconds). */
  async kill9(victim: Run): Promise<number> {
    const killedAt = Date.now();
    victim.kill("SIGKILL");
    await this.#ground.upstream.control.clearFaults();
    return killedAt;
  }

  /** Waits for the next request and for the end of all sagas, and looks at what is upstream then. */
  async aftermath(kill: {
    readonly killedAt: number;
    readonly readyMs: number | null;
    readonly patienceMs: number;
  }): Promise<Aftermath> {
    const { control } = this.#ground.upstream;
    const { killedAt, readyMs, patienceMs } = kill;
    let nextRequestAt = Number.POSITIVE_INFINITY;
    await this.#until("somebody goes on", patienceMs, async () => {
      const { requests } = await control.requests({ contains: "/orgs/" });
      nextRequestAt = Math.min(
        ...requests.map(({ startedAtMs }) => startedAtMs).filter((startedAtMs) => startedAtMs > killedAt),
      );
      return Number.isFinite(nextRequestAt);
    });
    await this.#until("all sagas have ended", patienceMs, () => this.#countIs(openOperations, 0));
    const allEndedMs = Date.now() - killedAt;
    const { organizations } = await control.tables();
    const ours = organizations.filter(({ name }) => name.startsWith(`${place.name} `)).length;
    return {
      nextRequestMs: nextRequestAt - killedAt,
      ...{ allEndedMs, readyMs },
      twins: ours - this.#tenants,
      missing: this.#tenants - (await this.#count("SELECT count(*) FROM tenant WHERE status = 'ACTIVE'")),
    };
  }

  /** Ends every process. */
  async close(): Promise<void> {
    for (const started of this.#runs) started.kill("SIGKILL");
    await Promise.all(this.#runs.map(({ ended }) => ended));
    await this.#client.end();
  }

  async #spawn(env: Readonly<Record<string, string>>): Promise<Run> {
    const { url, apiKey } = this.#ground.upstream;
    const started = await this.#ground.lifetime.keep({
      name: "a process of Loci",
      make: async () =>
        run(program, [], {
          DATABASE_URL: this.#databaseUrl,
          ...{ MEM0_BASE_URL: url, MEM0_API_KEY: apiKey, MEM0_TIMEOUT_MS: "60000" },
          ...{
            LOCI_ADMIN_TOKEN: token,
            LOCI_SETTLE_MS: "1000",
            LOCI_IN_FLIGHT_MAX: "250",
            LOG_LEVEL: "error",
          },
          ...env,
        }),
      stop: async (made) => made.kill("SIGKILL"),
    });
    this.#runs.push(started);
    return started;
  }

  async #signUp(waitMs: number): Promise<void> {
    const key = freshKey("take-over");
    this.#tenants += 1;
    const answer = await this.#graphql?.request<{ signUpTenant: { __typename: string } }>(
      "mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename } }",
      { input: { ...placeInput, key, idempotencyKey: key, waitMs } },
    );
    if (answer?.signUpTenant.__typename !== "SignUpTenantPayload") {
      throw new Error(`A sign-up was refused: ${JSON.stringify(answer)}`);
    }
  }

  async #countIs(sql: string, wished: number): Promise<boolean> {
    return (await this.#count(sql)) === wished;
  }

  async #count(sql: string): Promise<number> {
    const { rows } = await this.#client.query<{ count: string }>(sql);
    return Number(rows[0]?.count);
  }

  async #until(what: string, patienceMs: number, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!(await isSo())) {
      if (Date.now() > deadline) {
        const said = this.#runs.map((started) => started.stderr()).join("\n");
        throw new Error(`Waited in vain for ${patienceMs} ms until ${what}. The processes said:\n${said}`);
      }
      await pause(pollMs);
    }
  }
}

const openOperations = "SELECT count(*) FROM operation WHERE finished_at IS NULL";
const openAttempts = "SELECT count(*) FROM attempt WHERE action = 'CREATE' AND outcome IS NULL";
