import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { Lifetime } from "../../src/lifetime.ts";
import { runChaos } from "./chaos.ts";
import { type ChaosOrder, readOrder, usage } from "./order.ts";
import { describeErrors, describeReport, documentOf } from "./report.ts";

/** Smaller runs are for trying things out, and are not kept. */
const keptFrom = 1_000;
const document = "docs/chaos.md";

const compiled = (file: string) => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Null: nothing is to be done; the exit code is set. */
function orderFrom(args: readonly string[]): ChaosOrder | null {
  try {
    const order = readOrder(args);
    if (order === null) say(usage);
    return order;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}

async function main(): Promise<void> {
  const order = orderFrom(process.argv.slice(2));
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
  // Whatever breaks behind our back must not leave a Postgres running.
  process.on("uncaughtException", (error) => {
    if (!isEnding) process.stderr.write(`${error.stack}\n`);
    end(1);
  });
  say(`Seed ${order.seed}: the same blows again with --seed ${order.seed} --operations ${order.operations}.`);
  try {
    const programs = { loci: compiled("main.js"), emulator: compiled("emulator/cli.js") };
    const report = await runChaos(order, programs, lifetime);
    say(`\n${describeReport(report)}\n\nLogged as errors:\n${describeErrors(report)}`);
    if (order.operations >= keptFrom) await writeFile(document, documentOf(report, new Date()));
    end(report.breaches.length === 0 ? 0 : 1);
  } catch (error) {
    // Whatever breaks while everything is being stopped breaks because of that.
    if (isEnding) return;
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    end(1);
  }
}

await main();
