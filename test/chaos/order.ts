import { parseArgs } from "node:util";
import { type Random, randomFrom } from "./random.ts";

/** What is done to the processes and the nets between them. */
export type Blow =
  | "kill a worker"
  | "kill the api"
  | "freeze a worker"
  | "restart Postgres"
  | "crash Postgres"
  | "drop all connections to Postgres"
  | "stall the net to Postgres"
  | "drop all connections to Mem0"
  | "stall the net to Mem0"
  | "kill Mem0";

/** What a run of the chaos is to do. */
export interface ChaosOrder {
  readonly seed: number;
  /** Sign-ups and off-boardings together. */
  readonly operations: number;
  readonly workers: number;
  /** The whole run has ended after so long, one way or the other. */
  readonly boundMs: number;
  readonly blows: Readonly<Record<Blow, number>>;
}

/** When to do what to whom. */
export interface ScheduledBlow {
  readonly blow: Blow;
  /** After the first operation was asked for. */
  readonly atMs: number;
  /** From 0 to 1: which of those that could be hit. */
  readonly whom: number;
  /** From 0 to 1: how long, where it lasts. */
  readonly long: number;
}

/** How many blows a thousand operations get, and how many any run gets at least. */
const measures: Readonly<Record<Blow, { readonly perThousand: number; readonly least: number }>> = {
  "kill a worker": { perThousand: 40, least: 3 },
  "kill the api": { perThousand: 8, least: 1 },
  "freeze a worker": { perThousand: 10, least: 1 },
  "restart Postgres": { perThousand: 3, least: 1 },
  "crash Postgres": { perThousand: 3, least: 0 },
  "drop all connections to Postgres": { perThousand: 10, least: 1 },
  "stall the net to Postgres": { perThousand: 6, least: 0 },
  "drop all connections to Mem0": { perThousand: 20, least: 1 },
  "stall the net to Mem0": { perThousand: 10, least: 1 },
  "kill Mem0": { perThousand: 5, least: 0 },
};

const isBlow = (name: string): name is Blow => Object.hasOwn(measures, name);

/** How much later than the one before an operation is asked for: so the blows fall among them. */
const spacingMs = 300;

/** How many operations of ten are sign-ups; the others off-board what these made. */
const signUpShare = 0.7;

/** An order of the usual measure. */
export function orderOf(given: Pick<ChaosOrder, "seed" | "operations" | "workers" | "boundMs">): ChaosOrder {
  const counts = Object.entries(measures).map(([name, { perThousand, least }]) => [
    name,
    Math.max(least, Math.round((perThousand * given.operations) / 1_000)),
  ]);
  return { ...given, blows: Object.fromEntries(counts) };
}

/** How long operations are asked for, and blows fall. */
export function stormMs({ operations }: ChaosOrder): number {
  return operations * spacingMs;
}

/** How many tenants are signed up, and how many of them off-boarded. */
export function sharesOf({ operations }: ChaosOrder): { signUps: number; offboardings: number } {
  const signUps = Math.round(operations * signUpShare);
  return { signUps, offboardings: operations - signUps };
}

/** The blows of an order, the earliest first. */
export function scheduleOf(order: ChaosOrder, random: Random): ScheduledBlow[] {
  const blows = Object.entries(order.blows).flatMap(([name, count]) =>
    isBlow(name) ? Array.from({ length: count }, () => name) : [],
  );
  return blows
    .map((blow) => ({
      blow,
      // Not in the very first moments: there is nothing under way yet.
      atMs: random.between(0.05, 1) * stormMs(order),
      whom: random.next(),
      long: random.next(),
    }))
    .sort((one, other) => one.atMs - other.atMs);
}

/** For `--help`. */
export const usage = `npm run chaos -- [--seed n] [--operations n] [--workers n] [--minutes n]

Starts a Postgres, an emulator of Mem0, an api and workers, each in a process of its own; signs tenants up and off-boards
them while killing, freezing, restarting and cutting off what runs; then compares what is the case with what should be.
Writes docs/chaos.md after a run of 1,000 operations and more.

  --seed n        of the moments and the victims; a random one by default. It does not decide how processes race
  --operations n  sign-ups and off-boardings together; 1000
  --workers n     3
  --minutes n     the bound of the whole run; 10
`;

/** Reads the command line. Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
export function readOrder(args: readonly string[]): ChaosOrder | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      operations: { type: "string" },
      workers: { type: "string" },
      minutes: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return null;
  return orderOf({
    seed: wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000), 0),
    operations: wholeNumber("operations", values.operations ?? "1000", 10),
    workers: wholeNumber("workers", values.workers ?? "3", 2),
    boundMs: wholeNumber("minutes", values.minutes ?? "10", 1) * 60_000,
  });
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d{1,9}$/.test(text) || number < least) {
    throw new Error(`--${name} must be a whole number, and at least ${least}.`);
  }
  return number;
}

/** A stream of random numbers of its own for each purpose, so that one does not shift the other. */
export function randomFor(order: ChaosOrder, purpose: "blows" | "callers"): Random {
  return randomFrom(order.seed * 2 + (purpose === "blows" ? 0 : 1));
}
