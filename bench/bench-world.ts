import { Pool } from "undici";
import type { Lifetime } from "../src/lifetime.ts";
import { type EngineSaga, registerEngineSaga } from "./engine-alone.ts";
import { type BenchLoci, startLoci } from "./loci.ts";
import { pingPlainly } from "./plain-sign-up.ts";
import type { BenchPostgres } from "./postgres.ts";
import { type StockEngine, startStockEngine } from "./stock-engine.ts";
import type { Upstream } from "./upstream.ts";

/** Everything that is measured inside this process. */
export interface Bench {
  readonly postgres: BenchPostgres;
  readonly upstream: Upstream;
  readonly loci: BenchLoci;
  /** Warm connections to Loci's own server. */
  readonly graphqlPool: Pool;
  /** Six steps with one call each to the same upstream: how the engine itself was measured. */
  readonly engineCalls: EngineSaga;
  /** The same six, in a process of its own, over the engine's own connections. Started when first asked for. */
  readonly stockEngine: () => Promise<StockEngine>;
  /** Six steps that do nothing at all. */
  readonly engineEmpty: EngineSaga;
}

/** Starts Loci and the engine's own sagas on one engine, in a database of their own. Once in a process. */
export async function startBench(
  postgres: BenchPostgres,
  upstream: Upstream,
  lifetime: Lifetime,
): Promise<Bench> {
  const engineCalls = registerEngineSaga("benchCalls", () => pingPlainly(upstream));
  const engineEmpty = registerEngineSaga("benchEmpty", async () => {});
  await upstream.begin(0);
  const loci = await startLoci(await postgres.createDatabase("bench"), upstream, lifetime);
  const graphqlPool = await lifetime.keep({
    name: "the pool to Loci",
    make: async () => new Pool(new URL(loci.graphqlUrl).origin, { connections: 4, pipelining: 1 }),
    stop: (made) => made.destroy(),
  });
  let stock: Promise<StockEngine> | null = null;
  const stockEngine = () => {
    stock ??= startStockEngine(postgres, upstream, lifetime);
    return stock;
  };
  return { postgres, upstream, loci, graphqlPool, engineCalls, stockEngine, engineEmpty };
}
