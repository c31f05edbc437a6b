import { GraphQLClient } from "graphql-request";
import pg from "pg";
import { onTestFailed, onTestFinished, vi } from "vitest";
import { type EmulatorOptions, startEmulator } from "../../src/emulator/emulator.ts";
import { EmulatorControl } from "../emulator-control.ts";
import type { LociProgram } from "../loci-program.ts";
import { lastLine, type Run, run } from "../run-loci.ts";
import { createTestDatabase } from "../test-database.ts";

/** A worker in a process of its own. */
export interface Worker {
  readonly pid: number;
  /** What the engine calls it. */
  readonly executorId: string;
  readonly ended: Promise<number | null>;
  stderr(): string;
  /** Kills it with -9 and waits until it is gone. */
  kill9(): Promise<void>;
  /** Stops it in the middle of whatever it does, as a paused virtual machine is. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
}

/** One that serves GraphQL, as the fleet and the accounts want it. */
export interface Api {
  readonly url: string;
  readonly mem0Url: string;
  send<T>(document: string, variables?: object): Promise<T>;
  kill9(): Promise<void>;
}

const token = "crew-admin-token-0123456789";

/** An API and workers, each in a process of its own, on one database and one emulator, which live in the test's. */
export class Crew {
  readonly emulator: EmulatorControl;
  readonly connectionString: string;
  #program: LociProgram;
  readonly #mem0: { readonly url: string; readonly apiKey: string };
  readonly #env: Readonly<Record<string, string>>;
  readonly #runs: Run[] = [];

  private constructor(made: {
    readonly program: LociProgram;
    readonly connectionString: string;
    readonly mem0: { readonly url: string; readonly apiKey: string };
    readonly env: Readonly<Record<string, string>>;
  }) {
    this.#program = made.program;
    this.#mem0 = made.mem0;
    this.#env = made.env;
    this.connectionString = made.connectionString;
    this.emulator = new EmulatorControl(made.mem0.url);
  }

  /** Makes one without anybody in it for the test that runs. When that is over, all is ended. */
  static async forTest(
    program: LociProgram,
    env: Readonly<Record<string, string>> = {},
    emulatorOptions: EmulatorOptions = {},
  ): Promise<Crew> {
    const database = await createTestDatabase();
    const emulator = await startEmulator(emulatorOptions);
    const { connectionString } = database;
    const crew = new Crew({ program, connectionString, mem0: emulator, env });
    onTestFailed(() => {
      for (const { pid, stderr } of crew.#runs) process.stderr.write(`── process ${pid}:\n${stderr()}\n`);
    });
    onTestFinished(async () => {
      for (const each of crew.#runs) each.kill("SIGKILL");
      await Promise.all(crew.#runs.map(({ ended }) => ended));
      await emulator.close();
      await database.drop();
    });
    return crew;
  }

  get mem0Url(): string {
    return this.#mem0.url;
  }

  /** Whoever starts from now on runs another release. */
  deploy(program: LociProgram): void {
    this.#program = program;
  }

  /** Starts a process that serves GraphQL and runs no sagas (or, in the role `all`, runs them too). */
  async startApi(role: "api" | "all" = "api"): Promise<Api> {
    const started = this.#start(role, { PORT: "0" });
    await started.said(lastLine);
    const url = /GraphQL +(http:\S+)\/graphql/.exec(started.stdout())?.[1];
    if (url === undefined) throw new Error(`The banner names no address:\n${started.stdout()}`);
    const client = new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } });
    return {
      url,
      mem0Url: this.mem0Url,
      send: (document, variables) => client.request(document, variables),
      kill9: () => kill9(started),
    };
  }

  /** Starts a worker and waits until it runs sagas. */
  async startWorker(env: Readonly<Record<string, string>> = {}): Promise<Worker> {
    const started = this.#start("worker", env);
    await started.said(lastLine);
    const [row] = await this.query<{ id: string }>("SELECT id FROM executor WHERE process LIKE $1", [
      `%:${started.pid}`,
    ]);
    if (row === undefined) throw new Error(`Process ${started.pid} is no executor.`);
    return {
      pid: started.pid,
      executorId: row.id,
      ended: started.ended,
      stderr: started.stderr,
      kill9: () => kill9(started),
      freeze: () => started.kill("SIGSTOP"),
      thaw: () => started.kill("SIGCONT"),
    };
  }

  #start(role: string, env: Readonly<Record<string, string>>): Run {
    const started = run(this.#program.main, [], {
      DATABASE_URL: this.connectionString,
      LOCI_ROLE: role,
      LOCI_ADMIN_TOKEN: token,
      MEM0_API_KEY: this.#mem0.apiKey,
      MEM0_BASE_URL: this.#mem0.url,
      LOG_LEVEL: "info",
      ...this.#env,
      ...env,
    });
    this.#runs.push(started);
    return started;
  }

  /** Asks the database, on a connection that lasts as long as the question. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.connectionString });
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until a question has an answer. @throws after a minute */
  async until(sql: string, values: readonly unknown[] = []): Promise<void> {
    await vi.waitUntil(async () => (await this.query(sql, values)).length > 0, {
      timeout: 60_000,
      interval: 25,
    });
  }
}

async function kill9(started: Run): Promise<void> {
  started.kill("SIGKILL");
  await started.ended;
}
