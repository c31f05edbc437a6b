import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeTemporaryFolder, type TemporaryFolder } from "../database/temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const runFile = promisify(execFile);
let folder: TemporaryFolder;

/** Compiles the sample with all that it imports, as `scripts/run-typescript.mjs` does; but once for all tests. */
beforeAll(async () => {
  folder = await makeTemporaryFolder("loci-program-");
  const config = {
    extends: path.join(root, "tsconfig.json"),
    compilerOptions: { noEmit: false, noCheck: true, rootDir: root, outDir: folder.path },
    ...{ include: [], files: [path.join(root, "test", "program", "sample-process.ts")] },
  };
  const project = path.join(folder.path, "tsconfig.json");
  await writeFile(project, JSON.stringify(config));
  await writeFile(path.join(folder.path, "package.json"), `{"type":"module"}`);
  await symlink(path.join(root, "node_modules"), path.join(folder.path, "node_modules"));
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  await runFile(process.execPath, [compiler, "-p", project]);
});
afterAll(() => folder?.remove());

function start(argument: string) {
  const sample = path.join(folder.path, "test", "program", "sample-process.js");
  const child = spawn(process.execPath, [sample, argument]);
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, said: listenTo(child, "stdout"), complained: listenTo(child, "stderr") };
}

function listenTo(child: ChildProcessWithoutNullStreams, stream: "stdout" | "stderr"): () => string {
  let text = "";
  child[stream].setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return () => text;
}

describe("a program", () => {
  it.each([
    ["well", 0, ""],
    ["badly", 1, ""],
    ["broken", 1, "Error: It broke.\n"],
    ["broken-behind", 1, "Error: It broke behind its back.\n"],
  ])("that ends %s stops what it keeps, says what broke, and exits with %i", async (end, code, complaint) => {
    const { child, said, complained } = start(end);
    await once(child, "close");
    expect(said()).toBe("it is made\nit is stopped\n");
    expect(complained()).toContain(complaint);
    expect(complained() === "").toBe(complaint === "");
    expect(child.exitCode).toBe(code);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "stops what it keeps when it is told %s",
    async (signal) => {
      const { child, said, complained } = start("never");
      while (!said().includes("it goes on")) await once(child.stdout, "data");
      child.kill(signal);
      await once(child, "close");
      expect(said()).toBe("it is made\nit goes on\nit is stopped\n");
      expect(complained()).toBe("");
      expect(child.exitCode).toBe(130);
    },
  );

  it("starts nothing when it is asked how it is used, or does not understand", async () => {
    const [help, wrong] = [start("--help"), start("nonsense")];
    await Promise.all([once(help.child, "close"), once(wrong.child, "close")]);
    expect([help.said(), help.complained(), help.child.exitCode]).toEqual(["How to use it.\n", "", 0]);
    const complaint = "There is no end nonsense.\n\nHow to use it.\n";
    expect([wrong.said(), wrong.complained(), wrong.child.exitCode]).toEqual(["", complaint, 2]);
  });
});
