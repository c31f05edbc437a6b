import { writeFileSync } from "node:fs";
import { readBeliefs } from "./beliefs.ts";
import { cleanUp } from "./clean-up.ts";
import { Caller, Line, type Manners } from "./client.ts";
import { Ledger, LedgerUnreadable } from "./ledger.ts";
import { BadOrder, type ProgramOrder, readOrder, realManners, realTimings, usage } from "./order.ts";
import { type OwnEmulator, startOwnEmulator } from "./own-emulator.ts";
import { describeReport, exitCodeOf } from "./report.ts";
import { CannotRun, runSuite } from "./suite.ts";
import type { Timings } from "./world.ts";

// Checks what Loci believes of Mem0 against a server: npm run contract (see docs/contract.md).

/** An emulator of our own needs no politeness, and takes no time. */
const ownManners = { ...realManners, paceMs: 0 };
const ownTimings: Timings = { ...realTimings, settleMs: 1000, goneMs: 1000, eventMs: 5000, exportMs: 5000 };

function orderFrom(args: readonly string[]): ProgramOrder | null {
  const known = readBeliefs().map(({ number }) => number);
  const order = readOrder(args, process.env, known);
  if (order === null) process.stdout.write(usage);
  return order;
}

async function clean(file: string, order: ProgramOrder, signal: AbortSignal): Promise<number> {
  const { url, key } = order.server ?? { url: "", key: "" };
  const line = new Line({ ...realManners, callsMax: 0 }, signal, [key]);
  const ledger = Ledger.open(file, url);
  const { eventMs, settleMs } = realTimings;
  const left = await cleanUp(line, new Caller(line, url, `Token ${key}`), ledger, { eventMs, settleMs });
  for (const each of left) process.stdout.write(`LEFT         ${each}\n`);
  process.stdout.write(left.length === 0 ? "Nothing is left.\n" : `Again: --clean ${file}\n`);
  return left.length === 0 ? 0 : 2;
}

async function check(order: ProgramOrder, own: OwnEmulator | null, signal: AbortSignal): Promise<number> {
  const server = order.server ?? own;
  if (server === null) throw new CannotRun("there is no server");
  const manners: Manners = { ...(own === null ? realManners : ownManners), callsMax: order.callsMax };
  const report = await runSuite({
    url: server.url,
    key: server.key,
    secondKey: server.secondKey,
    manners,
    timings: own === null ? realTimings : ownTimings,
    isLong: order.isLong,
    only: order.only,
    ledgerFile: order.ledger,
    signal,
  });
  process.stdout.write(describeReport(report, order.ledger));
  if (order.json !== null) writeFileSync(order.json, `${JSON.stringify(report, null, 2)}\n`);
  return exitCodeOf(report);
}

async function main(): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (!interruption.signal.aborted) process.stderr.write("Interrupted: removing what was made.\n");
      interruption.abort();
    });
  }
  try {
    const order = orderFrom(process.argv.slice(2));
    if (order === null) return 0;
    if (order.clean !== null) return await clean(order.clean, order, interruption.signal);
    const own = order.server === null ? await startOwnEmulator() : null;
    try {
      return await check(order, own, interruption.signal);
    } finally {
      await own?.close();
    }
  } catch (error) {
    if (error instanceof BadOrder) process.stderr.write(`${error.message}\n\n${usage}`);
    else if (error instanceof CannotRun || error instanceof LedgerUnreadable)
      process.stderr.write(`${error.message}\n`);
    else throw error;
    return 2;
  }
}

process.exitCode = await main();
