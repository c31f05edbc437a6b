import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import { retryOperation } from "../../src/provisioning/retry-operation.ts";
import { OperationNotResumable } from "../../src/tenants/refusals.ts";
import { compareRecords } from "../crash/engine-record.ts";
import { type Cell, isInDoubtForEver, mustNeedAttention, type PlacedCell, type WorldName } from "./cell.ts";
import { worldSwitches } from "./faults.ts";
import type { Ground } from "./ground.ts";
import type { FromWorker } from "./messages.ts";
import { sagaDescriptions } from "./saga-descriptions.ts";
import { takeSnapshot } from "./snapshot.ts";
import { openStage, type Stage } from "./stage.ts";
import { faultsAfterCrash, faultsAtEnd, operationOf } from "./verdict.ts";
import { startWorker, type Worker } from "./worker.ts";

/** What became of a cell. */
export interface CellResult {
  readonly cell: Cell;
  /** In words. Empty: it passed. */
  readonly faults: readonly string[];
  /** The deed was recorded as done before the crash, so what should have failed after it never ran again. */
  readonly isMoot: boolean;
}

/**
 * How long nothing may change while a batch waits, and how long it waits at most, for its crash points and from a kill to
 * where nothing moves. The first is the deadline of its slowest cell; on a busy machine all of them are slow.
 */
const stillMs = 45_000;
const deadlineMs = 300_000;
const callersAtOnce = 12;
/** Tenants made ready at once, so that no call of theirs takes so long that it is taken for lost. */
const preparedAtOnce = 25;

/** Runs cells of one world: each of its own tenant, with one kill and one restart for all. */
export async function runBatch(
  ground: Ground,
  world: WorldName,
  cells: readonly Cell[],
): Promise<CellResult[]> {
  const width = String(cells.length).length;
  const placed = cells.map((cell, index) => ({
    ...cell,
    key: `cell-${String(index + 1).padStart(width, "0")}`,
  }));
  const stage = await openStage(await ground.createDatabase(), world === "scoped-list");
  const batch = new Batch(stage, world, placed);
  try {
    await batch.play();
  } catch (error) {
    batch.failAll(error instanceof Error ? error.message : String(error));
  } finally {
    await batch.end();
  }
  return batch.results();
}

class Batch {
  readonly #stage: Stage;
  readonly #world: WorldName;
  readonly #cells: readonly PlacedCell[];
  readonly #faults = new Map<string, string[]>();
  /** By key, whether the deed was recorded as done when its crash point was reached. */
  readonly #reached = new Map<string, boolean>();
  readonly #armed: Extract<FromWorker, { is: "armed" }>[] = [];
  #worker: Worker | null = null;

