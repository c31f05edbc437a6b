import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { holdDataFolder } from "../src/database/folder-lock.ts";
import { makeDataDir } from "./database/data-dir.ts";
import { startLoci } from "./loci-process.ts";
import { compileLoci, type LociProgram } from "./loci-program.ts";
import { killAll, run } from "./run-loci.ts";

let loci: LociProgram;
const backupProgram = () => path.join(path.dirname(loci.main), "backup.js");

beforeAll(async () => {
  loci = await compileLoci();
});
afterAll(() => loci.remove());
afterEach(killAll);

/** Runs `npm run backup` and waits for its end. */
async function backUp(dataDir: string, args: readonly string[], env: Record<string, string> = {}) {
  const program = run(backupProgram(), args, { LOCI_DATA_DIR: dataDir, ...env });
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

/** A Postgres of our own on a data folder that this process holds, as Loci does. */
async function startDatabase(dataDir: string) {
  const hold = await holdDataFolder(dataDir);
  const postgres = await startEmbeddedPostgres({ dataDir });
  const stop = async () => {
    await postgres.stop();
    await hold.release();
  };
  onTestFinished(stop);
  return { connectionString: postgres.connectionString, stop };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

/** Everything below a folder with its mode, but for `lock`. */
async function modesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const modes = await Promise.all(
    names.map(async (name) => {
      const found = await stat(path.join(folder, name));
      return `${found.isDirectory() ? "folder" : "file"} ${(found.mode & 0o777).toString(8)}`;
    }),
  );
  return [...new Set(modes)].toSorted();
}

/** Writes to two tables in each transaction, in four sessions, until told to stop. */
async function startLoad(connectionString: string) {
  const setUp = await connect(connectionString);
  await setUp.query(`CREATE TABLE one (session int, n int, filler text, PRIMARY KEY (session, n));
    CREATE TABLE two (session int, n int, PRIMARY KEY (session, n))`);
  const committed = [0, 0, 0, 0];
  let isStopping = false;
  const work = async (session: number) => {
    const client = await connect(connectionString);
    for (let n = 1; !isStopping; n += 1) {
      await client.query("BEGIN");
      await client.query("INSERT INTO one VALUES ($1, $2::int, repeat(md5($2::int::text), 40))", [
        session,
        n,
      ]);
      await client.query("INSERT INTO two VALUES ($1, $2)", [session, n]);
      if (n % 3 === 0)
        await client.query("UPDATE one SET filler = upper(filler) WHERE session = $1 AND n = $2", [
          session,
          n - 1,
        ]);
      await client.query("COMMIT");
      committed[session] = n;
    }
  };
  const sessions = Promise.all(committed.map((_, session) => work(session)));
  return {
    committed: () => [...committed],
    /** Lets Postgres throw away what it no longer needs of its log. */
    shedLog: () => setUp.query("SELECT pg_switch_wal()").then(() => setUp.query("CHECKPOINT")),
    stop: async () => {
      isStopping = true;
      await sessions;
    },
  };
}

describe("npm run backup", () => {
  it("copies a database at work to one moment, at which everything committed before is there", async () => {
    const dataDir = await makeDataDir();
    const elsewhere = await makeDataDir();
    const database = await startDatabase(dataDir);
    const load = await startLoad(database.connectionString);
    await expect.poll(() => Math.min(...load.committed()), { timeout: 20_000 }).toBeGreaterThan(50);
    const before = load.committed();
    const to = path.join(elsewhere, "backup");
    let isOver = false;
    const backingUp = backUp(dataDir, ["--to", to]).finally(() => {
      isOver = true;
    });
    // Each leaves a file of 16 MiB to be copied: enough to lose the first ones, and no more.
    for (let sheds = 0; sheds < 8 && !isOver; sheds += 1) await load.shedLog();
    const backup = await backingUp;
    const during = load.committed();
    await load.stop();
    expect(backup).toMatchObject({ code: 0, stderr: "" });
    expect(backup.stdout).toContain("Loci went on running meanwhile");
    expect(Math.min(...during.map((n, session) => n - (before[session] ?? 0)))).toBeGreaterThan(0);
    // Neither the slot nor the backup mode outlives it.
    const source = await connect(database.connectionString);
    expect((await source.query("SELECT * FROM pg_replication_slots")).rows).toEqual([]);
    await database.stop();

    const restoredDir = path.join(elsewhere, "restored");
    const restored = await backUp(restoredDir, ["--restore", to]);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    expect(restored.stdout).toContain("npm start -- --after-restore");
    const copy = await startDatabase(restoredDir);
    const client = await connect(copy.connectionString);
    await client.query("REINDEX DATABASE");
    const { rows } = await client.query<{ session: number; count: number; last: number; both: number }>(
      `SELECT session, count(*)::int, max(n) AS last, count(two.n)::int AS both
       FROM one LEFT JOIN two USING (session, n) GROUP BY session ORDER BY session`,
    );
    expect(rows).toHaveLength(4);
    for (const { session, count, last, both } of rows) {
      expect([count, both]).toEqual([last, last]);
      expect(last).toBeGreaterThanOrEqual(before[session] ?? 0);
    }
    expect((await client.query("SELECT count(*)::int FROM two")).rows[0]).toEqual({
      count: rows.reduce((sum, { last }) => sum + last, 0),
    });
  }, 90_000);

  it("of a Loci at work holds tenants, token and emulator, and a Loci starts on it", async () => {
    const dataDir = await makeDataDir();
    const elsewhere = await makeDataDir();
    const first = await startLoci({ main: loci.main, dataDir });
    onTestFinished(() => first.kill9());
    const signUp = (key: string) =>
      first.send(
        `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
          ... on SignUpTenantPayload { tenant { status } } } }`,
        { input: { key, name: "Acme Inc.", idempotencyKey: key, waitMs: 20_000 } },
      );
    const before = ["a", "b", "c"];
    for (const key of before) await signUp(key);
    const meanwhile = Array.from({ length: 20 }, (_, index) => signUp(`meanwhile-${index}`));
    const to = path.join(elsewhere, "backup");
    expect(await backUp(dataDir, ["--to", to])).toMatchObject({ code: 0, stderr: "" });
    await Promise.all(meanwhile);
    await first.stop();

    const restoredDir = path.join(elsewhere, "restored");
    expect(await backUp(restoredDir, ["--restore", to])).toMatchObject({ code: 0, stderr: "" });
    const second = await startLoci({ main: loci.main, dataDir: restoredDir });
    onTestFinished(() => second.kill9());
    expect(second.token).toBe(first.token);
    for (const key of before) {
      const { tenant } = await second.send<{ tenant: { status: string } }>(
        "query ($key: String!) { tenant(key: $key) { status } }",
        { key },
      );
      expect(tenant).toEqual({ status: "ACTIVE" });
    }
    await second.stop();
  }, 120_000);

  it("copies a stopped one, closed to everybody else, and finds later what is not as it was", async () => {
    const dataDir = await makeDataDir();
    const elsewhere = await makeDataDir();
    const database = await startDatabase(dataDir);
    await (await connect(database.connectionString)).query("CREATE TABLE t AS SELECT 42 AS n");
    await database.stop();
    await writeFile(path.join(dataDir, "admin-token"), "a-token-of-16-characters\n", { mode: 0o600 });
    await writeFile(path.join(dataDir, "emulator.journal"), "", { mode: 0o600 });
    const to = path.join(elsewhere, "backups", "one");
    const backup = await backUp(dataDir, ["--to", to], { MEM0_API_KEY: "m0-key" });
    expect(backup).toMatchObject({ code: 0, stderr: "" });
    expect(backup.stdout).toContain("Loci was stopped meanwhile");
    expect(backup.stdout).toContain("the admin token");
    expect(await modesBelow(to)).toEqual(["file 600", "folder 700"]);
    // The emulator is not the upstream, so it is no part of it.
    expect(await readdir(to)).not.toContain("emulator.journal");
    expect((await backUp(dataDir, ["--to", to])).stderr).toContain("is there already");

    const restoredDir = path.join(elsewhere, "restored");
    expect(await backUp(restoredDir, ["--restore", to])).toMatchObject({ code: 0, stderr: "" });
    expect(await readFile(path.join(restoredDir, "admin-token"), "utf8")).toBe("a-token-of-16-characters\n");
    expect((await backUp(restoredDir, ["--restore", to])).stderr).toContain("is not empty");
    const copy = await startDatabase(restoredDir);
    expect((await (await connect(copy.connectionString)).query("SELECT n FROM t")).rows).toEqual([{ n: 42 }]);

    await writeFile(path.join(to, "postgres", "password"), "0".repeat(32));
    const damagedDir = path.join(elsewhere, "damaged");
    const damaged = await backUp(damagedDir, ["--restore", to]);
    expect(damaged).toMatchObject({ code: 1, stderr: expect.stringContaining("is not what was backed up") });
    expect(await readdir(damagedDir)).toEqual(["lock"]);
  }, 90_000);

  it("follows no link out of the folder, and leaves nothing of what it had begun", async () => {
    const dataDir = await makeDataDir();
    const elsewhere = await makeDataDir();
    const database = await startDatabase(dataDir);
    await database.stop();
    await symlink("/etc", path.join(dataDir, "postgres", "cluster", "pg_tblspc", "16400"));
    const backup = await backUp(dataDir, ["--to", path.join(elsewhere, "backup")]);
    expect(backup).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is neither a file nor a folder"),
    });
    expect(await readdir(elsewhere)).toEqual([]);
  }, 60_000);

  it("refuses in a sentence what it cannot do", async () => {
    const dataDir = await makeDataDir();
    await chmod(dataDir, 0o711);
    const url = await backUp(dataDir, [], { DATABASE_URL: "postgresql://u:p@db.test/loci" });
    expect(url).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^DATABASE_URL is set.*pg_dump.*\n$/),
    });
    const empty = await backUp(dataDir, []);
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing to back up") });
    const wrong = await backUp(dataDir, ["--form"]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("Usage: npm run backup") });
    await mkdir(path.join(dataDir, "not-a-backup"));
    const none = await backUp(path.join(dataDir, "new"), ["--restore", path.join(dataDir, "not-a-backup")]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("is no backup of Loci") });
  });
});
