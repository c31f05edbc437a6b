import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { Crew } from "./crew.ts";
import { prepareEmulator, signUpAll } from "./fleet.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

/** How many creates of an organization the emulator has seen, answered or not. */
async function createsSeen({ emulator }: Crew): Promise<number> {
  const { requests } = await emulator.requests();
  return requests.filter(({ method, path }) => method === "POST" && path === "/api/v1/orgs/organizations/")
    .length;
}

it("a worker that wakes up after a peer has finished its step sends nothing, and ends", {
  timeout: 120_000,
}, async () => {
  const crew = await Crew.forTest(program, { LOCI_SETTLE_MS: "300" });
  const api = await crew.startApi();
  const frozen = await crew.startWorker();
  await prepareEmulator(api, 0);
  await signUpAll(api, ["first"], 30_000);

  // It is stopped while Postgres commits its attempt: all that is left to do when it wakes up is to send the create.
  const gate = new pg.Client({ connectionString: crew.connectionString });
  await gate.connect();
  await gate.query("BEGIN; LOCK TABLE attempt IN SHARE ROW EXCLUSIVE MODE");
  await signUpAll(api, ["contested"]);
  await crew.until(
    "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO attempt%'",
  );
  frozen.freeze();
  await gate.query("COMMIT");
  await gate.end();
  const attempt = `SELECT a.outcome::text FROM attempt a JOIN operation o ON o.id = a.operation_id
    JOIN tenant t ON t.id = o.tenant_id WHERE t.key = 'contested' AND a.step = 'createOrganization'`;
  await crew.until(attempt);
  expect(await crew.query(attempt), "committed, and nothing sent").toEqual([{ outcome: null }]);

  await crew.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
    frozen.executorId,
  ]);
  await crew.startWorker();
  await crew.until(
    `SELECT FROM operation_step s JOIN operation o ON o.id = s.operation_id JOIN tenant t ON t.id = o.tenant_id
     WHERE t.key = 'contested' AND s.name = 'createOrganization' AND s.status = 'SUCCEEDED'`,
  );

  const before = await createsSeen(crew);
  frozen.thaw();
  expect(await frozen.ended, "it reads that it was condemned").toBe(1);
  expect(frozen.stderr()).toContain("another process took over from this one");
  expect(before, "the first tenant's, and the contested one's by the peer").toBe(2);
  expect(await createsSeen(crew)).toBe(before);
  expect(await settledAccounts(crew, api)).toMatchObject({
    tenants: { ACTIVE: 2 },
    ...{ needAttention: [], twins: [], missing: [], unaccounted: [] },
  });
});
