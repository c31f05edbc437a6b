import type { Engine, RunState } from "../../src/provisioning/engine.ts";
import type { Journal } from "../../src/provisioning/run-saga.ts";
import { runOperation } from "../../src/provisioning/sagas.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Turns } from "./turns.ts";

/** A step of the engine's that has begun, and its result once that is recorded. */
interface Entry {
  readonly name: string;
  result?: { readonly value: unknown };
}

/** What the engine knows of one run: its record, as DBOS keeps it, and who has it. */
interface RunRecord {
  readonly operationId: string;
  readonly run: number;
  readonly entries: Entry[];
  owner: SimulatedProcess;
  /** Another for every hand-over: what an earlier owner would record then is refused, as DBOS does. */
  ownership: number;
  state: "running" | "ended" | "failed";
}

/**
 * The durable engine, in memory, for many processes in one: it records steps in the order in which they begin, hands
 * runs over, and records nothing of those who do not own a run any more.
 */
export class SimulatedEngine {
  readonly #turns: Turns;
  readonly #runs = new Map<string, RunRecord>();
  /** What runs threw. The runner never throws but for an outage of the database. */
  readonly faults: unknown[] = [];

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** The engine as a process sees it. */
  of(process: SimulatedProcess): Engine {
    return {
      start: (operationId, run) => this.#start(process, operationId, run),
      room: () => 100,
      pause: () => {},
      onRoom: () => {},
      stateOf: async (operationId, run) => {
        const is = asEngine(this.stateOf(operationId, run));
        return { is, executorId: null };
      },
      handOver: async () => {},
      prune: async () => 0,
      stop: async () => {},
    };
  }

  /** What is known of a run. Null: nothing. */
  stateOf(operationId: string, run: number): RunRecord["state"] | null {
    return this.#runs.get(`${operationId}:${run}`)?.state ?? null;
  }

  /** All runs that are under way, as "<operation>:<run>". */
  underWay(): string[] {
    return [...this.#runs].filter(([, { state }]) => state === "running").map(([id]) => id);
  }

  /** Gives what a process has under way to another, which goes on by the record. */
  handOver(from: SimulatedProcess, to: SimulatedProcess): void {
    for (const record of this.#runs.values()) {
      if (record.owner !== from || record.state !== "running") continue;
      record.owner = to;
      record.ownership += 1;
      void this.#run(record);
    }
  }

  #start(process: SimulatedProcess, operationId: string, run: number): void {
    const id = `${operationId}:${run}`;
    if (this.#runs.has(id) || !process.isWell) return;
    const record: RunRecord = {
      ...{ operationId, run, entries: [], owner: process },
      ...{ ownership: 1, state: "running" },
    };
    this.#runs.set(id, record);
    void this.#run(record);
  }

  async #run(record: RunRecord): Promise<void> {
    const { owner, ownership, operationId, run } = record;
    const turns = this.#turns;
    turns.begin();
    try {
      await turns.point(owner, `begins run ${run}`);
      await runOperation(owner.provisioning, this.#journal(record), operationId, run);
      await turns.point(owner, `has ended run ${run}`);
      if (record.ownership === ownership) record.state = "ended";
    } catch (error) {
      // What breaks in a process that was taken over from changes nothing: it is about to end.
      if (record.ownership === ownership) {
        this.faults.push(error);
        record.state = "failed";
      }
    }
    turns.end();
  }

  /** The journal of the process that has the run now. */
  #journal(record: RunRecord): Journal {
    const { owner, ownership, entries } = record;
    const turns = this.#turns;
    let begun = 0;
    let underWay = 0;
    const ownsIt = () => record.ownership === ownership;
    const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
      const index = begun;
      begun += 1;
      const known = entries[index];
      if (known !== undefined && known.name !== name) {
        throw new Error(`Step ${index} was ${known.name}, and is ${name} now.`);
      }
      if (known?.result !== undefined) return structuredClone(known.result.value) as T;
      if (!ownsIt()) return turns.stop();
      const entry: Entry = known ?? { name };
      entries[index] = entry;
      await turns.point(owner, `begins the record of ${name}`);
      const value = await run();
      await turns.point(owner, `records ${name}`);
      // What another owner has recorded or will record counts.
      if (!ownsIt()) return turns.stop();
      entry.result = { value: structuredClone(value) };
      return value;
    };
    return {
      isPatched: async () => true,
      // The run itself stands while its steps move.
      step: async (name, run) => {
        if (underWay > 0) turns.begin();
        underWay += 1;
        const value = await step(name, run);
        underWay -= 1;
        if (underWay > 0) turns.end();
        return value;
      },
    };
  }
}

/** The same in the engine's words. */
function asEngine(state: RunRecord["state"] | null): RunState["is"] {
  if (state === "running") return "alive";
  if (state === null) return "unknown";
  return state === "ended" ? "ended" : "lost";
}