  constructor(stage: Stage, world: WorldName, cells: readonly PlacedCell[]) {
    [this.#stage, this.#world, this.#cells] = [stage, world, cells];
  }

  async play(): Promise<void> {
    await this.#timed("prepare", () => this.#prepare());
    await this.#timed("crash", () => this.#crash());
    await this.#timed("start again", () => this.#startWorker(2));
    await this.#timed("go on", () => this.#untilQuiet());
    const crashed = await takeSnapshot(this.#stage);
    for (const cell of this.#cells) {
      this.#blame(cell, faultsAfterCrash(cell, crashed, this.#wasRecorded(cell)));
    }
    await this.#timed("clear", () => this.#goOn());
    await this.#timed("judge", () => this.#judge());
  }

  failAll(reason: string): void {
    for (const cell of this.#cells) this.#blame(cell, [reason]);
  }

  async end(): Promise<void> {
    await this.#worker?.kill9();
    await this.#stage.close();
  }

  results(): CellResult[] {
    return this.#cells.map(({ key, ...cell }) => {
      const isMoot =
        mustNeedAttention(cell, false) && !mustNeedAttention(cell, this.#reached.get(key) === true);
      return { cell, isMoot, faults: [...new Set(this.#faults.get(key))] };
    });
  }

  #wasRecorded({ key }: PlacedCell): boolean {
    return this.#reached.get(key) === true;
  }

  #blame({ key }: PlacedCell, faults: readonly string[]): void {
    this.#faults.set(key, [...(this.#faults.get(key) ?? []), ...faults]);
  }

  async #startWorker(life: 1 | 2): Promise<void> {
    const { databaseUrl, emulatorUrl, apiKey } = this.#stage;
    const order = { databaseUrl, emulatorUrl, apiKey, life, cells: this.#cells };
    this.#worker = await startWorker(order, (message) => {
      if (message.is === "armed") this.#armed.push(message);
      if (message.is === "reached") this.#reached.set(message.key, message.isRecorded);
    });
  }

  /** Every tenant as its operation under test will find it. */
  async #prepare(): Promise<void> {
    const { emulator } = this.#stage;
    await this.#startWorker(1);
    // A list that is ever to be believed is seen to show what was made, before it begins to lag.
    if (this.#world !== "scoped-list") await this.#prove("proof-before");
    await emulator.setSwitches(worldSwitches[this.#world]);
    for (let from = 0; from < this.#cells.length; from += preparedAtOnce) {
      const some = this.#cells.slice(from, from + preparedAtOnce);
      await this.#forAll(some, ({ kind, key, isLinked }) =>
        sagaDescriptions[kind].prepare(this.#stage, key, isLinked),
      );
      await this.#untilQuiet();
    }
    await this.#refuseOpen();
  }

  async #prove(key: string): Promise<void> {
    await this.#stage.register(key);
    await this.#stage.signUp(key);
    await this.#untilQuiet(key);
  }

  async #refuseOpen(): Promise<void> {
    const [open] = await this.#stage.query<{ key: string; status: string; reason: string | null }>(
      "SELECT key, o.status::text, o.reason FROM operation o JOIN tenant t ON t.id = tenant_id WHERE o.status <> 'SUCCEEDED' LIMIT 1",
    );
    if (open !== undefined)
      throw new Error(`Could not make ready ${open.key}: ${open.status} ${open.reason}`);
  }

  /** Starts all, waits until each stands at its crash point, and kills the worker. */
  async #crash(): Promise<void> {
    await this.#forAll(this.#cells, ({ kind, key }) => sagaDescriptions[kind].start(this.#stage, key));
    await this.#until(async () => this.#cells.length - this.#reached.size);
    await this.#worker?.kill9();
    for (const cell of this.#cells) {
      if (!this.#reached.has(cell.key)) this.#blame(cell, ["Its crash point was never reached."]);
    }
  }

