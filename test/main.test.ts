import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { findPostmaster, stopPostmaster } from "../src/database/postmaster.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./database/temporary-folder.ts";
import { EmulatorControl } from "./emulator-control.ts";
import { clusterDirOf } from "./loci-process.ts";
import { compileLoci, type LociProgram } from "./loci-program.ts";
import { until } from "./main-job.ts";
import { killAll, lastLine, processesIn, type Run, run } from "./run-loci.ts";
import { createTestDatabase } from "./test-database.ts";

let program: LociProgram;
let folder: TemporaryFolder;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(async () => {
  await program?.remove();
});

beforeEach(async () => {
  folder = await makeTemporaryFolder("loci-main-");
});

afterEach(async () => {
  await killAll();
  // A test that failed may have left it running.
  const postmaster = await findPostmaster(clusterDirOf(folder.path));
  if (postmaster !== undefined) await stopPostmaster(postmaster.process);
  await folder.remove();
});

function start(env: Record<string, string> = {}): Run {
  return run(program.main, [], { LOCI_DATA_DIR: folder.path, LOG_LEVEL: "info", ...env });
}

/** What the banner tells a person: where to go, what to show at the door, and what to send. */
function readBanner(stdout: string) {
  const [, graphqlUrl = ""] = /GraphQL +(\S+)/.exec(stdout) ?? [];
  const [, emulatorUrl = ""] = /Mem0 +(\S+)/.exec(stdout) ?? [];
  const [, token = ""] = /Token +(\S+)/.exec(stdout) ?? [];
  const mutation = stdout.slice(stdout.indexOf("\nmutation {"), stdout.indexOf(lastLine)).trim();
  return { graphqlUrl, emulatorUrl, token, mutation };
}

async function send(graphqlUrl: string, token: string, query: string) {
  const response = await fetch(graphqlUrl, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as {
    data: { signUpTenant: { __typename: string; tenant: { key: string; status: string } } };
  };
}

/** The log's lines. @throws when anything but the log is on stderr */
function readLog(stderr: string): { level: number; msg: string }[] {
  const lines = stderr.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as { level: number; msg: string });
}

describe("a first start, and a second one on the same folder", () => {
  it("print a mutation that succeeds as it stands, keep one token, and stop without a trace", async () => {
    const first = start();
    await first.said(lastLine);
    const banner = readBanner(first.stdout());
    expect(first.stdout()).toContain("NOT THE REAL MEM0");
    expect(await send(banner.graphqlUrl, banner.token, banner.mutation)).toMatchObject({
      data: {
        signUpTenant: { __typename: "SignUpTenantPayload", tenant: { key: "acme", status: "ACTIVE" } },
      },
    });
    const tokenFile = path.join(folder.path, "admin-token");
    expect(await readFile(tokenFile, "utf8")).toBe(`${banner.token}\n`);
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);
    expect(await processesIn(folder.path)).not.toEqual([]);

    first.kill("SIGINT");
    await first.said("Stopping …");
    expect(await first.ended).toBe(0);
    expect(await processesIn(folder.path)).toEqual([]);
    // Nothing but the log is on stderr, and nothing in it is worth a person's worry.
    expect(readLog(first.stderr()).filter(({ level }) => level > 30)).toEqual([]);

    const second = start({ LOG_LEVEL: "trace" });
    await second.said(lastLine);
    const again = readBanner(second.stdout());
    expect(again.token).toBe(banner.token);
    expect(again.mutation).not.toContain('key: "acme",');
    expect(await send(again.graphqlUrl, again.token, again.mutation)).toMatchObject({
      data: {
        signUpTenant: { __typename: "SignUpTenantPayload", tenant: { key: "acme-2", status: "ACTIVE" } },
      },
    });
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
    expect(await processesIn(folder.path)).toEqual([]);
    expect(readLog(second.stderr()).filter(({ level }) => level > 30)).toEqual([]);
    await expectNoSecrets(second, again.token);
  });

  /** Everything was logged; the token stands in the banner, once, and the other secrets nowhere. */
  async function expectNoSecrets(loci: Run, token: string) {
    expect(readLog(loci.stderr()).some(({ level }) => level < 30)).toBe(true);
    const password = await readFile(path.join(folder.path, "postgres", "password"), "utf8");
    const journal = await readFile(path.join(folder.path, "emulator.journal"), "utf8");
    const [, apiKey = ""] = /"api_key":"(m0-[\w-]+)"/.exec(journal) ?? [];
    for (const secret of [password.trim(), apiKey]) {
      expect(secret.length).toBeGreaterThan(8);
      expect(loci.stdout() + loci.stderr()).not.toContain(secret);
    }
    expect(loci.stderr()).not.toContain(token);
    expect(loci.stdout().split(token)).toHaveLength(2);
  }
});

