import { fileURLToPath } from "node:url";
import { describeMachine, loadAverage } from "../../bench/machine.ts";
import { withDatabase } from "../../src/database/connection-target.ts";
import { createDatabaseIfMissing } from "../../src/database/create-database.ts";
import type { Lifetime } from "../../src/lifetime.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { keepReport } from "../program/keep-report.ts";
import { startOwnPostgres } from "../program/own-postgres.ts";
import { runProgram, say } from "../program/run-program.ts";
import { type OverloadOrder, readOrder, usage } from "./order.ts";
import { runOverload } from "./overload.ts";
import { describeReport, documentOf } from "./report.ts";

/** Shorter runs are for trying things out, and are not kept. */
const keptFromMs = 60_000;
const document = "docs/pressure.md";

const compiled = (file: string) => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));

async function run(order: OverloadOrder, lifetime: Lifetime): Promise<boolean> {
  const postgres = await startOwnPostgres(lifetime, { name: "pressure" });
  await createDatabaseIfMissing(postgres.connectionString, "loci");
  const folder = await lifetime.keep({
    ...{ name: "the data folder of Loci", make: () => makeTemporaryFolder("loci-pressure-") },
    stop: (made) => made.remove(),
  });
  const before = loadAverage();
  const report = await runOverload(
    order,
    {
      ...{ loci: compiled("main.js"), emulator: compiled("emulator/cli.js"), dataDir: folder.path },
      databaseUrl: withDatabase(postgres.connectionString, "loci"),
    },
    lifetime,
  );
  say(describeReport(report));
  if (order.overloadMs >= keptFromMs) {
    const machine = await describeMachine(postgres.connectionString);
    await keepReport(document, documentOf(report, machine, [before, loadAverage()]));
  }
  return report.breaches.length === 0;
}

await runProgram({ usage, readOrder, run });
