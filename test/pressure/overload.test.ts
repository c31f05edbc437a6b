import path from "node:path";
import pino from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Lifetime } from "../../src/lifetime.ts";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { createTestDatabase } from "../test-database.ts";
import { runOverload } from "./overload.ts";
import { describeReport } from "./report.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});
afterAll(() => program?.remove());

it("ten times what it bears: it lives, its memory is bounded, and what it accepted is done", {
  timeout: 300_000,
}, async () => {
  const lifetime = new Lifetime();
  const database = await createTestDatabase();
  const folder = await makeTemporaryFolder("loci-pressure-");
  try {
    const report = await runOverload(
      { factor: 10, measureMs: 2_000, overloadMs: 5_000 },
      {
        ...{ loci: program.main, emulator: path.join(path.dirname(program.main), "emulator", "cli.js") },
        ...{ databaseUrl: database.connectionString, dataDir: folder.path },
      },
      lifetime,
    );
    // How soon it is as quick as before is measured by the program, on a machine that does nothing else.
    const broken = report.breaches.filter((breach) => !breach.startsWith("It recovered after "));
    expect(broken, describeReport(report)).toEqual([]);
    expect(report.acceptedCount).toBeGreaterThan(0);
  } finally {
    await lifetime.end(pino({ level: "silent" }));
    await folder.remove();
    await database.drop();
  }
});
