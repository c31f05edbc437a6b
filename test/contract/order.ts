import { parseArgs } from "node:util";
import { z } from "zod";
import type { Manners } from "./client.ts";
import type { Timings } from "./world.ts";

/** How the program is used. */
export const usage = `npm run contract [-- options]

Checks what Loci believes of Mem0 (docs/unproved.md), and what is documented, against a server; by default against an emulator of its
own. All that it makes it removes.

  MEM0_CONTRACT_BASE_URL        the server, e.g. https://api.mem0.ai; with
  MEM0_CONTRACT_API_KEY         the key of a throw-away account
  MEM0_CONTRACT_SECOND_API_KEY  the key of another person's account, for what needs two

  --second-key KEY   the same as the variable; the variable does not show in the list of processes
  --only 5,12        only these beliefs, and no facts
  --long             also what takes hundreds of calls
  --calls N          stop after so many calls (default 600, with --long 1500)
  --json FILE        the result as JSON too
  --ledger FILE      where what is made is written down (default loci-contract-<time>.jsonl in this folder)
  --clean FILE       remove what an earlier run left, by its ledger, and do nothing else
  --help

Exit code 0: nothing refuted; 1: something refuted; 2: it could not run, or not to its end, or something is left.
`;

/** What the program was told to do. */
export interface ProgramOrder {
  /** Null for an emulator of its own. */
  readonly server: { readonly url: string; readonly key: string; readonly secondKey: string | null } | null;
  readonly isLong: boolean;
  readonly only: readonly string[] | null;
  readonly callsMax: number;
  readonly json: string | null;
  readonly ledger: string;
  readonly clean: string | null;
}

/** Something that cannot be understood; the message says what. */
export class BadOrder extends Error {
  override readonly name = "BadOrder";
}

const environment = z.object({
  MEM0_CONTRACT_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  MEM0_CONTRACT_API_KEY: z.string().min(1).optional(),
  MEM0_CONTRACT_SECOND_API_KEY: z.string().min(1).optional(),
});

/** For the real service, half a second between two requests would be polite too; a fifth keeps a run below two minutes. */
export const realManners: Omit<Manners, "callsMax"> = {
  paceMs: 200,
  retryAfterMaxMs: 120_000,
  retryMs: 5000,
  timeoutMs: 60_000,
};

/** The bounds of docs/unproved.md, and what was seen live of adds and exports. */
export const realTimings: Timings = {
  settleMs: 10_000,
  goneMs: 5000,
  clockMs: 10_000,
  eventMs: 90_000,
  exportMs: 90_000,
};

/** @returns null for `--help`. @throws {BadOrder} */
export function readOrder(
  args: readonly string[],
  given: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): ProgramOrder | null {
  const values = parsed(args);
  if (values.help === true) return null;
  const read = environment.safeParse(given);
  if (!read.success) {
    throw new BadOrder(
      read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"),
    );
  }
  const { MEM0_CONTRACT_BASE_URL: url, MEM0_CONTRACT_API_KEY: key } = read.data;
  if ((url === undefined) !== (key === undefined)) {
    throw new BadOrder("MEM0_CONTRACT_BASE_URL and MEM0_CONTRACT_API_KEY are needed both, or neither.");
  }
  const secondKey = values["second-key"] ?? read.data.MEM0_CONTRACT_SECOND_API_KEY ?? null;
  if (values.clean !== undefined && url === undefined) {
    throw new BadOrder("--clean needs the server and key of the run that left the file.");
  }
  const isLong = values.long ?? false;
  return {
    server: url === undefined || key === undefined ? null : { url: url.replace(/\/+$/, ""), key, secondKey },
    isLong,
    only: values.only === undefined ? null : numbers(values.only, known),
    callsMax: values.calls === undefined ? (isLong ? 1500 : 600) : count(values.calls),
    json: values.json ?? null,
    ledger: values.ledger ?? `loci-contract-${new Date().toISOString().replaceAll(/[:.]/g, "-")}.jsonl`,
    clean: values.clean ?? null,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "second-key": { type: "string" },
        only: { type: "string" },
        long: { type: "boolean" },
        calls: { type: "string" },
        json: { type: "string" },
        ledger: { type: "string" },
        clean: { type: "string" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new BadOrder(error instanceof Error ? error.message : String(error));
  }
}

function numbers(text: string, known: readonly string[]): readonly string[] {
  const wanted = text.split(",").map((each) => each.trim());
  const unknown = wanted.filter((each) => !known.includes(each));
  if (unknown.length > 0) throw new BadOrder(`--only: docs/unproved.md has no number ${unknown.join(", ")}.`);
  return wanted;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new BadOrder("--calls must be a whole number from 1 to 99999.");
  return Number(text);
}
