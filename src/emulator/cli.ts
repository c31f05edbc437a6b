#!/usr/bin/env node
import { parseArgs } from "node:util";
import { type EmulatorOptions, startEmulator } from "./emulator.ts";
import { JournalUnreadable } from "./journal.ts";
import { readSwitchText, type Switches, SwitchRefused } from "./switches.ts";

const usage = `Runs a server on 127.0.0.1 that behaves as api.mem0.ai does.

  --port <n>             the port to listen on; 0, the default, takes a free one
  --api-key <key>        the first API key; absent: the journal's, or a new one
  --user-email <email>   the key's person; default platform@loci.test
  --journal <file>       keep the state in this file, so that a restart finds it again
  --latency-ms <n>       slow every answer by so much (the switch latencyMs)
  --switch <name=value>  set a switch; may be given again and again (the README lists them)
  --help                 show this
`;

/** The command line asks for what there is not; the message is one sentence. */
class UsageRefused extends Error {
  override readonly name = "UsageRefused";
}

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  try {
    const options = readOptions(args);
    if (options === null) {
      process.stdout.write(usage);
      return;
    }
    const emulator = await startEmulator({
      ...options,
      log: (line) => process.stderr.write(`${JSON.stringify(line)}\n`),
    });
    process.stdout.write(`Mem0 emulator on ${emulator.url} with the API key ${emulator.apiKey}\n`);
    const stop = (): void => void emulator.close();
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  } catch (error) {
    process.stderr.write(`${sentence(error)}\n`);
    process.exitCode = 1;
  }
}

/** Null when help is wanted. */
function readOptions(args: readonly string[]): EmulatorOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string" },
      "api-key": { type: "string" },
      "user-email": { type: "string" },
      journal: { type: "string" },
      "latency-ms": { type: "string" },
      switch: { type: "string", multiple: true },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return null;
  const { journal, "api-key": apiKey, "user-email": userEmail, "latency-ms": latencyMs } = values;
  const texts = [...(latencyMs === undefined ? [] : [`latencyMs=${latencyMs}`]), ...(values.switch ?? [])];
  const switches: Partial<Switches> = Object.assign({}, ...texts.map(readSwitchText));
  return {
    port: readPort(values.port ?? "0"),
    switches,
    ...(apiKey === undefined ? {} : { apiKey: readKey(apiKey) }),
    ...(userEmail === undefined ? {} : { userEmail }),
    ...(journal === undefined ? {} : { journalPath: journal }),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageRefused(`"${text}" is not a port.`);
  return port;
}

function readKey(text: string): string {
  if (!/^\S+$/.test(text)) throw new UsageRefused("An API key is one word.");
  return text;
}

/** One sentence for what a user can do something about; everything for what he cannot. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port }: NodeJS.ErrnoException & { readonly port?: number } = error;
  if (code === "EADDRINUSE") return `The port ${port} is in use.`;
  if (code === "EACCES" && port !== undefined) return `The port ${port} may not be used by this account.`;
  const isPlain =
    error instanceof UsageRefused ||
    error instanceof SwitchRefused ||
    error instanceof JournalUnreadable ||
    code !== undefined;
  return isPlain ? (error.message.split("\n")[0] ?? error.message) : (error.stack ?? error.message);
}
