import { afterAll, beforeAll, expect, it } from "vitest";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { Crew } from "./crew.ts";
import { agreedRecords } from "./engine-record.ts";
import { keysOf, prepareEmulator, signUpAll } from "./fleet.ts";

const env = { LOCI_SETTLE_MS: "1500", LOCI_IN_FLIGHT_MAX: "20" };
const latencyMs = 150;

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

const wholeFleet = (count: number) => ({
  tenants: { ACTIVE: count },
  operations: { "SIGN_UP SUCCEEDED": count },
  ...{ needAttention: [], twins: [], missing: [], unaccounted: [], drift: [] },
});

it("workers share the work of an API, and two of them go on with what the third leaves that is killed", {
  timeout: 180_000,
}, async () => {
  const crew = await Crew.forTest(program, env);
  const api = await crew.startApi();
  const workers = await Promise.all([crew.startWorker(), crew.startWorker(), crew.startWorker()]);
  await prepareEmulator(api, latencyMs);
  await signUpAll(api, ["first"], 30_000);
  await signUpAll(api, keysOf("shared", 60));

  const runsOf = `SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' GROUP BY executor_id
    HAVING count(*) >= 5`;
  for (const { executorId } of workers) {
    await crew.until(`SELECT FROM (${runsOf}) AS busy WHERE executor_id = $1`, [executorId]);
  }
  const [victim] = workers;
  await victim.kill9();
  const left = await crew.query(
    "SELECT FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = $1",
    [victim.executorId],
  );
  expect(left.length, "runs that the killed worker left").toBeGreaterThan(0);

  expect(await settledAccounts(crew, api)).toEqual(wholeFleet(61));
  expect(await agreedRecords(crew)).toEqual({ operations: { SUCCEEDED: 61 }, disagreements: [] });
  const executors = await crew.query<{ id: string }>(
    "SELECT id FROM executor WHERE handed_over_at IS NOT NULL AND id <> 'loci'",
  );
  expect(executors.map(({ id }) => id)).toEqual([victim.executorId]);
});

it("what an API accepts while there is no worker waits for one", { timeout: 60_000 }, async () => {
  const crew = await Crew.forTest(program, env);
  const api = await crew.startApi();
  await signUpAll(api, ["waiting"]);
  expect(await crew.query("SELECT status::text, claimed_at FROM operation")).toEqual([
    { status: "QUEUED", claimed_at: null },
  ]);
  await prepareEmulator(api, 0);
  await crew.startWorker();
  expect(await settledAccounts(crew, api)).toMatchObject({ tenants: { ACTIVE: 1 } });
});

it("a worker whose session broke for a moment takes its lock again, and nobody takes over", {
  timeout: 60_000,
}, async () => {
  const crew = await Crew.forTest(program, env);
  const api = await crew.startApi();
  const [worker] = await Promise.all([crew.startWorker(), crew.startWorker()]);
  const sessionOf = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
  for (let round = 0; round < 3; round++) {
    const [before] = await crew.query<{ pid: number }>(sessionOf, [worker.executorId]);
    await crew.query("SELECT pg_terminate_backend($1)", [before?.pid]);
    await crew.until(`${sessionOf} AND pid <> $2`, [worker.executorId, before?.pid]);
  }
  await prepareEmulator(api, 20);
  await signUpAll(api, ["first"], 30_000);
  await signUpAll(api, keysOf("after", 10));
  expect(await settledAccounts(crew, api)).toEqual(wholeFleet(11));
  expect(await crew.query("SELECT FROM executor WHERE condemned_at IS NOT NULL AND id <> 'loci'")).toEqual(
    [],
  );
});
