import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProjectThing, projectThingId } from "../../src/schema/memory-ids.ts";
import { until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { memoryCalls, type Names } from "./memory-calls.ts";
import {
  call,
  type Inhabited,
  inhabit,
  inhabited,
  mem0IdIn,
  type OtherProcess,
  rowsOf,
  startProcess,
  type Told,
} from "./rig.ts";

/** Random calls of two tenants who name each other's things in every way that we know. */

const seed = Number(process.env["LOCI_PROPERTY_SEED"] ?? Date.now() % 1_000_000_000);
const runs = 40;

let world: World;
let other: OtherProcess;
let tenants: [Inhabited, Inhabited];
const seen = new Map<string, number>();

beforeAll(async () => {
  process.stdout.write(`Seed of the calls: LOCI_PROPERTY_SEED=${seed}\n`);
  world = await createWorld();
  other = await startProcess(world);
  await until(async () => other.isListening(), "the other process listens");
  tenants = [await inhabited(world), await inhabited(world)];
});
afterAll(async () => {
  await other?.close();
  await world?.close();
});

/** How an id is made out of the caller's own and the other tenant's. */
const namings = ["own", "own", "own", "theirs", "sealed", "unsealed", "grafted", "raw", "wild"] as const;

interface Naming {
  readonly how: (typeof namings)[number];
  readonly wild: string;
}

const naming: fc.Arbitrary<Naming> = fc.record({
  how: fc.constantFrom(...namings),
  wild: fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.base64String({ maxLength: 150 })),
});

/** One call of one of the two, by one of the two processes. */
const step = fc.record({
  asker: fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>,
  isElsewhere: fc.boolean(),
  one: fc.constantFrom(...memoryCalls),
  memory: naming,
  event: naming,
  export: naming,
  cursor: fc.option(naming, { freq: 3 }),
  user: fc.constantFrom("alice", "alice", "alice", "bob", "*", ""),
});

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

function idOf(
  thing: ProjectThing,
  { how, wild }: Naming,
  own: string,
  theirs: string,
  tenantId: string,
): string {
  const text = (plain: string) => Buffer.from(plain).toString("base64url");
  const raw = mem0IdIn(theirs);
  switch (how) {
    case "own":
      return own;
    case "theirs":
      return theirs;
    case "sealed":
      return projectThingId(world, thing, tenantId, raw);
    case "unsealed":
      return text(`${thing}:${tenantId}:${raw}`);
    case "grafted":
      return text(`${Buffer.from(own, "base64url").toString().slice(0, -36)}${raw}`);
    case "raw":
      return raw;
    case "wild":
      return wild;
  }
}

function namesOf({ asker, ...step }: Step): Partial<Names> {
  const [{ tenantId, names: mine, tag }, { names: theirs, ...them }] =
    asker === 0 ? tenants : (tenants.toReversed() as [Inhabited, Inhabited]);
  // Any text does for a cursor; one of the other tenant's lists is made of the other's own tenant id.
  const cursor = step.cursor === null ? null : cursorOf(step.cursor, tenantId, them.tenantId);
  return {
    memory: idOf("Memory", step.memory, mine.memory, theirs.memory, tenantId),
    event: idOf("MemoryEvent", step.event, mine.event, theirs.event, tenantId),
    export: idOf("MemoryExport", step.export, mine.export, theirs.export, tenantId),
    ...{ cursor, user: step.user, text: tag },
  };
}

const cursors = new Map<string, string>();

function cursorOf({ how, wild }: Naming, own: string, theirs: string): string {
  if (how === "wild") return wild;
  const known = cursors.get(how === "own" ? own : theirs) ?? "";
  if (how === "own" || how === "theirs") return known;
  return Buffer.from(Buffer.from(known, "base64url").toString().replaceAll(theirs, own)).toString(
    "base64url",
  );
}

async function make(step: Step): Promise<Told> {
  const asker = tenants[step.asker];
  const told = await call(step.isElsewhere ? other : world, world, asker, step.one, namesOf(step));
  const outcome = told.code ?? "DONE";
  seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  const cursor = /"endCursor":"([^"]+)"/.exec(told.body)?.[1];
  if (cursor !== undefined) cursors.set(asker.tenantId, cursor);
  return told;
}

function expectOwnOnly({ body }: Told, asker: 0 | 1, stepMade: Step): void {
  const [mine, theirs] = [tenants[asker], tenants[asker === 0 ? 1 : 0]];
  expect(body, `${stepMade.one.title} of ${mine.key}`).not.toContain(theirs.tag);
  expect(body).not.toContain("INTERNAL_SERVER_ERROR");
}

/** Everybody has something again: what was there may have been deleted. */
async function refill(): Promise<void> {
  const [one, two] = tenants;
  tenants = [
    { ...one, names: await inhabit(world, world, one) },
    { ...two, names: await inhabit(world, world, two) },
  ];
}

describe("whatever two tenants ask", () => {
  it("changes nothing of the other's, and tells nothing of it", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
      await refill();
      for (const one of steps) {
        const victim = tenants[one.asker === 0 ? 1 : 0];
        const before = await rowsOf(world, victim);
        expectOwnOnly(await make(one), one.asker, one);
        expect(await rowsOf(world, victim), one.one.title).toBe(before);
      }
    });
    await fc.assert(property, { seed, numRuns: runs });
  }, 180_000);

  it("at the same time is told to the one who asked, and lands in the project of the one who said it", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 16 }), async (steps) => {
      await refill();
      await Promise.all(steps.map(async (one) => expectOwnOnly(await make(one), one.asker, one)));
      const [one, two] = tenants;
      expect(await rowsOf(world, one)).not.toContain(two.tag);
      expect(await rowsOf(world, two)).not.toContain(one.tag);
    });
    await fc.assert(property, { seed, numRuns: runs });
  }, 180_000);

  it("was no idle talk: much of it was done, and much refused", () => {
    expect(seen.get("DONE") ?? 0).toBeGreaterThan(100);
    expect(seen.get("NOT_FOUND") ?? 0).toBeGreaterThan(30);
    expect(seen.get("BAD_CURSOR") ?? 0).toBeGreaterThan(3);
  });
});
