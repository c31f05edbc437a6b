import { openDatabase } from "../../src/database/connect.ts";
import { readLiveExecutors } from "../../src/database/executor-session.ts";
import type { PrismaClient } from "../../src/generated/prisma/client.ts";
import type { Provisioning } from "../../src/provisioning/provisioning.ts";
import { runOperation } from "../../src/provisioning/sagas.ts";
import { queueNextRun } from "../../src/tenants/operation-store.ts";
import type { World } from "../world.ts";
import { copyDatabase } from "./copy-database.ts";

/** A copy of a world's database as it was, beside the same Mem0, which goes on. */
export interface Backup {
  readonly prisma: PrismaClient;
  readonly connectionString: string;
  readonly provisioning: Provisioning;
  /** Which processes run sagas on it. */
  findAlive(): Promise<readonly string[]>;
  /** Tells an operation to go on, and runs it to where it stops. */
  retry(operationId: string): Promise<void>;
  close(): Promise<void>;
}

/** Copies the world's database as it is now. */
export async function backUp(world: World): Promise<Backup> {
  const copy = await copyDatabase(world.connectionString);
  const { prisma, pool, close } = await openDatabase(copy.connectionString);
  const provisioning: Provisioning = { ...world.provisioning, prisma, announce: () => {} };
  return {
    prisma,
    connectionString: copy.connectionString,
    provisioning,
    findAlive: () => readLiveExecutors(pool),
    retry: async (operationId) => {
      const { run } = await queueNextRun(prisma, operationId);
      await runOperation(
        provisioning,
        { step: (_name, deed) => deed(), isPatched: async () => true },
        operationId,
        run,
      );
    },
    close: async () => {
      await close();
      await copy.drop();
    },
  };
}

/** A gate at one step of one tenant's sign-up: its run waits there, before its deed or after it. */
export interface Held {
  /** Ends when the run is there. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Where a run is held: by the key of its tenant. */
export interface Place {
  readonly key: string;
  readonly step: string;
  readonly when: "before" | "after";
}

/** Something that a test waits for, or lets happen. */
function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** Holds runs at steps, from now on. Takes the world's `around`. */
export function holdSteps(world: World, places: readonly Place[]): Held[] {
  const gates = places.map((place) => ({ place, reached: signal(), released: signal() }));
  world.setAround(async ({ step, tenantId }, proceed) => {
    const { key } = await world.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    const gate = gates.find(({ place }) => place.step === step && place.key === key);
    if (gate === undefined) return proceed();
    const hold = () => {
      gate.reached.give();
      return gate.released.given;
    };
    if (gate.place.when === "before") await hold();
    const output = await proceed();
    if (gate.place.when === "after") await hold();
    return output;
  });
  return gates.map(({ reached, released }) => ({ reached: reached.given, release: released.give }));
}
