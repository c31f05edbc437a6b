// The program of the process that `stock-engine.ts` starts: <database URL> <URL of the upstream> <API key>.
import { DBOS } from "@dbos-inc/dbos-sdk";
import { Pool } from "undici";
import { registerEngineSaga } from "./engine-alone.ts";
import { pingPlainly } from "./plain-sign-up.ts";
import { type Load, rateOf } from "./rate.ts";

const [databaseUrl, upstreamUrl, apiKey] = process.argv.slice(2);
if (databaseUrl === undefined || upstreamUrl === undefined || apiKey === undefined) {
  throw new Error("Usage: <database URL> <URL of the upstream> <API key>");
}
const pool = new Pool(upstreamUrl, { connections: 256, pipelining: 1 });
// Nothing is set but where its tables are and that it is quiet.
DBOS.setConfig({ name: "bench", systemDatabaseUrl: databaseUrl, logLevel: "error" });
const calls = registerEngineSaga("stockCalls", () => pingPlainly({ pool, apiKey }));
await DBOS.launch();
process.on("message", (load: Load) => {
  void rateOf(calls, load).then((rate) => process.send?.({ rate }));
});
process.on("disconnect", () => process.exit(0));
process.send?.({ isReady: true });
