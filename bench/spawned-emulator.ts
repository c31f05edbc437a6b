import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The emulator's program, compiled as it would be installed. */
const emulatorProgram = fileURLToPath(new URL("../src/emulator/cli.js", import.meta.url));

/** An emulator in a process of its own. */
export interface SpawnedEmulator {
  readonly child: ChildProcess;
  readonly url: string;
  readonly apiKey: string;
}

/** Starts one with these arguments. It ends with this process at the latest. @throws {Error} when it does not come up */
export async function spawnEmulator(args: readonly string[] = []): Promise<SpawnedEmulator> {
  // It tells of every request on stderr, which nobody reads here.
  const child = spawn(process.execPath, [emulatorProgram, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = once(child, "exit");
  for (;;) {
    const [, url, apiKey] = /on (http:\S+) with the API key (\S+)/.exec(said) ?? [];
    if (url !== undefined && apiKey !== undefined) return { child, url, apiKey };
    const isOver = await Promise.race([once(child.stdout, "data").then(() => false), ended.then(() => true)]);
    if (isOver) throw new Error(`The emulator ended before it was up. It said: ${said}`);
  }
}

/** How much of the machine's memory the process takes up now. */
export function residentBytes({ pid }: ChildProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}
