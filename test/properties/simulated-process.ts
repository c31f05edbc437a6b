import type { Logger } from "pino";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { type Mem0, openMem0 } from "../../src/mem0/request.ts";
import { KeyClients } from "../../src/memory-access/key-clients.ts";
import { defaultTimings, type Provisioning, type Timings } from "../../src/provisioning/provisioning.ts";
import type { Turns } from "./turns.ts";

/** How long a lost create settles. */
export const settleMs = 40;

/** Waits so short that a run of many operations takes a second; their order is that of the defaults. */
const timings: Timings = {
  ...defaultTimings,
  settleMs,
  // Later than any fault of the simulation lets a request land.
  twinCheckMs: 150,
  memberRetryMs: 60_000,
  retryBaseMs: 2,
  retryMaxMs: 5,
  attemptsMax: 4,
  parkBaseMs: 5,
  parkMaxMs: 20,
};

/** What all processes have in common. */
export interface Installation {
  readonly connectionString: string;
  readonly emulator: { readonly url: string; readonly apiKey: string };
  readonly account: Provisioning["account"];
  readonly markerSecret: Uint8Array;
  readonly turns: Turns;
  readonly log: Logger;
}

/** A process that runs sagas, in this one: with a pool, a client and a lease of its own. It may die, or lose its lease. */
export class SimulatedProcess {
  readonly name: string;
  readonly provisioning: Provisioning;
  readonly #database: Database;
  readonly #mem0: Mem0;
  readonly #tenure = new AbortController();
  #isDead = false;
  #hasLease = true;

  private constructor(
    name: string,
    { emulator, account, markerSecret, turns, log }: Installation,
    database: Database,
  ) {
    this.name = name;
    this.#database = database;
    this.#mem0 = openMem0({
      ...{ baseUrl: emulator.url, apiKey: emulator.apiKey, timeoutMs: 1_000, breaker: false },
      gate: { isOpen: () => this.#hasLease, signal: this.#tenure.signal },
    });
    this.provisioning = {
      prisma: database.prisma,
      mem0: this.#withPoints(this.#mem0, turns),
      // No account of a customer is linked here, and nothing to unseal its key with.
      openAccount: (id, sealedKey) =>
        new KeyClients({ baseUrl: emulator.url, timeoutMs: 1_000 }, null).get(
          { owner: "ACCOUNT", id },
          sealedKey,
        ),
      // An object of its own: what processes share by it, they must not share here.
      account: { ...account },
      ...{ markerSecret, timings, log },
      around: async (deed, proceed) => {
        await turns.point(this, `begins ${deed.direction} ${deed.step}`);
        const answer = await proceed();
        await turns.point(this, `has done ${deed.direction} ${deed.step}`);
        return answer;
      },
      announce: () => {},
      leave: {
        isHeld: () => this.#hasLease,
        // A process that was condemned ends itself at the latest when it would run a step.
        whenHeld: () => (this.#hasLease ? Promise.resolve() : turns.stop()),
      },
    };
  }

  static async start(name: string, installation: Installation): Promise<SimulatedProcess> {
    const database = await openDatabase(installation.connectionString, { connectionsMax: 5 });
    return new SimulatedProcess(name, installation, database);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether it may be given work. */
  get isWell(): boolean {
    return !this.#isDead && this.#hasLease;
  }

  /** It stops wherever it stands. */
  die(): void {
    this.#isDead = true;
  }

  /** A peer takes over from it while it is frozen. It wakes up, and goes on with what it may: its own database. */
  loseLease(): void {
    this.#hasLease = false;
    this.#tenure.abort(new Error("This process lost its lease."));
  }

  async close(): Promise<void> {
    await this.#mem0.close();
    await this.#database.close();
  }

  #withPoints(mem0: Mem0, turns: Turns): Mem0 {
    return {
      origin: mem0.origin,
      close: () => mem0.close(),
      clockOffsetMs: () => mem0.clockOffsetMs(),
      send: async (request) => {
        const title = `${request.method} ${request.path.template}`;
        await turns.point(this, `sends ${title}`);
        try {
          return await mem0.send(request);
        } finally {
          await turns.point(this, `has the answer to ${title}`);
        }
      },
    };
  }
}
