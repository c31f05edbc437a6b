import { fileURLToPath } from "node:url";
import type { Lifetime } from "../../src/lifetime.ts";
import { keepReport } from "../program/keep-report.ts";
import { runProgram, say } from "../program/run-program.ts";
import { runChaos } from "./chaos.ts";
import { type ChaosOrder, readOrder, usage } from "./order.ts";
import { describeErrors, describeReport, documentOf } from "./report.ts";

/** Smaller runs are for trying things out, and are not kept. */
const keptFrom = 1_000;
const document = "docs/chaos.md";

const compiled = (file: string) => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));

async function run(order: ChaosOrder, lifetime: Lifetime): Promise<boolean> {
  say(`Seed ${order.seed}: the same blows again with --seed ${order.seed} --operations ${order.operations}.`);
  const programs = { loci: compiled("main.js"), emulator: compiled("emulator/cli.js") };
  const report = await runChaos(order, programs, lifetime);
  say(`\n${describeReport(report)}\n\nLogged as errors:\n${describeErrors(report)}`);
  if (order.operations >= keptFrom) await keepReport(document, documentOf(report, new Date()));
  return report.breaches.length === 0;
}

await runProgram({ usage, readOrder, run });
