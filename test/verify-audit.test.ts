import path from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { withDatabase } from "../src/database/connection-target.ts";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../src/database/folder-lock.ts";
import { makeDataDir } from "./database/data-dir.ts";
import { startLoci } from "./loci-process.ts";
import { compileLoci, type LociProgram } from "./loci-program.ts";
import { killAll, run } from "./run-loci.ts";

let loci: LociProgram;

beforeAll(async () => {
  loci = await compileLoci();
});
afterAll(() => loci?.remove());
afterEach(killAll);

async function verify(dataDir: string, args: readonly string[] = []) {
  const program = run(path.join(path.dirname(loci.main), "verify-audit.js"), args, {
    LOCI_DATA_DIR: dataDir,
  });
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

/** Does something in the database of a folder on which no Loci runs, where no trigger stops it. */
async function asIntruder(dataDir: string, sql: string): Promise<void> {
  const hold = await holdDataFolder(dataDir);
  const postgres = await startEmbeddedPostgres({ dataDir });
  const client = new pg.Client({ connectionString: withDatabase(postgres.connectionString, "loci") });
  try {
    await client.connect();
    await client.query(`SET session_replication_role = replica; ${sql}`);
  } finally {
    await client.end();
    await postgres.stop();
    await hold.release();
  }
}

describe("npm run verify-audit", () => {
  it("walks the audit of a Loci that runs and of one that does not, and finds what was changed", async () => {
    const dataDir = await makeDataDir();
    const running = await startLoci({ main: loci.main, dataDir });
    for (const key of ["one", "two"]) {
      await running.send(
        `mutation ($key: String!) { signUpTenant(input: { key: $key, name: "A", idempotencyKey: $key, waitMs: 20000 }) {
          __typename } }`,
        { key },
      );
    }
    await expect
      .poll(async () => (await verify(dataDir)).stdout, { timeout: 20_000 })
      .toMatch(/2 events as they were sealed.\nHead: [12]:[0-9a-f]{64}\nThe audit is whole.\n$/);
    await running.stop();
    const whole = await verify(dataDir);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    expect(whole.stdout).toMatch(/^\d seals \(0 pruned by retention; (\d) of them with a right tag\)/);
    const [, head = ""] = /Head: (\S+)/.exec(whole.stdout) ?? [];
    expect(await verify(dataDir, ["--anchor", head])).toMatchObject({ code: 0 });
    expect(await verify(dataDir, ["--anchor", `1:${"ab".repeat(32)}`])).toMatchObject({ code: 1 });
    await asIntruder(dataDir, "UPDATE audit_event SET actor = 'nobody' WHERE details ->> 'key' = 'one'");
    const broken = await verify(dataDir);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(
      /THE AUDIT IS NOT WHOLE:\n {2}aud_\w+: It is not as it was when seal \d was made.\n$/,
    );
  }, 120_000);

  it("ends with 2 where there is nothing to walk, and for what it does not understand", async () => {
    const dataDir = await makeDataDir();
    const nothing = await verify(dataDir);
    expect(nothing).toMatchObject({ code: 2, stdout: "" });
    expect(nothing.stderr).toContain("There is no database in");
    for (const args of [["--anchor", "7"], ["--any"]]) {
      expect(await verify(dataDir, args)).toMatchObject({ code: 2, stdout: "" });
    }
  });
});