describe("a token of the caller's own", () => {
  it("opens the door, is never printed, and nothing of it is kept", async () => {
    const token = "a-token-of-my-own-choice";
    const database = await createTestDatabase();
    onTestFinished(database.drop);
    const loci = start({
      DATABASE_URL: database.connectionString,
      LOCI_ADMIN_TOKEN: token,
      LOG_LEVEL: "trace",
    });
    await loci.said(lastLine);
    const { graphqlUrl, mutation } = readBanner(loci.stdout());
    expect((await send(graphqlUrl, token, mutation)).data.signUpTenant.tenant.status).toBe("ACTIVE");
    loci.kill("SIGINT");
    expect(await loci.ended).toBe(0);
    expect(loci.stdout() + loci.stderr()).not.toContain(token);
    // The folder is used all the same: the emulator's journal is in it.
    expect(await readdir(folder.path)).toEqual(["emulator.journal", "lock"]);
  });
});

describe("an order to stop in the midst of the start", () => {
  it.each([
    ["while Postgres makes its files", "Making a new Postgres", "SIGINT"],
    ["when the tables were just made", '"migrated"', "SIGTERM"],
  ] as const)("is obeyed without a trace, %s, and the next start works", async (_when, words, signal) => {
    const interrupted = start();
    await interrupted.said(words, "stderr");
    interrupted.kill(signal);
    expect(await interrupted.ended).toBe(0);
    expect(interrupted.stdout()).toBe("\nStopping …\n");
    expect(await processesIn(folder.path)).toEqual([]);
    expect(readLog(interrupted.stderr()).filter(({ level }) => level > 30)).toEqual([]);

    const next = start();
    await next.said(lastLine);
    next.kill("SIGINT");
    expect(await next.ended).toBe(0);
  });
});

describe("an order to stop in the midst of work", () => {
  const env = { LOCI_SETTLE_MS: "300", LOCI_TWIN_CHECK_MS: "0" };

  it("is obeyed in seconds, also when repeated, and the next start ends the work without a twin", async () => {
    const first = start(env);
    await first.said(lastLine);
    const { graphqlUrl, emulatorUrl, token, mutation } = readBanner(first.stdout());
    // The first sign-up proves the lists, by which the others are looked for later.
    await send(graphqlUrl, token, mutation);
    const emulator = new EmulatorControl(emulatorUrl);
    await until(async () => (await emulator.tables()).webhooks.length === 1, "the first is whole");
    // Longer than the whole end may take.
    await emulator.setSwitches({ latencyMs: 20_000 });
    await emulator.clearRequests();
    const keys = Array.from({ length: 8 }, (_, index) => `slow-${index}`);
    const asked = keys.map((key) =>
      send(
        graphqlUrl,
        token,
        `mutation { signUpTenant(input: { key: "${key}", name: "${key}", idempotencyKey: "${key}", waitMs: 60000 }) {
          __typename ... on SignUpTenantPayload { tenant { key status } } } }`,
      ),
    );
    const slowOnes = async (control: EmulatorControl) =>
      (await control.tables()).organizations.flatMap(({ name }) => name.match(/^slow-\d/) ?? []).sort();
    await until(
      async () => (await slowOnes(emulator)).length === keys.length,
      "all are made, and not answered",
    );
    await emulator.setSwitches({ latencyMs: 0 });

    const orderedAt = Date.now();
    first.kill("SIGINT");
    await first.said("Stopping …");
    // Who waited is told how far it had got.
    for (const { data } of await Promise.all(asked)) {
      expect(data.signUpTenant).toMatchObject({ tenant: { status: "PROVISIONING" } });
    }
    while (Date.now() - orderedAt < 1_100) await new Promise((resolve) => setTimeout(resolve, 50));
    first.kill("SIGINT");
    await first.said("Still stopping …");
    expect(await first.ended).toBe(0);
    expect(Date.now() - orderedAt).toBeLessThan(15_000);
    expect(await processesIn(folder.path)).toEqual([]);

    const second = start(env);
    await second.said(lastLine);
    const again = readBanner(second.stdout());
    const query = `{ tenants(first: 100) { edges { node { key status operations(first: 20) { edges { node { status } } } } } } }`;
    await until(async () => {
      const { data } = (await send(again.graphqlUrl, again.token, query)) as unknown as {
        data: { tenants: { edges: { node: { status: string } }[] } };
      };
      return (
        data.tenants.edges.length === 9 && data.tenants.edges.every(({ node }) => node.status === "ACTIVE")
      );
    }, "all are ACTIVE");
    expect(await slowOnes(new EmulatorControl(again.emulatorUrl))).toEqual(keys);
    second.kill("SIGINT");
    expect(await second.ended).toBe(0);
  }, 90_000);
});

describe("a terminal that is gone", () => {
  it("ends everything: by its signal, and when nobody reads what is printed", async () => {
    const hungUp = start();
    await hungUp.said(lastLine);
    hungUp.kill("SIGHUP");
    expect(await hungUp.ended).toBe(0);
    expect(await processesIn(folder.path)).toEqual([]);

    const unread = start();
    unread.closeStdout();
    expect(await unread.ended).toBe(1);
    expect(unread.stderr()).toContain("EPIPE");
    expect(await processesIn(folder.path)).toEqual([]);
  });
});
