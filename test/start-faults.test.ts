import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { withDatabase } from "../src/database/connection-target.ts";
import { type Emulator, startEmulator } from "../src/emulator/emulator.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./database/temporary-folder.ts";
import { EmulatorControl } from "./emulator-control.ts";
import { compileLoci, type LociProgram } from "./loci-program.ts";
import { killAll, lastLine, processesIn, type Run, run } from "./run-loci.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

let program: LociProgram;
let folder: TemporaryFolder;
let database: TestDatabase;
/** Somebody else's server: it has a port, and answers in HTML. */
let stranger: Server;
let strangerPort: string;
let emulator: Emulator;
let control: EmulatorControl;

beforeAll(async () => {
  program = await compileLoci();
  emulator = await startEmulator({ apiKey: "m0-the-right-key" });
  control = new EmulatorControl(emulator.url);
  stranger = createServer((_request, response) => response.end("<html>It works!</html>")).listen(
    0,
    "127.0.0.1",
  );
  await once(stranger, "listening");
  strangerPort = String((stranger.address() as AddressInfo).port);
});

afterAll(async () => {
  await program?.remove();
  await emulator?.close();
  stranger?.close();
});

beforeEach(async () => {
  folder = await makeTemporaryFolder("loci-faults-");
  database = await createTestDatabase();
});

afterEach(async () => {
  await killAll();
  await folder.remove();
  await database.drop();
});

