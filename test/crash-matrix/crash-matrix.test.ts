import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { allPairs } from "./all-pairs.ts";
import { type Cell, crashPoints, faultNames, worldNames } from "./cell.ts";
import { enumerate } from "./enumerate.ts";
import { sagaDescriptions } from "./saga-descriptions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the crash matrix", () => {
  it("has cells of every step of every saga, in every world, and says why where a place is none", () => {
    const { cells, notApplicable } = enumerate(worldNames);
    for (const { saga } of Object.values(sagaDescriptions)) {
      for (const { name } of saga.stages.flat()) {
        const own = cells.filter(({ kind, step }) => kind === saga.kind && step === name);
        expect(new Set(own.map(({ world }) => world)), `${saga.kind} ${name}`).toEqual(new Set(worldNames));
      }
    }
    expect(notApplicable.filter(({ why }) => why.length < 10)).toEqual([]);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
  });

  it("has every crash under every fault of every step that asks Mem0 something", () => {
    const { cells } = enumerate(["plain"]);
    const asking = Object.values(sagaDescriptions).flatMap(({ saga, steps }) =>
      Object.entries(steps).flatMap(([name, { call }]) => (call === null ? [] : [`${saga.kind} ${name}`])),
    );
    for (const name of asking) {
      const tried = cells
        .filter((cell) => isTried(cell, name))
        .map(({ crash, fault }) => `${crash} ${fault}`);
      const all = crashPoints.flatMap((crash) => faultNames.map((fault) => `${crash} ${fault}`));
      expect(new Set(tried), name).toEqual(new Set(all));
    }
  });

  it("is chosen from by pairs: every pair of values of two dimensions is in the choice, whatever the seed", () => {
    const { cells } = enumerate(worldNames);
    const worldsByFault = (some: readonly Cell[]) =>
      new Set(some.map(({ kind, step, fault }) => `${kind} ${step} ${fault}`)).size;
    for (const seed of [1, 2]) {
      const chosen = allPairs(cells, seed);
      expect(chosen.length).toBeLessThan(cells.length / 20);
      expect(worldsByFault(chosen)).toBe(worldsByFault(cells));
    }
    expect(allPairs(cells, 1)).toEqual(allPairs(cells, 1));
  });

  it("finds nothing wrong in a choice of its cells: workers killed with -9, and all that follows", {
    timeout: 240_000,
  }, async () => {
    const seed = process.env["CRASH_MATRIX_SEED"] ?? String(Math.floor(Math.random() * 1_000_000));
    const { code, said } = await runQuick(seed);
    process.stdout.write(`${said.split("\n").findLast((line) => line.startsWith("Crash matrix:")) ?? ""}\n`);
    expect(code, said).toBe(0);
  });
});

function isTried({ kind, step, direction, continuation }: Cell, name: string): boolean {
  return `${kind} ${step}` === name && direction === "invoke" && continuation === "repeated";
}

/** The tool itself, in a process of its own. It dies with the tests. */
async function runQuick(seed: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const script = fileURLToPath(new URL("scripts/run-typescript.mjs", `file://${root}`));
  const args = [script, "test/crash-matrix/main.ts", "--quick", "--seed", seed];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  // Also when the test runs out of time; it ends what it has started itself.
  onTestFinished(() => void child.kill("SIGTERM"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  await once(child, "close");
  return { code: child.exitCode, said };
}
