import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { ping } from "../../src/mem0/ping.ts";
import { openMem0 } from "../../src/mem0/request.ts";
import { abortOperation } from "../../src/provisioning/abort-operation.ts";
import { offboardTenant } from "../../src/provisioning/offboard-tenant.ts";
import { retryOperation } from "../../src/provisioning/retry-operation.ts";
import { signUpTenant } from "../../src/provisioning/sign-up-tenant.ts";
import { sweep } from "../../src/provisioning/sweep.ts";
import { openMarkerSecret, proveList, recognizeAccount } from "../../src/tenants/installation.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { Refusal } from "../../src/tenants/refusals.ts";
import { EmulatorControl } from "../emulator-control.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";
import type { Plan, PlannedEvent, PlannedTenant } from "./plan.ts";
import { SimulatedEngine } from "./simulated-engine.ts";
import { type Installation, SimulatedProcess, settleMs } from "./simulated-process.ts";
import { type Scheduler, Turns } from "./turns.ts";

/** After so many turns the rest goes on as it comes. */
const turnsMax = 1_500;
/** Of a whole simulation. */
const boundMs = 30_000;
const pollMs = 5;
const processesAtOnce = 2;

/** The person that the emulator knows. */
const knownEmail = "ada@property.test";

/** What a place asks for. */
function placeOf(key: string, { hasSettings, hasMember, hasWebhook }: PlannedTenant) {
  return placeSchema.parse({
    name: key,
    ...(hasSettings ? { settings: { decay: true } } : {}),
    ...(hasMember ? { members: [{ email: knownEmail }] } : {}),
    ...(hasWebhook ? { webhooks: [{ url: `https://${key}.test/hook`, eventTypes: ["MEMORY_ADD"] }] } : {}),
  });
}

/** Two processes on a database of their own and one emulator, several tenants, and a plan of what befalls them. */
export class Simulation {
  readonly turns: Turns;
  readonly engine: SimulatedEngine;
  readonly control: EmulatorControl;
  readonly #plan: Plan;
  readonly #installation: Installation;
  readonly #database: Database;
  readonly #testDatabase: TestDatabase;
  readonly #processes: SimulatedProcess[] = [];
  readonly #asked = new Set<number>();
  #started = 0;

  private constructor(plan: Plan, made: Made) {
    this.#plan = plan;
    this.#installation = made.installation;
    this.#database = made.database;
    this.#testDatabase = made.testDatabase;
    this.turns = made.installation.turns;
    this.engine = new SimulatedEngine(this.turns);
    this.control = made.control;
  }

  /** Makes one on an emulator that is nobody else's meanwhile. */
  static async open(
    plan: Plan,
    scheduler: Scheduler,
    emulator: Installation["emulator"],
  ): Promise<Simulation> {
    const control = new EmulatorControl(emulator.url);
    const testDatabase = await createTestDatabase();
    const database = await openDatabase(testDatabase.connectionString, { connectionsMax: 2 });
    const mem0 = openMem0({ baseUrl: emulator.url, apiKey: emulator.apiKey });
    const identity = await ping(mem0);
    await mem0.close();
    const { id } = await recognizeAccount(database.prisma, { upstream: "emulator", ...identity });
    // As after the first sign-up: an empty list means something.
    for (const list of ["organizations", "projects"] as const) await proveList(database.prisma, id, list);
    await control.registerUser(knownEmail);
    for (const fault of plan.faults) await control.failNext(fault);
    const installation: Installation = {
      connectionString: testDatabase.connectionString,
      emulator,
      account: { id, userEmail: identity.userEmail },
      markerSecret: await openMarkerSecret(database.prisma),
      turns: new Turns(scheduler),
      log: pino({ level: process.env["TEST_LOG_LEVEL"] ?? "silent" }),
    };
    const simulation = new Simulation(plan, { installation, database, testDatabase, control });
    for (let count = 0; count < processesAtOnce; count++) await simulation.#startProcess();
    return simulation;
  }

  get database(): Database {
    return this.#database;
  }

  /** The keys of the tenants, in the order of the plan. */
  get keys(): readonly string[] {
    return this.#plan.tenants.map((_, index) => `tenant-${index + 1}`);
  }

  /** Whether a request may land later than anybody waits for it. Only then may anything ever be made twice. */
  get mayLandLate(): boolean {
    return this.#plan.faults.some(({ fault }) => fault.kind === "drop-then-do" && fault.afterMs > settleMs);
  }