/** Starts on the test's database, so that no Postgres of its own is needed; `null` takes a variable away. */
function start(env: Record<string, string | null> = {}): Run {
  const all = {
    LOCI_DATA_DIR: folder.path,
    DATABASE_URL: database.connectionString,
    LOG_LEVEL: "warn",
    ...env,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  return run(program.main, [], Object.fromEntries(given));
}

/** What it said when it could not start: nothing but one sentence on stderr; and it left nothing running. */
async function sentence(loci: Run): Promise<string> {
  const started = loci.said(lastLine).then(
    () => "it started",
    () => loci.ended,
  );
  expect(await Promise.race([loci.ended, started])).toBe(1);
  expect(loci.stdout()).toBe("");
  expect(await processesIn(folder.path)).toEqual([]);
  const lines = loci.stderr().split("\n");
  expect(lines).toEqual([expect.stringMatching(/^[A-Z].*\.$/), ""]);
  return lines[0] ?? "";
}

const mem0Of = (upstream: Emulator, apiKey = upstream.apiKey) => ({
  MEM0_BASE_URL: upstream.url,
  MEM0_API_KEY: apiKey,
});

describe("Loci cannot start, and says why in one sentence, when", () => {
  it("its port is in use", async () => {
    expect(await sentence(start({ PORT: strangerPort }))).toBe(
      `Port ${strangerPort} is in use; set PORT to another one, or to 0 for any free one.`,
    );
    // It was known before anything was begun.
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("the emulator's port is in use", async () => {
    expect(await sentence(start({ LOCI_EMULATOR_PORT: strangerPort }))).toBe(
      `Port ${strangerPort} is in use; set LOCI_EMULATOR_PORT to another one, or to 0 for any free one.`,
    );
  });

  it("the machine has no such address", async () => {
    // 192.0.2.0/24 is for examples and nobody's (RFC 5737).
    expect(await sentence(start({ HOST: "192.0.2.1" }))).toMatch(
      /^This machine has no address 192\.0\.2\.1; set HOST/,
    );
  });

  it.each([
    [
      "does not answer",
      () => "postgresql://loci:s3cret@127.0.0.1:1/loci",
      /^The database at 127\.0\.0\.1:1\/loci cannot be used: .*ECONNREFUSED/,
    ],
    [
      "is not there",
      () => withDatabase(database.connectionString, "nowhere"),
      /^The database at .*\/nowhere cannot be used: .*does not exist/,
    ],
    [
      "does not let us in",
      () => database.connectionString.replace(/:[^:@]+@/, ":s3cret@"),
      /^The database at .* cannot be used: password authentication failed/,
    ],
  ])("the database %s", async (_what, url, words) => {
    const said = await sentence(start({ DATABASE_URL: url() }));
    expect(said).toMatch(words);
    expect(said).not.toContain("s3cret");
  });

  it("the database was migrated by a newer release", async () => {
    await onDatabase(`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
      VALUES ('later', 'x', '29990101000000_later', now())`);
    expect(await sentence(start())).toMatch(/migrated by a newer release of Loci \(29990101000000_later\)/);
  });

  it("the data folder's database was made by another Postgres", async () => {
    const cluster = path.join(folder.path, "postgres", "cluster");
    await mkdir(cluster, { recursive: true });
    await writeFile(path.join(cluster, "PG_VERSION"), "17\n");
    expect(await sentence(start({ DATABASE_URL: null }))).toMatch(
      new RegExp(
        `^The database in ${cluster} was made by Postgres 17, and this release brings Postgres \\d+; .*LOCI_DATA_DIR`,
      ),
    );
  });

  it("another Loci has the data folder, which goes on", async () => {
    const first = start();
    await first.said(lastLine);
    const second = await createTestDatabase();
    try {
      const said = await sentence(start({ DATABASE_URL: second.connectionString }));
      expect(said).toBe(
        `The data folder ${folder.path} is in use by process ${first.pid}; stop it, or set LOCI_DATA_DIR to another folder.`,
      );
    } finally {
      await second.drop();
    }
    await stillReady(first);
  });

  it("the data folder is a file, or another's", async () => {
    const file = path.join(folder.path, "file");
    await writeFile(file, "");
    expect(await sentence(start({ LOCI_DATA_DIR: file }))).toMatch(
      /^The data folder .* is not a folder; set LOCI_DATA_DIR/,
    );
  });

  it("the kept token is none", async () => {
    await writeFile(path.join(folder.path, "admin-token"), "two words\n");
    expect(await sentence(start())).toMatch(/^The admin token cannot be kept in .*admin-token: .*remove it/);
  });

  it("the emulator's journal is damaged", async () => {
    await writeFile(path.join(folder.path, "emulator.journal"), "not a journal\nat all\n");
    expect(await sentence(start())).toContain("emulator.journal");
  });

  it("Mem0 refuses the key, and then the Postgres that was started is stopped", async () => {
    const said = await sentence(start({ DATABASE_URL: null, ...mem0Of(emulator, "m0-the-wrong-key") }));
    expect(said).toMatch(/^Mem0 at http:\S+ does not accept MEM0_API_KEY: Mem0 refused .*401/);
    expect(said).not.toContain("m0-the-wrong-key");
    // Postgres was made: what is not running now had run.
    expect(await readdir(path.join(folder.path, "postgres"))).toContain("cluster");
  });

  it.each([
    [
      "does not answer",
      () => "http://127.0.0.1:1",
      /^Mem0 at http:\/\/127\.0\.0\.1:1 cannot be used, see MEM0_BASE_URL: .*no connection could be made/,
    ],
    [
      "is something else",
      () => `http://127.0.0.1:${strangerPort}`,
      /^Mem0 at \S+ cannot be used, see MEM0_BASE_URL: .*not JSON/,
    ],
  ])("what is at Mem0's address %s", async (_what, baseUrl, words) => {
    expect(await sentence(start({ MEM0_BASE_URL: baseUrl(), MEM0_API_KEY: "m0-any" }))).toMatch(words);
  });

  it("the database knows another Mem0 than the configured one", async () => {
    const first = start();
    await first.said(lastLine);
    first.kill("SIGINT");
    expect(await first.ended).toBe(0);
    const said = await sentence(start(mem0Of(emulator)));
    expect(said).toMatch(
      /^This database maps tenants into the Mem0 account of .* at emulator, but the configured key is that of /,
    );
    expect(said).toContain(emulator.url);
    expect(said).not.toContain(emulator.apiKey);
  });

  it.each([
    ["another account's", "somebody@else.test", async () => pinged()],
    ["of another organization", "platform@loci.test", async () => elsewhere()],
  ])("the key is %s, at the same Mem0", async (_whose, email, place) => {
    const first = start(mem0Of(emulator));
    await first.said(lastLine);
    first.kill("SIGINT");
    expect(await first.ended).toBe(0);
    await control.registerUser(email);
    const { api_key: another } = await onEmulator<{ api_key: string }>("POST", "/_emulator/keys", {
      ...(await place()),
      email,
    });
    expect(await sentence(start(mem0Of(emulator, another)))).toMatch(
      new RegExp(`but the configured key is that of ${email}`),
    );
  });

  /** The place of the emulator's own key. */
  async function pinged() {
    const { org_id, project_id } = await onEmulator<{ org_id: string; project_id: string }>(
      "GET",
      "/v1/ping/",
    );
    return { org_id, project_id };
  }

  async function elsewhere() {
    return control.putOrganization({ name: "Else", owner_email: "platform@loci.test" });
  }
});

async function onEmulator<T>(method: string, what: string, body?: object): Promise<T> {
  const headers = { "content-type": "application/json", authorization: `Token ${emulator.apiKey}` };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${emulator.url}${what}`, { method, headers, ...sent });
  return (await response.json()) as T;
}

describe("a configuration with several faults", () => {
  it("is refused with a line for each, and nothing is begun", async () => {
    const loci = start({ PORT: "many", LOG_LEVEL: "loud", MEM0_BASE_URL: emulator.url });
    expect(await loci.ended).toBe(1);
    expect(loci.stdout()).toBe("");
    const lines = loci.stderr().trimEnd().split("\n");
    expect(lines.map((line) => line.split(":")[0]?.trim())).toEqual([
      "The configuration is not valid",
      "PORT",
      "LOG_LEVEL",
      "MEM0_API_KEY",
    ]);
    expect(await readdir(folder.path)).toEqual([]);
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

async function stillReady(loci: Run): Promise<void> {
  const [, url = ""] = /GraphQL +(\S+)\/graphql/.exec(loci.stdout()) ?? [];
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
}
