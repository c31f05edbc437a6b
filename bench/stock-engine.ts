import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Lifetime } from "../src/lifetime.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Load } from "./rate.ts";
import type { Upstream } from "./upstream.ts";

/** The durable engine as it comes: in a process and a database of its own, with its own connections and no setting. */
export interface StockEngine {
  /** How many of its sagas of six steps, with one call each to the same upstream, end a second under a load. */
  rateOf(load: Load): Promise<number>;
}

const program = fileURLToPath(new URL("stock-engine-process.js", import.meta.url));

/**
 * Starts it; with the lifetime's end it is gone. A process of its own, for there is one engine in a process, and ours has
 * connections that keep its statements prepared.
 * @throws {Error} when it does not come up
 */
export async function startStockEngine(
  postgres: BenchPostgres,
  upstream: Upstream,
  lifetime: Lifetime,
): Promise<StockEngine> {
  const databaseUrl = await postgres.createDatabase("bench_stock_engine");
  const child = await lifetime.keep({
    name: "the engine as it comes",
    // It sends a statement on each new connection without waiting for it, of which the driver warns.
    make: async () =>
      fork(program, [databaseUrl, upstream.url, upstream.apiKey], { execArgv: ["--no-deprecation"] }),
    stop: async (made) => {
      made.kill("SIGKILL");
    },
  });
  await answerOf(child);
  return {
    rateOf: async (load) => {
      child.send(load);
      const answer = await answerOf(child);
      if (typeof answer !== "object" || answer === null || !("rate" in answer)) {
        throw new Error("The engine as it comes answers nonsense.");
      }
      return Number(answer.rate);
    },
  };
}

/** @throws {Error} when the process ends instead */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([answer]: unknown[]) => answer),
      once(child, "exit", { signal }).then(([code]: unknown[]) => {
        throw new Error(`The engine as it comes ended with code ${String(code)}.`);
      }),
    ]);
  } finally {
    waiting.abort();
  }
}