  /** Signs all up, and lets things happen until all have ended. @throws {Error} when they do not */
  async run(): Promise<void> {
    for (const [index, tenant] of this.#plan.tenants.entries()) {
      const key = this.keys[index] ?? "";
      const process = this.#wellProcess(index);
      await signUpTenant(process.provisioning, this.engine.of(process), {
        ...{ actor: "test", key, idempotencyKey: key, place: placeOf(key, tenant) },
      });
    }
    const deadline = performance.now() + boundMs;
    const events = this.#plan.events.values();
    let next = events.next();
    let dueAt = next.done === true ? 0 : next.value.after;
    for (;;) {
      await this.turns.quiet();
      while (next.done !== true && this.turns.released >= dueAt) {
        await this.#happen(next.value);
        next = events.next();
        dueAt += next.done === true ? 0 : next.value.after;
      }
      if (this.turns.released >= turnsMax) await this.turns.over();
      if (this.turns.standing > 0) {
        await this.turns.releaseOne();
        continue;
      }
      if (await this.#hasEnded()) break;
      if (performance.now() > deadline) throw new Error(`Has not ended: ${await this.#whatIsOpen()}`);
      await this.#sweep(0);
      await sleep(pollMs);
    }
    await this.turns.over();
  }

  async close(): Promise<void> {
    await this.turns.over();
    for (const process of this.#processes) await process.close();
    await this.#database.close();
    await this.#testDatabase.drop();
  }

  async #startProcess(): Promise<SimulatedProcess> {
    this.#started += 1;
    const process = await SimulatedProcess.start(`process ${this.#started}`, this.#installation);
    this.#processes.push(process);
    return process;
  }

  #wellProcess(whom: number): SimulatedProcess {
    const well = this.#processes.filter(({ isWell }) => isWell);
    const found = well[whom % well.length];
    if (found === undefined) throw new Error("Nobody is left.");
    return found;
  }

  async #happen({ what, whom }: PlannedEvent): Promise<void> {
    switch (what) {
      case "a process dies":
        return this.#replace(whom, (process) => process.die());
      case "a process is taken over from":
        return this.#replace(whom, (process) => process.loseLease());
      case "sweep":
        return this.#sweep(whom);
      case "abort":
        return this.#operate(whom, (of) => abortOperation(of.provisioning, of.engine, of.request));
      case "retry":
        return this.#operate(whom, (of) => retryOperation(of.provisioning, of.engine, of.request));
      case "off-board":
        return this.#offboard(whom % this.#plan.tenants.length);
    }
  }

  /** Another is started, and a peer goes on with what it had. */
  async #replace(whom: number, end: (process: SimulatedProcess) => void): Promise<void> {
    const ended = this.#wellProcess(whom);
    end(ended);
    await this.#startProcess();
    this.engine.handOver(ended, this.#wellProcess(whom));
  }

  async #sweep(whom: number): Promise<void> {
    const process = this.#wellProcess(whom);
    await sweep(process.provisioning, this.engine.of(process));
  }

  /** What an operator does to a tenant's last operation. Where it makes no sense it is refused. */
  async #operate(
    whom: number,
    verb: (of: {
      readonly provisioning: SimulatedProcess["provisioning"];
      readonly engine: ReturnType<SimulatedEngine["of"]>;
      readonly request: { readonly operationId: string; readonly actor: string; readonly reason: string };
    }) => Promise<unknown>,
  ): Promise<void> {
    const key = this.keys[whom % this.keys.length] ?? "";
    const last = await this.#database.prisma.operation.findFirst({
      where: { tenant: { key } },
      orderBy: { createdAt: "desc" },
    });
    if (last === null) return;
    const process = this.#wellProcess(whom);
    const request = { operationId: last.id, actor: "operator", reason: "The plan says so." };
    await unlessRefused(() =>
      verb({ provisioning: process.provisioning, engine: this.engine.of(process), request }),
    );
  }

  async #offboard(index: number): Promise<void> {
    const key = this.keys[index] ?? "";
    const process = this.#wellProcess(index);
    await unlessRefused(() =>
      offboardTenant(process.provisioning, this.engine.of(process), {
        ...{ actor: "test", key, idempotencyKey: `leaves-${key}` },
      }),
    );
  }

  /** Whether all is done that was asked for. What needs attention is tried once more, now that nothing is in the way. */
  async #hasEnded(): Promise<boolean> {
    const { prisma } = this.#database;
    const underWay = await prisma.operation.count({
      where: {
        OR: [
          { status: { in: ["QUEUED", "RUNNING", "PARKED", "UNWINDING"] } },
          { twinCheckAt: { not: null }, tenant: { operations: { none: { status: "NEEDS_ATTENTION" } } } },
        ],
      },
    });
    if (underWay > 0 || this.engine.underWay().length > 0) return false;
    await this.control.clearFaults();
    const stuck = await prisma.operation.findMany({ where: { status: "NEEDS_ATTENTION", run: { lt: 3 } } });
    for (const { id } of stuck) {
      const process = this.#wellProcess(0);
      const request = { operationId: id, actor: "operator", reason: "Once more." };
      await unlessRefused(() => retryOperation(process.provisioning, this.engine.of(process), request));
    }
    const leaving = this.#plan.tenants.flatMap(({ leaves }, index) =>
      leaves && !this.#asked.has(index) ? [index] : [],
    );
    for (const index of leaving) {
      this.#asked.add(index);
      await this.#offboard(index);
    }
    return stuck.length === 0 && leaving.length === 0;
  }

  async #whatIsOpen(): Promise<string> {
    const { rows } = await this.#database.pool.query(
      `SELECT o.id, o.kind, o.status, o.run, o.reason, o.twin_check_at, t.key FROM operation o JOIN tenant t ON t.id = o.tenant_id
       WHERE o.status NOT IN ('SUCCEEDED', 'UNWOUND', 'CANCELLED') OR o.twin_check_at IS NOT NULL`,
    );
    return `${JSON.stringify(rows)}; under way: ${this.engine.underWay().join(", ")}`;
  }
}

interface Made {
  readonly installation: Installation;
  readonly database: Database;
  readonly testDatabase: TestDatabase;
  readonly control: EmulatorControl;
}

async function unlessRefused(deed: () => Promise<unknown>): Promise<void> {
  try {
    await deed();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}
