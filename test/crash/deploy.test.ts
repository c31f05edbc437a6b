import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { settledAccounts } from "./accounts.ts";
import { Crew } from "./crew.ts";
import { agreedRecords } from "./engine-record.ts";
import { prepareEmulator, signUpAll } from "./fleet.ts";

/** Two releases of Loci: today's sign-up, and one in which it was changed as a later release would change it. */
let old: LociProgram;
let next: LociProgram;

/** The change: a step that was not there before, and members who join one after the other. */
const changed = `stages: [
        [createOrganization],
        [createProject],
        [joinOrganization],
        [applySettings, joinProject, createWebhooks],
        [greet],
        [activate],
        [readBack],
    ],
    changes: [{
        patch: "2027-01-31-members-after-the-project",
        from: 1,
        were: [
            [createProject, joinOrganization],
            [applySettings, joinProject, createWebhooks],
            [activate],
            [readBack],
        ],
    }],
    onFailure`;

const greet = `
const greet = {
    name: "greet",
    output: nothing,
    invoke: async () => ({}),
    compensate: nothingToUndo("It is a word."),
};
`;

beforeAll(async () => {
  [old, next] = await Promise.all([compileLoci(), compileLoci()]);
  const file = path.join(path.dirname(next.main), "provisioning", "sign-up-tenant.js");
  const source = await readFile(file, "utf8");
  const saga = /stages: \[[\s\S]*?\],\s*onFailure/;
  const begins = "export const signUpSaga";
  if (!saga.test(source) || source.split(begins).length !== 2) {
    throw new Error("The compiled sign-up looks otherwise than this test knows it.");
  }
  await writeFile(file, source.replace(begins, `${greet}${begins}`).replace(saga, changed));
});

afterAll(async () => {
  await Promise.all([old?.remove(), next?.remove()]);
});

/** The steps of a tenant's sign-up that were done, in the order in which they began. */
async function stepsOf(crew: Crew, key: string): Promise<string[]> {
  const rows = await crew.query<{ name: string }>(
    `SELECT s.name FROM operation_step s JOIN operation o ON o.id = s.operation_id JOIN tenant t ON t.id = o.tenant_id
     WHERE t.key = $1 AND s.status = 'SUCCEEDED' ORDER BY s.started_at, s.position`,
    [key],
  );
  return rows.map(({ name }) => name);
}

async function untilStarted(crew: Crew, key: string, step: string): Promise<void> {
  await crew.until(
    `SELECT FROM operation_step s JOIN operation o ON o.id = s.operation_id JOIN tenant t ON t.id = o.tenant_id
     WHERE t.key = $1 AND s.name = $2 AND s.status = 'RUNNING'`,
    [key, step],
  );
}

/** Lets the answers to this request of any tenant come so late that the process is dead by then. */
async function hold(crew: Crew, method: string, path: string): Promise<void> {
  await crew.emulator.failNext({
    match: { method, path },
    fault: { kind: "slow", ms: 60_000, when: "after" },
    count: 1,
  });
}

it("a sign-up that old code has begun is finished by new code: the old way from where it stood", {
  timeout: 120_000,
}, async () => {
  const crew = await Crew.forTest(old, { LOCI_SETTLE_MS: "500" });
  const api = await crew.startApi();
  const worker = await crew.startWorker();
  await prepareEmulator(api, 0);
  await signUpAll(api, ["first"], 30_000);

  // One stands before the place of the change when the old code is killed, one behind it.
  await hold(crew, "POST", "/api/v1/orgs/organizations/");
  await signUpAll(api, ["before"]);
  await untilStarted(crew, "before", "createOrganization");
  await hold(crew, "GET", "/api/v1/orgs/organizations/*/");
  await signUpAll(api, ["behind"]);
  await untilStarted(crew, "behind", "readBack");
  await worker.kill9();
  await crew.emulator.clearFaults();

  crew.deploy(next);
  await crew.startWorker();
  await signUpAll(api, ["new"], 30_000);
  expect(await settledAccounts(crew, api)).toMatchObject({
    tenants: { ACTIVE: 4 },
    operations: { "SIGN_UP SUCCEEDED": 4 },
    ...{ needAttention: [], twins: [], missing: [], unaccounted: [], drift: [] },
  });
  expect(await agreedRecords(crew)).toMatchObject({ disagreements: [] });
  const oldWay = ["createOrganization", "createProject", "activate", "readBack"];
  const newWay = ["createOrganization", "createProject", "greet", "activate", "readBack"];
  expect({
    behind: await stepsOf(crew, "behind"),
    before: await stepsOf(crew, "before"),
    new: await stepsOf(crew, "new"),
  }).toEqual({ behind: oldWay, before: newWay, new: newWay });
});
