import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { identifyProcess } from "../../src/database/process-identity.ts";

describe("identifyProcess", () => {
  it("answers the same for the same process, and tells another from it", async () => {
    const self = await identifyProcess(process.pid);
    expect(self).toMatchObject({ pid: process.pid, command: expect.arrayContaining([process.execPath]) });
    expect(await identifyProcess(process.pid)).toEqual(self);
    expect((await identifyProcess(process.ppid))?.startedAt).not.toBe(self?.startedAt);
  });

  it("counts as dead what has ended, whether or not its parent has looked", async () => {
    // The shell starts a child, which waits for a line, and becomes a sleep, which never looks after it.
    // Of its streams, therefore, the second and the fourth are pipes.
    const parent = spawn("sh", ["-c", "(read line <&3) & echo $!; exec sleep 600"], {
      stdio: ["ignore", "pipe", "inherit", "pipe"],
    });
    try {
      const [line] = await once(createInterface({ input: parent.stdio[1] as Readable }), "line");
      const child = Number(line);
      await vi.waitFor(async () => {
        expect((await identifyProcess(parent.pid ?? 0))?.command).toEqual(["sleep", "600"]);
      });
      expect(await identifyProcess(child)).toBeDefined();
      (parent.stdio[3] as Writable).end("end\n");
      await vi.waitFor(async () => expect(await readFile(`/proc/${child}/stat`, "utf8")).toMatch(/\) Z /));
      expect(await identifyProcess(child)).toBeUndefined();
    } finally {
      parent.kill("SIGKILL");
      await once(parent, "exit");
    }
    expect(await identifyProcess(parent.pid ?? 0)).toBeUndefined();
  });

  it("knows no process by a number that is none", async () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2_147_483_646])
      expect(await identifyProcess(pid)).toBeUndefined();
  });
});
