import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/provisioning/engine.ts";
import type { Journal } from "../../src/provisioning/run-saga.ts";
import { runOperation } from "../../src/provisioning/sagas.ts";
import { signUpTenant } from "../../src/provisioning/sign-up-tenant.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectClean, expectWhole, place } from "./whole-or-clean.ts";

/**
 * What the engine does not record: that a first run begins, and that any run ends. The process dies beside each step of
 * the engine's, and the run is gone on with by the same record.
 */

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(() => world.setAround());

/** The process dies here. */
class Died extends Error {
  override readonly name = "Died";
}

type Moment = "before the step" | "after the deed, before the record" | "after the record";

/** A step of the engine's that has begun, and its result once that is recorded. */
interface Entry {
  readonly name: string;
  result?: { readonly value: unknown };
}

/** The engine's record of one run, as DBOS keeps it: by the order in which steps begin, with their names. */
class Recorder {
  readonly #record: Entry[] = [];
  #begun = 0;
  #isDead = false;

  /** The journal of the process that runs it now; it dies at this moment of its step number `at`. */
  journal(at: number | null, moment: Moment): Journal {
    this.#begun = 0;
    this.#isDead = false;
    const die = (): never => {
      this.#isDead = true;
      throw new Died();
    };
    return {
      isPatched: async () => true,
      step: async <T>(name: string, run: () => Promise<T>): Promise<T> => {
        const index = this.#begun;
        this.#begun += 1;
        const known = this.#record[index];
        if (known !== undefined && known.name !== name) {
          throw new Error(`Step ${index} was ${known.name}, and is ${name} now.`);
        }
        // What the engine gave back is what it had recorded: JSON, and of another type for all it knows.
        if (known?.result !== undefined) return structuredClone(known.result.value) as T;
        const entry: Entry = known ?? { name };
        this.#record[index] = entry;
        if (this.#isDead || (index === at && moment === "before the step")) return die();
        const value = await run();
        if (index === at && moment === "after the deed, before the record") return die();
        entry.result = { value };
        if (index === at) return die();
        return value;
      },
    };
  }

  get length(): number {
    return this.#record.length;
  }
}

/** Signs up without an engine: the operation stays QUEUED until a test runs it. */
async function queuedSignUp(key: string): Promise<string> {
  const engine: Engine = { ...world.engine, start: () => {} };
  const { id } = await signUpTenant(world.provisioning, engine, {
    ...{ actor: "test", key, idempotencyKey: key },
    place: placeSchema.parse({ name: "Acme Inc.", ...place }),
  });
  return id;
}

/** Runs the first run, dies, and runs it again by the same record. Answers how many steps the engine has recorded. */
async function dieAndGoOn(key: string, at: number, moment: Moment): Promise<number> {
  const id = await queuedSignUp(key);
  const recorder = new Recorder();
  const run = (journal: Journal) => runOperation(world.provisioning, journal, id, 1);
  await expect(run(recorder.journal(at, moment))).rejects.toBeInstanceOf(Died);
  await run(recorder.journal(null, moment));
  const rows = () => world.prisma.operation.findUniqueOrThrow({ where: { id }, include: { steps: true } });
  const ended = await rows();
  // Once more, as when it died between the end and the engine's knowing of it: nothing changes.
  await run(recorder.journal(null, moment));
  expect(await rows()).toEqual(ended);
  return recorder.length;
}

const moments: readonly Moment[] = [
  "before the step",
  "after the deed, before the record",
  "after the record",
];
/** The stages that the engine records; activating and reading back are done again instead. */
const steps = [0, 1, 2];

describe("a process that dies in the first run", () => {
  it.each(moments.flatMap((moment) => steps.map((at) => [moment, at] as const)))(
    "%s %i is gone on with: everything is made once",
    async (moment, at) => {
      const key = `dies-${moments.indexOf(moment)}-${at}`;
      expect(await dieAndGoOn(key, at, moment)).toBe(steps.length);
      await expectWhole(world, key);
    },
  );

  // The last stage, the turn, and an undoing for each of the seven steps that started.
  const back = [2, 3, 4, 5, 6, 7, 8, 9, 10];

  it.each(moments.flatMap((moment) => back.map((at) => [moment, at] as const)))(
    "%s %i on the way back is gone on with: nothing is left",
    async (moment, at) => {
      const key = `back-${moments.indexOf(moment)}-${at}`;
      world.setAround((deed, proceed) => {
        if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
        return proceed();
      });
      await dieAndGoOn(key, at, moment);
      await expectClean(world, key);
    },
  );
});
