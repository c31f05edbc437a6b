import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileLoci, type LociProgram } from "./loci-program.ts";

let program: LociProgram;

beforeAll(async () => {
  program = await compileLoci();
});

afterAll(() => program?.remove());

/** Runs a program that is watched, and hangs when its loop does not turn for 600 ms. */
function watched(rest: string): ChildProcess {
  const watchdog = pathToFileURL(path.join(path.dirname(program.main), "watchdog.js"));
  const source = `import { startWatchdog } from "${watchdog.href}"; const dog = startWatchdog(600); ${rest}`;
  return spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = await once(child, "exit");
  return { code, signal };
}

describe("a process that is watched", () => {
  it("is ended with -9 when its event loop stands still, and says why", async () => {
    const child = watched("setTimeout(() => { for (;;); }, 300);");
    let said = "";
    child.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    expect(await endOf(child)).toEqual({ code: null, signal: "SIGKILL" });
    expect(said).toContain("has not turned for 600 ms");
  });

  it("lives while its loop turns, however busy it is, and ends when it wants to", async () => {
    const busy = `const until = Date.now() + 2_500;
      const work = () => { const end = Date.now() + 150; while (Date.now() < end);
        if (Date.now() < until) setTimeout(work, 5); else dog.stop().then(() => process.exit(7)); };
      work();`;
    expect(await endOf(watched(busy))).toEqual({ code: 7, signal: null });
  });

  it("does not live on only because it is watched", async () => {
    expect(await endOf(watched(""))).toEqual({ code: 0, signal: null });
  });

  it("is left alone when it was frozen as a whole, longer than it may hang", async () => {
    // The main thread wakes up with 40 ms of work before it: the other one looks first.
    const child = watched(`process.stdout.write("up");
      setInterval(() => { const end = Date.now() + 40; while (Date.now() < end); }, 45);
      process.once("SIGUSR2", () => process.exit(7));`);
    if (child.stdout === null) throw new Error("It has no stdout.");
    const end = endOf(child);
    await once(child.stdout, "data");
    for (let freeze = 0; freeze < 4; freeze++) {
      child.kill("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 800));
      child.kill("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    child.kill("SIGUSR2");
    expect(await end).toEqual({ code: 7, signal: null });
  });
});
