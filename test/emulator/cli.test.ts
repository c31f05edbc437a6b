import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { defaultSwitches } from "../../src/emulator/switches.ts";
import { Rig } from "./rig.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const built = mkdtempSync(join(tmpdir(), "emulator-cli-"));
const children: ChildProcess[] = [];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the compiled command; `ready` is its first line, `ended` all it said and its exit code. */
function start(...args: string[]): { child: ChildProcess; ready: Promise<string>; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(built, "emulator/cli.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ready = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk);
      if (stdout.includes("\n")) resolve(stdout);
    });
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ready, ended };
}

function rigOf(line: string): Rig {
  const [, url = "", key = ""] = /on (http:\S+) with the API key (\S+)\n$/.exec(line) ?? [];
  return new Rig(url, key);
}

// Node 20 runs no TypeScript, so the emulator alone is compiled; that it runs from there, with no package beside it,
// shows that it needs nothing of ours.
beforeAll(() => {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      outDir: built,
      rootDir: join(root, "src"),
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: [join(root, "src/emulator")],
  };
  writeFileSync(join(built, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(built, "package.json"), '{"type":"module"}');
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", built]);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

afterAll(() => rmSync(built, { recursive: true, force: true }));

describe("the command", () => {
  it("prints one line with URL and key, JSON lines on stderr, and stops cleanly on SIGINT and SIGTERM", async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const { child, ready, ended } = start(
        "--api-key",
        "m0-of-the-test",
        "--latency-ms",
        "5",
        "--switch",
        "dates=utc",
      );
      const rig = rigOf(await ready);
      expect(rig.apiKey).toBe("m0-of-the-test");
      await rig.ping();
      expect(await rig.control("GET", "switches")).toMatchObject({ latencyMs: 5, dates: "utc" });
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(0);
      expect(stdout.trim().split("\n")).toHaveLength(1);
      const lines = stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
      expect(lines).toMatchObject([{ id: 1, path: "/v1/ping/", status: 200 }]);
      expect(stderr).not.toContain(rig.apiKey);
    }
  });

  it("finds the same upstream after a kill -9, everything that was answered included", async () => {
    const journal = join(built, "killed.journal");
    const first = start("--journal", journal);
    const rig = rigOf(await first.ready);
    const answered = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => rig.createOrganization(`org ${turn}`)),
    );
    // More are under way when it dies: those may or may not be there, those that were answered must.
    const more = Array.from({ length: 20 }, (_, turn) =>
      rig.createOrganization(`more ${turn}`).catch(() => null),
    );
    await Promise.race(more);
    first.child.kill("SIGKILL");
    const lateAnswered = (await Promise.all(more)).filter((orgId) => orgId !== null);
    await first.ended;
    const second = start("--journal", journal);
    const again = rigOf(await second.ready);
    expect(again.apiKey).toBe(rig.apiKey);
    const ids = (await again.tables()).organizations.map(({ org_id }) => org_id);
    expect(ids).toEqual(expect.arrayContaining([...answered, ...lateAnswered]));
    expect(ids.length).toBeGreaterThanOrEqual(21);
  });

  it("says in one sentence that the port is in use, and exits with 1", async () => {
    const { ready } = start();
    const { port } = new URL(rigOf(await ready).url);
    const { code, stdout, stderr } = await start("--port", port).ended;
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: `The port ${port} is in use.\n`,
    });
  });

  it.each([
    [["--prot", "1"], "Unknown option '--prot'"],
    [["--port", "many"], '"many" is not a port.'],
    [["--port", "70000"], '"70000" is not a port.'],
    [["--api-key", "two words"], "An API key is one word."],
    [["--switch", "noSuchSwitch=1"], 'Switch "noSuchSwitch" does not exist.'],
    [["--latency-ms", "soon"], 'Switch "latencyMs" must be a whole number'],
    [["--switch", "strangerSees=500"], 'Switch "strangerSees" must be one of 404, 403.'],
    [
      ["--switch", "dates=utc", "--switch", "lastOwnerKept=yes"],
      'Switch "lastOwnerKept" must be true or false.',
    ],
    [["--switch", "latencyMs"], 'Switch "latencyMs" must be a whole number from 0 to 86400000.'],
    [["--user-email", "somebody"], '"somebody" is not an e-mail address.'],
    [["--journal", "/dev/null/journal"], "/dev/null"],
    [["extra"], "Unexpected argument 'extra'"],
  ])("refuses %j in one sentence and exits with 1", async (args, sentence) => {
    const { code, stdout, stderr } = await start(...args).ended;
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("shows its flags", async () => {
    const { code, stdout } = await start("--help").ended;
    expect(code).toBe(0);
    expect(stdout).toContain("--journal <file>");
  });

  it("knows every flag that its help names, and names every one it knows", async () => {
    const { stdout } = await start("--help").ended;
    const named = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
    const source = readFileSync(join(root, "src/emulator/cli.ts"), "utf8");
    const known = [...source.matchAll(/^ {6}"?([a-z-]+)"?: \{ type:/gm)].map(([, flag = ""]) => `--${flag}`);
    expect(known.length).toBeGreaterThan(5);
    expect(named.toSorted()).toEqual(known.toSorted());
  });

  it("lists every switch with its default and what it may be", async () => {
    const { code, stdout } = await start("--switches").ended;
    expect(code).toBe(0);
    const listed = stdout.trim().split("\n");
    expect(listed.map((line) => line.split("  ")[0])).toEqual(
      Object.entries(defaultSwitches)
        .map(([name, initial]) => `${name}=${initial}`)
        .toSorted(),
    );
    expect(stdout).toContain("strangerSees=404  one of 404, 403\n");
  });

  it("takes every switch by name, as it lists them", async () => {
    const others = { dates: "utc", listLagMs: 7, lastOwnerKept: false, namesKept: "ascii" };
    const all = Object.entries({ ...defaultSwitches, ...others });
    const { ready } = start(...all.flatMap(([name, value]) => ["--switch", `${name}=${value}`]));
    const switches = await rigOf(await ready).control("GET", "switches");
    expect(switches).toEqual({ ...defaultSwitches, ...others });
  });

  it("writes a line of JSON for every request, with its fault and without key and body", async () => {
    const { child, ready, ended } = start();
    const rig = rigOf(await ready);
    await rig.failNext({ kind: "drop" }, { match: { method: "DELETE" } });
    await rig.call("POST", `/api/v1/orgs/organizations/?by=${rig.apiKey}`, { name: "of the body" });
    await rig.call("DELETE", "/v1/memories/").catch(() => null);
    child.kill("SIGTERM");
    const { stderr } = await ended;
    const times = { startedAtMs: expect.any(Number) as number, durationMs: expect.any(Number) as number };
    const path = "/api/v1/orgs/organizations/";
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { id: 1, method: "POST", path, query: "by=[key]", status: 201, fault: null, ...times },
      { id: 2, method: "DELETE", path: "/v1/memories/", query: "", status: null, fault: "drop", ...times },
    ]);
    expect(stderr).not.toContain("of the body");
  });
});
