import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { keysOf, prepareEmulator, signUpAll } from "./fleet.ts";
import { LociHome } from "./loci-home.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

it("a sign-up whose process dies between its commit and the engine's start becomes ACTIVE by itself", {
  timeout: 240_000,
}, async () => {
  const home = await LociHome.forTest(program);
  const before = await home.start();
  await prepareEmulator(before, 0);

  // While the engine's table is locked, its start of a run waits at its first statement, after our commit.
  const holder = new pg.Client({ connectionString: await home.connectionString() });
  await holder.connect();
  try {
    await holder.query("BEGIN; LOCK TABLE dbos.workflow_status IN ACCESS EXCLUSIVE MODE");
    await signUpAll(before, keysOf("committed", 5));
    const isEngineWaiting = async () => {
      const waiting = await home.query(`
        SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO%workflow_status%'`);
      return waiting.length > 0;
    };
    await vi.waitUntil(isEngineWaiting, { timeout: 20_000, interval: 20 });
    await before.kill9();
    // Else Postgres would still do what a dead process asked of it, as soon as the lock is free.
    await home.query(
      `
      SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
      WHERE datname = 'loci' AND pid NOT IN (pg_backend_pid(), $1::int)`,
      [await pidOf(holder)],
    );
  } finally {
    await holder.end();
  }
  const left = await home.query<{ status: string; workflow: string | null }>(`
    SELECT o.status, w.workflow_uuid AS workflow
    FROM operation o LEFT JOIN dbos.workflow_status w ON starts_with(w.workflow_uuid, o.id)`);
  expect(left).toEqual(Array.from({ length: 5 }, () => ({ status: "QUEUED", workflow: null })));

  const after = await home.start();
  expect(await settledAccounts(home, after)).toEqual({
    tenants: { ACTIVE: 5 },
    operations: { "SIGN_UP SUCCEEDED": 5 },
    needAttention: [],
    twins: [],
    missing: [],
    unaccounted: [],
    drift: [],
  });
});

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid ?? 0;
}
