import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isProduction } from "../../src/config.ts";
import { openDatabase } from "../../src/database/connect.ts";
import { forEngine, withDatabase } from "../../src/database/connection-target.ts";
import { DatabaseUnavailable, MigrationFailed } from "../../src/database/errors.ts";
import { judgeLogin, refuseLoginAboveRules } from "../../src/database/judge-login.ts";
import { migrate } from "../../src/database/migrate.ts";
import { withTenantSession } from "../../src/database/tenant-session.ts";
import { Lifetime } from "../../src/lifetime.ts";
import { openMarkerSecret } from "../../src/tenants/installation.ts";
import { compileLoci, type LociProgram } from "../loci-program.ts";
import { startOwnPostgres } from "../program/own-postgres.ts";
import { killAll, lastLine, type Run, run } from "../run-loci.ts";
import { execute, type Login, makeLogin } from "./plain-login.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const migrationsDir = path.join(root, "prisma", "migrations");

const lifetime = new Lifetime();
/** A server on which nothing of Loci's has ever been, for roles are the whole server's. */
let superuser: string;
let program: LociProgram;
let folder: TemporaryFolder;
let databases = 0;

beforeAll(async () => {
  ({ connectionString: superuser } = await startOwnPostgres(lifetime, { name: "login", isDisposable: true }));
  program = await compileLoci();
  folder = await makeTemporaryFolder("loci-login-");
});

afterAll(async () => {
  await killAll();
  await program?.remove();
  await folder?.remove();
  await lifetime.end(pino({ level: "silent" }));
});

/** An empty database; answers its connection string for the superuser. */
async function createDatabase(owner?: Login): Promise<string> {
  databases += 1;
  const name = `login_test_${databases}`;
  await execute(superuser, `CREATE DATABASE ${name} ${owner === undefined ? "" : `OWNER ${owner.name}`}`);
  return withDatabase(superuser, name);
}

async function removeRole(): Promise<void> {
  const names = await execute(superuser, "SELECT datname AS name FROM pg_database WHERE NOT datistemplate");
  for (const { name } of names.rows) {
    const there = await execute(superuser, "SELECT FROM pg_roles WHERE rolname = 'loci_tenant'");
    if (there.rowCount === 1) await execute(withDatabase(superuser, name), "DROP OWNED BY loci_tenant");
  }
  await execute(superuser, "DROP ROLE IF EXISTS loci_tenant");
}

/** What a login that is not let in is told. */
async function toldTo(connectionString: string): Promise<string> {
  const { pool, close } = await openDatabase(connectionString);
  try {
    await judgeLogin(pool);
    return "let in";
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    expect(error.message).toMatch(/^[A-Z].*\.$/);
    return error.message;
  } finally {
    await close();
  }
}

/** Whether what Loci does with tables can be done with this connection, in a tenant's session and out of it. */
async function works(connectionString: string): Promise<void> {
  const { prisma, close } = await openDatabase(connectionString);
  try {
    await openMarkerSecret(prisma);
    for (const id of ["tnt_a", "tnt_b"]) {
      await prisma.$executeRaw`INSERT INTO tenant (id, key, generation, name, status)
        VALUES (${id}, ${id}, 1, 'T', 'PROVISIONING')`;
    }
    await prisma.tenant.update({ where: { id: "tnt_a" }, data: { name: "A" } });
    expect(await prisma.tenant.count()).toBe(2);
    const seen = await withTenantSession(prisma, "tnt_a").tenant.findMany();
    expect(seen.map(({ id }) => id)).toEqual(["tnt_a"]);
  } finally {
    await close();
  }
}

