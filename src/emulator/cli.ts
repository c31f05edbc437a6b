#!/usr/bin/env node
import { parseArgs } from "node:util";
import { type EmulatorOptions, startEmulator } from "./emulator.ts";
import { JournalUnreadable } from "./journal.ts";
import { describedSwitches, readSwitchText, type Switches, SwitchRefused } from "./switches.ts";

const usage = `Runs a server on 127.0.0.1 that behaves as api.mem0.ai does.

  --port <n>             the port to listen on; 0, the default, takes a free one
  --api-key <key>        the first API key; absent: the journal's, or a new one
  --user-email <email>   the key's person; default platform@loci.test
  --journal <file>       keep the state in this file, so that a restart finds it again
  --latency-ms <n>       slow every answer by so much (the switch latencyMs)
  --add-delay-ms <n>     complete an add that extracts only after so much (the switch addDelayMs)
  --switch <name=value>  set a switch; may be given again and again
  --switches             list every switch with its default and what it may be (the README says what they do)
  --help                 show this

Says on stdout where it listens, and on stderr one line of JSON for every request that has ended: id, method, path,
query, status (null: the connection broke), fault (null: none), startedAtMs, durationMs. Bodies and keys are left out.
Faults, switches, people and keys can be had while it runs, by the control plane below /_emulator/ (see the README).
SIGINT and SIGTERM end it.
`;

/** The command line asks for what there is not; the message is one sentence. */
class UsageRefused extends Error {
  override readonly name = "UsageRefused";
}

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  try {
    const options = readOptions(args);
    if (typeof options === "string") {
      process.stdout.write(options);
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

/** A text to show instead of a start, when one is wanted. */
function readOptions(args: readonly string[]): EmulatorOptions | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string" },
      "api-key": { type: "string" },
      "user-email": { type: "string" },
      journal: { type: "string" },
      "latency-ms": { type: "string" },
      "add-delay-ms": { type: "string" },
      switch: { type: "string", multiple: true },
      switches: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return usage;
  if (values.switches === true) return `${describedSwitches().join("\n")}\n`;
  const { journal, "api-key": apiKey, "user-email": userEmail } = values;
  const { "latency-ms": latencyMs, "add-delay-ms": addDelayMs } = values;
  const texts = [
    ...(latencyMs === undefined ? [] : [`latencyMs=${latencyMs}`]),
    ...(addDelayMs === undefined ? [] : [`addDelayMs=${addDelayMs}`]),
    ...(values.switch ?? []),
  ];
  const switches: Partial<Switches> = Object.assign({}, ...texts.map(readSwitchText));
  return {
    port: readPort(values.port ?? "0"),
    switches,
    ...(apiKey === undefined ? {} : { apiKey: readKey(apiKey) }),
    ...(userEmail === undefined ? {} : { userEmail: readEmail(userEmail) }),
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

function readEmail(text: string): string {
  if (!/^[^\s@]+@[^\s@]+$/.test(text)) throw new UsageRefused(`"${text}" is not an e-mail address.`);
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
