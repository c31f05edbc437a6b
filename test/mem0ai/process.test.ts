import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rig } from "../emulator/rig.ts";
import { clientOf, listed, mem0ai, rejection, seenDuring, untilListed } from "./client.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "mem0ai-process-"));
const children: ChildProcess[] = [];

// The emulator's own folder alone, compiled as it would be published.
beforeAll(() => {
  const config = {
    extends: path.join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      outDir: path.join(folder, "dist"),
      rootDir: path.join(root, "src"),
      typeRoots: [path.join(root, "node_modules/@types")],
    },
    include: [path.join(root, "src/emulator")],
  };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
  execFileSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
});

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the command, and gives a rig once it has said where it listens. */
async function start(...args: readonly string[]): Promise<Rig> {
  const child = spawn(process.execPath, [path.join(folder, "dist/emulator/cli.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const line = await new Promise<string>((resolve, reject) => {
    let said = "";
    let complained = "";
    // A line for every request too: it must be read, or the pipe fills up.
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complained = (complained + text).slice(-2000);
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("\n")) resolve(said);
    });
    child.once("close", () => reject(new Error(`The emulator ended: ${complained}`)));
  });
  const [, url = "", apiKey = ""] = /on (http:\S+) with the API key (\S+)\n$/.exec(line) ?? [];
  return new Rig(url, apiKey);
}

describe("the emulator in a process of its own", () => {
  it("serves the client: memories, entities, project, and a key it was given", async () => {
    const rig = await start("--api-key", "m0-of-the-process", "--add-delay-ms", "3600000");
    expect(await rig.control("GET", "switches")).toMatchObject({ addDelayMs: 3_600_000 });
    const client = await clientOf(rig, "m0-of-the-process");
    const seen = await seenDuring(rig, async () => {
      await client.add([{ role: "user", content: "I love go." }], { userId: "alice" });
      expect(await listed(client)).toEqual([]);
      await rig.switches({ addDelayMs: 0 });
      await client.add([{ role: "user", content: "I love chess and tea." }], { userId: "alice" });
      await untilListed(client, 1);
    });
    expect(new Set(seen.map(({ path: at }) => at))).toEqual(new Set(["/v3/memories/add/", "/v3/memories/"]));
    expect((await client.search("chess", { filters: { user_id: "alice" } })).results).toHaveLength(1);
    expect(await client.users()).toMatchObject({ count: 1, totalUsers: 1 });
    await client.updateProject({ customInstructions: "brief" });
    expect(await client.getProject({})).toMatchObject({ customInstructions: "brief" });
    await client.deleteUsers();
    expect(await rejection(client.get("none"))).toBeInstanceOf(mem0ai.ValidationError);
  });
});