describe("the role loci_tenant", () => {
  it("is made by a login that may make roles, who is above no rule and serves Loci whole", async () => {
    await removeRole();
    const login = await makeLogin(superuser, "CREATEROLE");
    const url = login.of(await createDatabase(login));
    await migrate(url, { migrationsDir });
    await refuseLoginAboveRules(url);
    expect(await toldTo(url)).toBe("let in");
    await works(url);
  });

  it("is asked of a superuser, in words that work, by a login that may make no roles", async () => {
    await removeRole();
    const login = await makeLogin(superuser);
    const url = login.of(await createDatabase(login));
    const failure = await migrate(url, { migrationsDir }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationFailed);
    const words = String(failure);
    const [, create = "", grant = ""] =
      /run: (CREATE ROLE \w+ NOLOGIN;) \(unless there is one\) (GRANT \w+ TO \w+;)/.exec(words) ?? [];
    await execute(superuser, create);
    const again = await migrate(url, { migrationsDir }).catch((error: unknown) => error);
    expect(String(again)).toContain(grant);
    await execute(superuser, grant);
    await migrate(url, { migrationsDir });
    expect(await toldTo(url)).toBe("let in");
    await works(url);
  });

  it("is made once by installations of one server that start at the same moment", async () => {
    for (let round = 0; round < 3; round += 1) {
      await removeRole();
      const login = await makeLogin(superuser, "CREATEROLE");
      const urls = await Promise.all(
        Array.from({ length: 5 }, async () => login.of(await createDatabase(login))),
      );
      const applied = await Promise.all(urls.map((url) => migrate(url, { migrationsDir })));
      for (const migrations of applied) expect(migrations).toEqual(applied[0]);
      for (const url of urls) expect(await toldTo(url)).toBe("let in");
    }
  });

  it("that is above the rules is not taken", async () => {
    await removeRole();
    await execute(superuser, "CREATE ROLE loci_tenant BYPASSRLS");
    const failure = await migrate(await createDatabase(), { migrationsDir }).catch((error: unknown) => error);
    expect(String(failure)).toContain("ALTER ROLE loci_tenant NOSUPERUSER NOBYPASSRLS");
    await removeRole();
  });
});

