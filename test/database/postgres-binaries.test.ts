import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeDataDir, makeLauncher, query } from "./data-dir.ts";
import { unlinkBinaries } from "./launcher.ts";

describe("the binaries", { timeout: 90_000 }, () => {
  it("are copied and linked in the data folder where npm has left them without links, once", async () => {
    const dataDir = await makeDataDir();
    const program = await makeLauncher();
    const copy = await unlinkBinaries(program.nodeModules);
    const before = await readdir(path.join(copy, "native", "lib"));
    const launcher = program.start(dataDir);
    expect(await query((await launcher.word()).connectionString, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(await launcher.stop()).toEqual({ stopped: true });
    expect(await readdir(path.join(copy, "native", "lib"))).toEqual(before);
    const staged = (await readdir(path.join(dataDir, "postgres"))).filter((name) =>
      name.startsWith("binaries-"),
    );
    expect(staged).toHaveLength(1);
    const made = (await stat(path.join(dataDir, "postgres", staged[0] ?? ""))).ino;
    // A copy of an older release is of no more use.
    await mkdir(path.join(dataDir, "postgres", "binaries-17.0.0"));
    const again = program.start(dataDir);
    await again.word();
    await again.stop();
    expect((await stat(path.join(dataDir, "postgres", staged[0] ?? ""))).ino).toBe(made);
    expect(await readdir(path.join(dataDir, "postgres"))).not.toContain("binaries-17.0.0");
  });

  it("that this system does not run, or that are not there, are refused with DATABASE_URL as the way out", async () => {
    const dataDir = await makeDataDir();
    const program = await makeLauncher();
    const copy = await unlinkBinaries(program.nodeModules);
    // What a system of another C library answers: there is no such interpreter.
    await writeFile(path.join(copy, "native", "bin", "postgres"), "#!/lib/ld-musl-other.so.1\n");
    expect(await program.start(dataDir).word()).toMatchObject({
      error: "DatabaseUnavailable",
      message: expect.stringMatching(/does not run on this system .*DATABASE_URL/),
    });
    await rm(copy, { recursive: true });
    expect(await program.start(dataDir).word()).toMatchObject({
      error: "DatabaseUnavailable",
      message: expect.stringMatching(/is not installed; .*DATABASE_URL/),
    });
  });

  it("that find the disk full while making the database say so, and leave nothing half made", async () => {
    const dataDir = await makeDataDir();
    const program = await makeLauncher();
    const copy = await unlinkBinaries(program.nodeModules);
    const initdb = path.join(copy, "native", "bin", "initdb");
    // What initdb was seen to write on a file system of 20 MB, and what it writes when a copy fails.
    const words = [
      `running bootstrap script ... FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes\nHINT:  Check free disk space.`,
      `initdb: error: could not write file "postgresql.conf": No space left on device`,
    ];
    for (const said of words) {
      await writeFile(initdb, `#!/bin/sh\ncat >&2 <<'END'\n${said}\nEND\nexit 1\n`);
      // The copy in the data folder is made from the package once; this one is to be made again.
      await rm(path.join(dataDir, "postgres"), { recursive: true, force: true });
      expect(await program.start(dataDir).word()).toMatchObject({
        error: "DatabaseUnavailable",
        message: expect.stringMatching(/^The disk that holds .* is full;/),
      });
    }
    const left = await readdir(path.join(dataDir, "postgres"));
    expect(left.filter((name) => name === "cluster" || name.startsWith("draft-"))).toEqual([]);
  });
});
