import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { DatabaseUnavailable } from "../../src/database/errors.ts";
import { choosePostgresAccount, findClosedFolder } from "../../src/database/postgres-account.ts";
import {
  clusterOf,
  connect,
  makeDataDir,
  makeLauncher,
  postmasterPid,
  processesOn,
  query,
} from "./data-dir.ts";
import type { User, Word } from "./launcher.ts";

const isRoot = process.getuid?.() === 0;
/** As root the programs run as this account; else as ourselves. */
const account = await choosePostgresAccount("/nonexistent");
/** Whether another user can run what we run: not where the project lies in root's home. */
const canRunAsOther =
  account !== undefined &&
  (await findClosedFolder(process.execPath, account)) === undefined &&
  (await findClosedFolder(import.meta.filename, account)) === undefined;

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  onTestFinished(postgres.stop);
  return postgres;
}

async function fault(dataDir: string): Promise<Error> {
  const error = await start(dataDir).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DatabaseUnavailable);
  return error as DatabaseUnavailable;
}

describe("startEmbeddedPostgres", { timeout: 90_000 }, () => {
  it("makes a safe UTF-8 database that only the loopback reaches", async () => {
    const postgres = await start(await makeDataDir());
    expect(postgres.adopted).toBe(false);
    const names = ["server_encoding", "listen_addresses", "unix_socket_directories", "TimeZone"];
    const durable = ["fsync", "full_page_writes", "synchronous_commit"];
    const rows = await query(
      postgres.connectionString,
      `SELECT ${[...names, ...durable].map((name) => `current_setting('${name}') AS "${name}"`).join(", ")},
              datlocprovider, datlocale FROM pg_database WHERE datname = 'postgres'`,
    );
    expect(rows).toEqual([
      {
        server_encoding: "UTF8",
        listen_addresses: "127.0.0.1",
        unix_socket_directories: "",
        TimeZone: "UTC",
        fsync: "on",
        full_page_writes: "on",
        synchronous_commit: "on",
        datlocprovider: "b",
        datlocale: "C.UTF-8",
      },
    ]);
  });

  it("lets nobody in without the password, which nobody else can read", async () => {
    const dataDir = await makeDataDir();
    const postgres = await start(dataDir);
    const wrong = new URL(postgres.connectionString);
    wrong.password = "guess";
    await expect(connect(wrong.href)).rejects.toMatchObject({ code: "28P01" });
    for (const name of ["postgres/password", "postgres/postgres.log"]) {
      expect((await stat(path.join(dataDir, name))).mode & 0o077, name).toBe(0);
    }
    expect((await stat(path.join(dataDir, "postgres"))).mode & 0o066).toBe(0);
    expect(
      (await readdir(path.join(dataDir, "postgres"))).filter((name) => name.startsWith("draft")),
    ).toEqual([]);
  });

  it("leaves no process after stop, and finds rows and port again at the next start", async () => {
    const dataDir = await makeDataDir();
    const first = await start(dataDir);
    await query(first.connectionString, "CREATE TABLE kept AS SELECT 'ü' AS word");
    // A session that stays open must not hold the stop up.
    await connect(first.connectionString);
    await first.stop();
    await first.stop();
    expect(await processesOn(dataDir)).toEqual([]);
    const second = await start(dataDir);
    expect(second).toMatchObject({ adopted: false, connectionString: first.connectionString });
    expect(await query(second.connectionString, "SELECT word FROM kept")).toEqual([{ word: "ü" }]);
  });

  it("moves to another port when its own is taken", async () => {
    const dataDir = await makeDataDir();
    const first = await start(dataDir);
    await first.stop();
    const port = Number(new URL(first.connectionString).port);
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    onTestFinished(() => void other.close());
    const second = await start(dataDir);
    expect(new URL(second.connectionString).port).not.toBe(String(port));
  });

  it("adopts the Postgres of a process that was killed, Ctrl-C and kill -9 alike", async () => {
    const dataDir = await makeDataDir();
    const program = await makeLauncher();
    const killed = program.start(dataDir);
    const word = await killed.word();
    await query(word.connectionString, "CREATE TABLE kept AS SELECT 1 AS id");
    const pid = await postmasterPid(dataDir);
    // What a terminal sends to everything that runs in it.
    process.kill(-(killed.process.pid ?? 0), "SIGINT");
    await once(killed.process, "exit");
    const second = program.start(dataDir);
    expect(await second.word()).toMatchObject({ adopted: true });
    await second.kill("SIGKILL");
    const third = await start(dataDir);
    expect(third.adopted).toBe(true);
    expect(await postmasterPid(dataDir)).toBe(pid);
    expect(await query(third.connectionString, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
    await third.stop();
    expect(await processesOn(dataDir)).toEqual([]);
  });

  it("recovers what was committed after both processes were killed, orphaned sessions or not", async () => {
    const dataDir = await makeDataDir();
    const launcher = (await makeLauncher()).start(dataDir);
    const { connectionString } = await launcher.word();
    await query(connectionString, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id");
    // A backend that is busy when its postmaster dies lives on for a moment with the files open.
    const busy = (await connect(connectionString)).query(
      "DO $$ BEGIN FOR i IN 1..40000000 LOOP NULL; END LOOP; END $$",
    );
    const ended = busy.catch((error: unknown) => error);
    process.kill(await postmasterPid(dataDir), "SIGKILL");
    await launcher.kill("SIGKILL");
    const postgres = await start(dataDir);
    expect(postgres.adopted).toBe(false);
    expect(await query(postgres.connectionString, "SELECT count(*)::int AS rows FROM kept")).toEqual([
      { rows: 1000 },
    ]);
    await ended;
  });

  it("is not deterred by an old pid file whose number a stranger now has", async () => {
    const dataDir = await makeDataDir();
    await (await start(dataDir)).stop();
    // Of the very account that Postgres runs as: for others Postgres itself sees that it is a stranger.
    const stranger = spawn("sleep", ["600"], {
      ...(account && { uid: account.uid, gid: account.gid }),
      cwd: "/",
    });
    await once(stranger, "spawn");
    onTestFinished(() => void stranger.kill("SIGKILL"));
    const pidFile = path.join(clusterOf(dataDir), "postmaster.pid");
    await writeFile(
      pidFile,
      `${stranger.pid}\n${clusterOf(dataDir)}\n1\n15432\n\n127.0.0.1\n0 0\nready   \n`,
    );
    if (account) await chown(pidFile, account.uid, account.gid);
    expect((await start(dataDir)).adopted).toBe(false);
    expect(stranger.exitCode).toBeNull();
  });

  it("repairs a folder whose first start was killed while making the database", async () => {
    const dataDir = await makeDataDir();
    const launcher = (await makeLauncher()).start(dataDir);
    const postgresDir = path.join(dataDir, "postgres");
    const drafts = async () => (await readdir(postgresDir)).filter((name) => name.startsWith("draft-"));
    await vi.waitFor(async () => expect(await drafts()).not.toEqual([]), { timeout: 10_000, interval: 1 });
    await launcher.kill("SIGKILL");
    expect(await drafts()).not.toEqual([]);
    const postgres = await start(dataDir);
    expect(await query(postgres.connectionString, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(await drafts()).toEqual([]);
  });

  it("lets one of two starts at once through and tells the other who has the folder", async () => {
    const dataDir = await makeDataDir();
    const program = await makeLauncher();
    const both = [program.start(dataDir), program.start(dataDir)];
    const words = await Promise.all(both.map((launcher) => launcher.word()));
    const winner = words.findIndex((word: Word) => word.connectionString !== undefined);
    expect(words[winner]).toMatchObject({ adopted: false });
    expect(words[1 - winner]).toMatchObject({
      error: "DataFolderInUse",
      message: expect.stringContaining(`process ${both[winner]?.process.pid}`),
    });
    expect(await both[winner]?.stop()).toEqual({ stopped: true });
  });

  it("refuses the database of another Postgres major in one sentence, and leaves it as it is", async () => {
    const dataDir = await makeDataDir();
    await (await start(dataDir)).stop();
    const versionFile = path.join(clusterOf(dataDir), "PG_VERSION");
    await writeFile(versionFile, "17\n");
    const { message } = await fault(dataDir);
    expect(message).toMatch(/made by Postgres 17, and this release brings Postgres 18;.*LOCI_DATA_DIR/);
    expect(await readFile(versionFile, "utf8")).toBe("17\n");
  });

  it("leaves nothing running that it launched and that does not let it in", async () => {
    const dataDir = await makeDataDir();
    await (await start(dataDir)).stop();
    await writeFile(path.join(dataDir, "postgres", "password"), "not-the-password");
    expect((await fault(dataDir)).message).toContain("does not let us in");
    expect(await processesOn(dataDir)).toEqual([]);
  });

  it("refuses a cluster whose password is lost instead of making another", async () => {
    const dataDir = await makeDataDir();
    await (await start(dataDir)).stop();
    await rm(path.join(dataDir, "postgres", "password"));
    expect((await fault(dataDir)).message).toContain("password is missing");
  });

  it.runIf(isRoot)("names the folder that keeps Postgres' account out", async () => {
    const outer = await makeDataDir();
    const closed = path.join(outer, "closed");
    await mkdir(closed, { mode: 0o700 });
    const { message } = await fault(path.join(closed, "data"));
    expect(message).toContain(`may not enter ${closed};`);
    expect(message).toContain("LOCI_DATA_DIR");
    // The same once the database is there.
    await chmod(closed, 0o711);
    await (await start(path.join(closed, "data"))).stop();
    await chmod(closed, 0o700);
    expect((await fault(path.join(closed, "data"))).message).toContain(`may not enter ${closed};`);
  });

  it.runIf(canRunAsOther)(
    "runs for an ordinary user as that user, and only in folders that are his",
    async () => {
      const dataDir = await makeDataDir();
      const program = await makeLauncher();
      // Every Unix has the account "daemon", and root would not choose it.
      const user: User = { uid: 1, gid: 1 };
      const refused = program.start(dataDir, user);
      expect(await refused.word()).toMatchObject({
        error: "DatabaseUnavailable",
        message: expect.stringMatching(/cannot be written; set LOCI_DATA_DIR/),
      });
      await chown(dataDir, user.uid, user.gid);
      await chmod(dataDir, 0o755);
      const launcher = program.start(dataDir, user);
      expect(await query((await launcher.word()).connectionString, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
      const [postmaster] = await processesOn(dataDir);
      expect((await stat(`/proc/${postmaster}`)).uid).toBe(user.uid);
      expect((await stat(path.join(dataDir, "postgres"))).mode & 0o777).toBe(0o700);
      expect(await launcher.stop()).toEqual({ stopped: true });
      // Root takes over what an ordinary user has made, and Postgres goes on as that user.
      const asRoot = await start(dataDir);
      const [next] = await processesOn(dataDir);
      expect((await stat(`/proc/${next}`)).uid).toBe(user.uid);
      await asRoot.stop();
    },
  );
});