describe("a login of the database", () => {
  it("is refused when it does not own the tables, cannot become loci_tenant, or there is no such role", async () => {
    const url = await createDatabase();
    await migrate(url, { migrationsDir });
    const login = await makeLogin(superuser);
    expect(await toldTo(login.of(url))).toMatch(/does not own Loci's tables/);
    const owning = await handOver(url, await makeLogin(superuser));
    await execute(superuser, `REVOKE loci_tenant FROM ${owning.name}`);
    expect(await toldTo(owning.of(url))).toContain(`run GRANT loci_tenant TO ${owning.name},`);
    await execute(superuser, `GRANT loci_tenant TO ${owning.name}`);
    expect(await toldTo(owning.of(url))).toBe("let in");
    await removeRole();
    expect(await toldTo(owning.of(url))).toMatch(/no role loci_tenant/);
  });

  it("that is above the rules is told apart, also where the connection becomes another role", async () => {
    const plain = await makeLogin(superuser);
    const url = await createDatabase(plain);
    await refuseLoginAboveRules(plain.of(url));
    const bypassing = await makeLogin(superuser, "BYPASSRLS");
    const becoming = `${url}?options=${encodeURIComponent(`-c role=${plain.name}`)}`;
    for (const above of [url, bypassing.of(url), becoming]) {
      const refused = refuseLoginAboveRules(above);
      await expect(refused).rejects.toBeInstanceOf(DatabaseUnavailable);
      await expect(refused).rejects.toThrow(/is a superuser or may bypass row-level security/);
    }
    const wrong = url.replace(/:[^:@]+@/, ":s3cret@");
    await expect(refuseLoginAboveRules(wrong)).rejects.toThrow(/password authentication failed/);
    await expect(refuseLoginAboveRules(wrong)).rejects.not.toThrow(/s3cret/);
  });
});

/** Gives a superuser's database to a login, by the script of the documents. */
async function handOver(url: string, login: Login): Promise<Login> {
  const page = await readFile(path.join(root, "docs", "decisions", "row-level-security.md"), "utf8");
  const [, script = ""] = /```sql hand-over\n([\s\S]*?)```/.exec(page) ?? [];
  expect(script).toContain("login text := 'loci';");
  await execute(url, script.replace("'loci'", `'${login.name}'`));
  return login;
}

describe("a database that a superuser made", () => {
  it("is handed over to a login by the script of the documents, with the engine's tables, and works", async () => {
    const url = await createDatabase();
    await migrate(url, { migrationsDir });
    await DBOS.migrate(forEngine(url), { schemaName: "dbos" });
    const login = await handOver(url, await makeLogin(superuser));
    await refuseLoginAboveRules(login.of(url));
    expect(await toldTo(login.of(url))).toBe("let in");
    await works(login.of(url));
    const { rows } = await execute(
      url,
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
       WHERE relnamespace::regnamespace::text IN ('public', 'dbos') AND rolname <> '${login.name}'`,
    );
    expect(rows).toEqual([]);
    // What the next release would do.
    const client = new pg.Client({ connectionString: login.of(url) });
    await client.connect();
    await client.query(`ALTER TYPE "TenantStatus" ADD VALUE 'SUSPENDED'`);
    await client.query(`CREATE OR REPLACE FUNCTION tenant_guard() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RETURN NEW; END $$`);
    await client.query("ALTER TABLE dbos.workflow_status ADD COLUMN later text");
    await client.end();
  });
});

describe("a start in production", () => {
  const databaseUrl = "postgresql://db.test/loci";
  const at = (baseUrl: string) => ({ apiKey: "m0-any", baseUrl });

  it.each([
    "https://api.mem0.ai",
    "https://mem0.test:8443/path",
    "http://10.0.0.7:4100",
    "https://127.0.0.1.mem0.test",
  ])("is one with a database of one's own and a Mem0 at %s", (baseUrl) => {
    expect(isProduction({ databaseUrl, mem0: at(baseUrl) })).toBe(true);
    expect(isProduction({ databaseUrl: null, mem0: at(baseUrl) })).toBe(false);
  });

  it.each(["http://127.0.0.1:4100", "http://localhost:4100", "http://[::1]:4100"])(
    "is none with a Mem0 at %s, or the built-in one",
    (baseUrl) => {
      expect(isProduction({ databaseUrl, mem0: at(baseUrl) })).toBe(false);
      expect(isProduction({ databaseUrl, mem0: null })).toBe(false);
    },
  );
});

describe("Loci in earnest", () => {
  const elsewhere = { MEM0_BASE_URL: "https://mem0.invalid", MEM0_API_KEY: "m0-never-sent" };
  const start = (env: Record<string, string>): Run =>
    run(program.main, [], {
      ...{ LOCI_DATA_DIR: folder.path, LOCI_ADMIN_TOKEN: "test-admin-token-0123456789" },
      ...{ LOG_LEVEL: "warn", ...env },
    });

  it("does not start as a superuser, says so in one sentence, and has made nothing with it", async () => {
    const url = await createDatabase();
    const loci = start({ ...elsewhere, DATABASE_URL: url });
    expect(await loci.ended).toBe(1);
    expect(loci.stderr()).toMatch(
      /^The database's login loci is a superuser or may bypass row-level security, .* see docs\/decisions\/row-level-security\.md\.\n$/,
    );
    const { rows } = await execute(url, "SELECT to_regclass('tenant') AS made");
    expect(rows).toEqual([{ made: null }]);
  });

  it("starts as a login that owns its database and is no superuser, and asks Mem0 next", async () => {
    const login = await makeLogin(superuser, "CREATEROLE");
    await removeRole();
    const url = login.of(await createDatabase(login));
    const loci = start({ ...elsewhere, DATABASE_URL: url });
    expect(await loci.ended).toBe(1);
    expect(loci.stderr()).toMatch(/^Mem0 at https:\/\/mem0\.invalid cannot be used/);
  });

  it("signs up, gives out a token, and serves its tenant, all as such a login", async () => {
    const login = await makeLogin(superuser, "CREATEROLE");
    await removeRole();
    const url = login.of(await createDatabase(login));
    const encryptionKey = Buffer.alloc(32, 7).toString("base64");
    const loci = start({ DATABASE_URL: url, LOCI_ENCRYPTION_KEY: encryptionKey });
    await loci.said(lastLine);
    const [, endpoint = ""] = /GraphQL +(\S+)/.exec(loci.stdout()) ?? [];
    const send = async (token: string, query: string) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query }) });
      return (await response.json()) as { data: { createApiToken?: { token: string } } };
    };
    const admin = "test-admin-token-0123456789";
    const signedUp = await send(
      admin,
      `mutation { signUpTenant(input: { key: "acme", name: "Acme", idempotencyKey: "1", waitMs: 20000 }) {
        __typename ... on SignUpTenantPayload { tenant { status } } } }`,
    );
    expect(signedUp).toMatchObject({ data: { signUpTenant: { tenant: { status: "ACTIVE" } } } });
    const made = await send(
      admin,
      `mutation { createApiToken(input: { kind: TENANT, label: "Acme", tenantKey: "acme", reason: "A test." }) {
        __typename ... on ApiTokenPayload { token } ... on Error { message } } }`,
    );
    const token = made.data.createApiToken?.token ?? JSON.stringify(made);
    const seen = await send(
      token,
      `{ viewer { tenant { key memoryAccess { state } } } tenant(key: "acme") { status } }`,
    );
    expect(seen).toMatchObject({
      data: {
        viewer: { tenant: { key: "acme", memoryAccess: { state: "MISSING" } } },
        tenant: { status: "ACTIVE" },
      },
    });
    loci.kill("SIGINT");
    expect(await loci.ended).toBe(0);
  });
});
