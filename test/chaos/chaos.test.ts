import path from "node:path";
import pino from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Lifetime } from "../../src/lifetime.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { runChaos } from "./chaos.ts";
import { orderOf } from "./order.ts";
import { describeErrors, describeReport } from "./report.ts";

const seed = Number(process.env["LOCI_CHAOS_SEED"] ?? Date.now() % 1_000_000);
const boundMs = 240_000;

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});
afterAll(() => program?.remove());

it("a small storm: no twins, nothing lost, every operation ends", { timeout: boundMs + 60_000 }, async () => {
  process.stdout.write(`Seed of the storm: LOCI_CHAOS_SEED=${seed}\n`);
  const lifetime = new Lifetime();
  try {
    const order = orderOf({ seed, operations: 60, workers: 2, boundMs });
    const emulator = path.join(path.dirname(program.main), "emulator", "cli.js");
    const report = await runChaos(order, { loci: program.main, emulator }, lifetime);
    expect(report.breaches, `${describeReport(report)}\n\n${describeErrors(report)}`).toEqual([]);
    const { dealt } = report.storm;
    expect(dealt).toMatchObject({
      "kill a worker": 3,
      "restart Postgres": 1,
      "drop all connections to Mem0": 1,
    });
    expect(report.facts["take-overs"], "executors that were taken over from").toBeGreaterThan(0);
    expect(report.operations["OFFBOARD SUCCEEDED"]).toBe(18);
  } finally {
    await lifetime.end(pino({ level: "silent" }));
  }
});