  /** Takes the causes away, one after the other, and tells what stopped to go on. */
  async #goOn(): Promise<void> {
    const { emulator } = this.#stage;
    if (this.#world === "scoped-list") {
      await emulator.setSwitches({ listScopedToKey: false });
      await this.#prove("proof-after");
      await this.#retry(isInDoubtForEver);
    }
    await this.#retry(({ undoing }) => undoing === null);
    const snapshot = await takeSnapshot(this.#stage);
    for (const cell of this.#cells) {
      const isForGood = cell.continuation.endsWith("fails-for-good") && !cell.isTolerated;
      const must = isForGood && mustNeedAttention(cell, this.#wasRecorded(cell));
      const status = operationOf(cell, snapshot)?.status;
      if (must !== (status === "NEEDS_ATTENTION"))
        this.#blame(cell, [`It is ${status} before the cause is gone.`]);
    }
    await this.#worker?.clear();
    await this.#retry(() => true);
    // What was tolerated is made up for by the next chore.
    const again = this.#cells.filter((cell) => cell.isTolerated && cell.continuation === "fails-for-good");
    await this.#forAll(again, ({ kind, key }) => sagaDescriptions[kind].start(this.#stage, key));
    await this.#untilQuiet();
  }

  /** Tells these to go on, as far as they NEED ATTENTION, and waits until nothing moves. */
  async #retry(isMeant: (cell: PlacedCell) => boolean): Promise<void> {
    const { provisioning, starter } = this.#stage;
    const snapshot = await takeSnapshot(this.#stage);
    const stopped = this.#cells.flatMap((cell) => {
      const operation = operationOf(cell, snapshot);
      return operation?.status === "NEEDS_ATTENTION" && isMeant(cell) ? [operation.id] : [];
    });
    if (stopped.length === 0) return;
    const request = { actor: "matrix", reason: "The cause is gone." };
    await this.#forAll(stopped, async (operationId) => {
      try {
        await retryOperation(provisioning, starter, { ...request, operationId });
      } catch (error) {
        // What waited for the proof of a list goes on by itself once that is had: the sweep may have been quicker.
        if (!(error instanceof OperationNotResumable)) throw error;
      }
    });
    await this.#untilQuiet();
  }

  async #judge(): Promise<void> {
    const snapshot = await takeSnapshot(this.#stage);
    for (const cell of this.#cells) this.#blame(cell, faultsAtEnd(cell, snapshot));
    const fired = new Map((await this.#stage.emulator.faults()).map((fault) => [fault.id, fault.fired]));
    for (const cell of this.#cells) {
      const armed = this.#armed.filter(({ key }) => key === cell.key);
      if (armed.filter(({ isUnderTest }) => isUnderTest).length !== (cell.fault === null ? 0 : 1)) {
        this.#blame(cell, ["Its fault was not armed once."]);
      }
      const idle = armed.filter(({ faultId }) => fired.get(faultId) !== 1);
      if (idle.length > 0) this.#blame(cell, ["Its fault was armed and never fired."]);
    }
    let compared = await compareRecords(this.#stage);
    await this.#until(async () => {
      compared = await compareRecords(this.#stage);
      return compared.disagreements.length;
    });
    for (const said of compared.disagreements) {
      const culprit = this.#cells.find((cell) =>
        snapshot.tenants.get(cell.key)?.operations.some(({ id }) => said.startsWith(id)),
      );
      if (culprit === undefined) this.failAll(said);
      else this.#blame(culprit, [said]);
    }
  }

  /**
   * Waits until no operation is under way, PARKED ones included, and no late look for twins is due but those of tenants
   * that wait for a person; or until the deadline is over. `key`: of one tenant alone.
   */
  async #untilQuiet(key?: string): Promise<void> {
    const open = "('QUEUED', 'RUNNING', 'UNWINDING', 'PARKED')";
    const mine = key === undefined ? "true" : `t.key = '${key}'`;
    await this.#until(async () => {
      const [row] = await this.#stage.query<{ moving: number }>(`
        SELECT count(*)::int AS moving FROM operation o JOIN tenant t ON t.id = o.tenant_id
        WHERE ${mine} AND (o.status IN ${open} OR o.twin_check_at IS NOT NULL AND NOT EXISTS
          (SELECT FROM operation w WHERE w.tenant_id = t.id AND w.status = 'NEEDS_ATTENTION'))`);
      return row?.moving ?? 0;
    });
  }

  /** Says how long each part of the batch takes, where somebody asks. */
  async #timed<T>(name: string, part: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await part();
    } finally {
      if (process.env["CRASH_MATRIX_TIMES"] !== undefined) {
        process.stderr.write(`${this.#world} ${name}: ${Math.round(performance.now() - begun)} ms\n`);
      }
    }
  }

  /** Waits until nothing is left, or for too long nothing of it was done. What is left is found by whoever looks next. */
  async #until(countLeft: () => Promise<number>): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    let fewest = Number.POSITIVE_INFINITY;
    let changedAt = Date.now();
    while (Date.now() < Math.min(deadline, changedAt + stillMs)) {
      const left = await countLeft();
      if (left === 0) return;
      if (this.#worker?.hasEnded() === true) throw new Error("The worker ended by itself.");
      if (left < fewest) [fewest, changedAt] = [left, Date.now()];
      await sleep(100);
    }
  }

  async #forAll<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
    const limit = pLimit(callersAtOnce);
    await Promise.all(items.map((item) => limit(() => act(item))));
  }
}
