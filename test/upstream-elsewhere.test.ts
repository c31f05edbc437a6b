import { readdir } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeTemporaryFolder, type TemporaryFolder } from "./database/temporary-folder.ts";
import { EmulatorControl } from "./emulator-control.ts";
import { compileLoci, type LociProgram } from "./loci-program.ts";
import { freshKey, until } from "./main-job.ts";
import { killAll, lastLine, processesIn, run } from "./run-loci.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

const apiKey = "m0-of-the-separate-one";
const token = "a-token-of-my-own-choice";

let program: LociProgram;
let folder: TemporaryFolder;
let database: TestDatabase;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(async () => {
  await program?.remove();
});

beforeEach(async () => {
  folder = await makeTemporaryFolder("loci-elsewhere-");
  database = await createTestDatabase();
});

afterEach(async () => {
  await killAll();
  await folder.remove();
  await database.drop();
});

/** A Mem0 in a process of its own. */
async function startMem0() {
  const mem0 = run(
    path.join(path.dirname(program.main), "emulator", "cli.js"),
    ["--port", "0", "--api-key", apiKey],
    {},
  );
  await mem0.said("with the API key");
  const [, url = ""] = /on (http:\S+)/.exec(mem0.stdout()) ?? [];
  return { mem0, url, control: new EmulatorControl(url) };
}

describe("with a Mem0 and a database of its own choice", () => {
  it("Loci runs on them alone: signs up, off-boards, and leaves no secret and no file", async () => {
    const { mem0, url, control } = await startMem0();
    await control.registerUser("ada@acme.test");
    const loci = run(program.main, [], {
      LOCI_DATA_DIR: path.join(folder.path, "never-made"),
      DATABASE_URL: database.connectionString,
      LOCI_ADMIN_TOKEN: token,
      MEM0_API_KEY: apiKey,
      MEM0_BASE_URL: `${url}/`,
      LOG_LEVEL: "trace",
    });
    await loci.said(lastLine);
    const send = sender(loci.stdout());

    const [, mutation = ""] = /\n(mutation \{[\s\S]*?\n\})\n/.exec(loci.stdout()) ?? [];
    // On a real account a first try invites nobody and calls nobody.
    expect(mutation).not.toMatch(/members|webhooks/);
    expect(await send(mutation)).toMatchObject({
      data: { signUpTenant: { tenant: { key: "acme", status: "ACTIVE" } } },
    });

    expect(
      await send(`mutation { signUpTenant(input: { key: "whole", name: "Whole", idempotencyKey: "${freshKey()}", waitMs: 20000,
        members: [{ email: "ada@acme.test" }], webhooks: [{ url: "https://acme.test/hook", eventTypes: [MEMORY_ADD] }] }) {
        __typename ... on SignUpTenantPayload { tenant { status } } } }`),
    ).toMatchObject({ data: { signUpTenant: { tenant: { status: "ACTIVE" } } } });
    await until(async () => namesOf(await control.tables()).length === 2, "both are there upstream");
    const tables = await control.tables();
    expect(namesOf(tables)).toEqual(["Acme Inc.", "Whole"]);
    expect(tables.webhooks).toMatchObject([{ url: "https://acme.test/hook" }]);
    const whole = tables.organizations.find(({ name }) => name.startsWith("Whole"));
    expect(whole?.members.map(({ email }) => email)).toContain("ada@acme.test");

    const gone = await until(async () => {
      const answer =
        await send(`mutation { offboardTenant(input: { key: "whole", idempotencyKey: "${freshKey()}", waitMs: 20000 }) {
        __typename ... on OffboardTenantPayload { tenant { status } } } }`);
      // The read-back after the sign-up may still be open.
      return JSON.stringify(answer).includes("OperationInProgress") ? null : answer;
    }, "it can be off-boarded");
    expect(gone).toMatchObject({ data: { offboardTenant: { tenant: { status: "OFFBOARDED" } } } });
    expect(namesOf(await control.tables())).toEqual(["Acme Inc."]);
    expect((await control.tables()).webhooks).toEqual([]);

    // What goes wrong is logged at length, and Mem0 may say the key back to us.
    const fault = { kind: "refuse", status: 400, body: { detail: `No ${apiKey} here` } } as const;
    await control.failNext({ match: { method: "POST" }, fault });
    const refused =
      await send(`mutation { signUpTenant(input: { key: "refused", name: "R", idempotencyKey: "r", waitMs: 20000 }) {
      __typename ... on SignUpTenantPayload { tenant { status } operation { reason } } } }`);
    expect(refused).toMatchObject({ data: { signUpTenant: { tenant: { status: "FAILED" } } } });
    expect(JSON.stringify(refused)).not.toContain(apiKey);
    await onDatabase("ALTER TABLE tenant RENAME TO tenant_away");
    expect(JSON.stringify(await send('{ tenant(key: "whole") { id } }'))).toContain("Internal error");
    await onDatabase("ALTER TABLE tenant_away RENAME TO tenant");
    await onDatabase(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    await loci.said("connection broke while idle", "stderr");

    expect(await processesIn(folder.path)).toEqual([]);
    expect(loci.stdout()).not.toContain("NOT THE REAL MEM0");
    expect(loci.stdout()).toContain(`Mem0       ${url}\n`);
    loci.kill("SIGTERM");
    expect(await loci.ended).toBe(0);
    expect(await readdir(folder.path)).toEqual([]);
    expect((await control.tables()).organizations.length).toBeGreaterThan(0);
    mem0.kill("SIGINT");
    expect(await mem0.ended).toBe(0);

    const password = decodeURIComponent(new URL(database.connectionString).password);
    expect(loci.stderr()).toContain('"level":10');
    for (const secret of [apiKey, token, password]) {
      expect(secret.length).toBeGreaterThan(8);
      expect(loci.stdout() + loci.stderr()).not.toContain(secret);
    }
  });
});

async function onDatabase(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The display names of the organizations that were signed up; the key's own organization is nobody's. */
function namesOf(tables: { organizations: readonly { name: string }[] }): string[] {
  return tables.organizations.flatMap(({ name }) =>
    / ·[A-Z2-7]{16}$/.test(name) ? [name.split(" ·")[0] ?? ""] : [],
  );
}

function sender(banner: string) {
  const [, url = ""] = /GraphQL +(\S+)/.exec(banner) ?? [];
  return async (query: string): Promise<unknown> => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    return response.json();
  };
}
