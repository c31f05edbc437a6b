import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultDataDir } from "../../src/database/data-folder.ts";
import { DatabaseUnavailable, DataFolderInUse } from "../../src/database/errors.ts";
import { type FolderHold, holdDataFolder } from "../../src/database/folder-lock.ts";
import { identifyProcess } from "../../src/database/process-identity.ts";
import { buildLauncher } from "./launcher.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

let folder: TemporaryFolder;
let dataDir: string;

beforeEach(async () => {
  folder = await makeTemporaryFolder("loci-lock-");
  dataDir = path.join(folder.path, "data");
});

afterEach(() => folder.remove());

/** A lock as a process leaves it that died without releasing. */
async function leaveLock(holder: { pid: number; startedAt: string }): Promise<void> {
  await holdDataFolder(dataDir);
  const [number] = await readdir(path.join(dataDir, "lock"));
  const file = path.join(dataDir, "lock", number ?? "");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...holder }));
}

describe("holdDataFolder", () => {
  it("refuses a second hold at once, naming the holder, until the first is released", async () => {
    const hold = await holdDataFolder(dataDir);
    await expect(holdDataFolder(dataDir)).rejects.toBeInstanceOf(DataFolderInUse);
    await expect(holdDataFolder(dataDir)).rejects.toMatchObject({ pid: process.pid });
    await hold.release();
    await hold.release();
    const next = await holdDataFolder(dataDir);
    // A late repeat by the first holder must not let go of what the second holds.
    await hold.release();
    await expect(holdDataFolder(dataDir)).rejects.toBeInstanceOf(DataFolderInUse);
    expect(await readdir(path.join(dataDir, "lock"))).toHaveLength(1);
    await next.release();
  });

  it("takes over from a process that was killed with -9", async () => {
    const program = await buildLauncher();
    try {
      const holder = program.run("hold-process", [dataDir]);
      await holder.word();
      await expect(holdDataFolder(dataDir)).rejects.toMatchObject({ pid: holder.process.pid });
      await holder.kill("SIGKILL");
      await expect(holdDataFolder(dataDir)).resolves.toBeDefined();
    } finally {
      await program.remove();
    }
  });

  it("is not deterred by a living process that was given a dead holder's pid", async () => {
    const self = await identifyProcess(process.pid);
    await leaveLock({ pid: process.pid, startedAt: self?.startedAt ?? "" });
    await expect(holdDataFolder(dataDir)).rejects.toBeInstanceOf(DataFolderInUse);
    await writeFile(path.join(dataDir, "lock", "1"), "");
    await (await holdDataFolder(dataDir)).release();
    await leaveLock({ pid: process.pid, startedAt: "another boot" });
    await expect(holdDataFolder(dataDir)).resolves.toBeDefined();
  });

  it("gives a dead holder's folder to exactly one of many that want it", async () => {
    for (let round = 0; round < 20; round += 1) {
      await leaveLock({ pid: process.pid, startedAt: `another boot ${round}` });
      const holds = await Promise.allSettled(Array.from({ length: 8 }, () => holdDataFolder(dataDir)));
      const won = holds.filter(
        (hold): hold is PromiseFulfilledResult<FolderHold> => hold.status === "fulfilled",
      );
      expect(won).toHaveLength(1);
      for (const hold of holds) {
        if (hold.status === "rejected") expect(hold.reason).toBeInstanceOf(DataFolderInUse);
      }
      expect(await readdir(path.join(dataDir, "lock"))).toHaveLength(1);
      await won[0]?.value.release();
    }
  });

  it("never lets two hold it at once while many come and go", async () => {
    let inside = 0;
    let holds = 0;
    const visitor = async () => {
      for (let visit = 0; visit < 100; visit += 1) {
        const hold = await holdDataFolder(dataDir).catch((error: unknown) => {
          expect(error).toBeInstanceOf(DataFolderInUse);
        });
        if (!hold) continue;
        inside += 1;
        holds += 1;
        expect(inside).toBe(1);
        // The others get their turn to break in.
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        await hold.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, visitor));
    expect(holds).toBeGreaterThan(10);
  });

  it("makes a folder that others cannot list, and keeps the mode of one with something in it", async () => {
    await (await holdDataFolder(dataDir)).release();
    expect((await stat(dataDir)).mode & 0o066).toBe(0);
    const inhabited = path.join(folder.path, "home");
    await mkdir(path.join(inhabited, "something"), { recursive: true });
    const before = (await stat(inhabited)).mode;
    await (await holdDataFolder(inhabited)).release();
    expect((await stat(inhabited)).mode).toBe(before);
  });

  it("says in one sentence what is wrong with a data folder that is none", async () => {
    await writeFile(dataDir, "a file");
    await expect(holdDataFolder(dataDir)).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(holdDataFolder(path.join(dataDir, "below"))).rejects.toThrow(
      /is not a folder; set LOCI_DATA_DIR/,
    );
  });
});

describe("defaultDataDir", () => {
  it("lies outside root's home for root, and in the user's data folder for others", () => {
    const home = "/home/ada";
    expect(defaultDataDir({ isRoot: true, home: "/root", xdgDataHome: "/root/data" })).toBe("/var/lib/loci");
    expect(defaultDataDir({ isRoot: false, home, xdgDataHome: undefined })).toBe(
      "/home/ada/.local/share/loci",
    );
    expect(defaultDataDir({ isRoot: false, home, xdgDataHome: "/data" })).toBe("/data/loci");
    expect(defaultDataDir({ isRoot: false, home, xdgDataHome: "data" })).toBe("/home/ada/.local/share/loci");
  });
});
