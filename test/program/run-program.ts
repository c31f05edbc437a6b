import pino from "pino";
import { Lifetime } from "../../src/lifetime.ts";

/** A program of the repository that is no part of Loci: the bench, the crash matrix, the chaos. */
export interface Program<Order> {
  readonly usage: string;
  /** What the arguments ask for. Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
  readonly readOrder: (args: readonly string[]) => Order | null;
  /** Does it, and answers whether all was well. What it starts it keeps in the lifetime. */
  readonly run: (order: Order, lifetime: Lifetime) => Promise<boolean>;
}

/** Says something to whoever watches. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Runs a program by the arguments of this process, and ends the process: with 0 when all was well, 1 when it was not or
 * something broke, 2 when the arguments mean nothing, 130 when it was told to stop. However it ends, what it keeps in its
 * lifetime is stopped first. To be called once.
 */
export async function runProgram<Order>({ usage, readOrder, run }: Program<Order>): Promise<void> {
  const order = orderOf(readOrder, usage);
  if (order === null) return;
  const lifetime = new Lifetime();
  const log = pino({ level: "warn" }, pino.destination(2));
  let isEnding = false;
  const end = (code: number) => {
    if (isEnding) return;
    isEnding = true;
    void lifetime.end(log).finally(() => process.exit(code));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end(130));
  const fail = (error: unknown) => {
    // Whatever breaks while everything is being stopped breaks because of that.
    if (!isEnding) complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    end(1);
  };
  // Whatever breaks behind our back must not leave a Postgres running.
  process.on("uncaughtException", fail);
  try {
    end((await run(order, lifetime)) ? 0 : 1);
  } catch (error) {
    fail(error);
  }
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Null: nothing is to be done; the exit code is set. */
function orderOf<Order>(readOrder: Program<Order>["readOrder"], usage: string): Order | null {
  try {
    const order = readOrder(process.argv.slice(2));
    if (order === null) say(usage);
    return order;
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}
