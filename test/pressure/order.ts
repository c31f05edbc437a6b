import { parseArgs } from "node:util";

/** What a run of the overload is to do. */
export interface OverloadOrder {
  /** How many times the load that is borne is offered. */
  readonly factor: number;
  /** For how long that is measured which is borne; in milliseconds. */
  readonly measureMs: number;
  /** For how long it is offered too much; in milliseconds. */
  readonly overloadMs: number;
}

/** For `--help`. */
export const usage = `npm run overload -- [--seconds n] [--factor n]

Starts a Postgres, an emulator of Mem0 and Loci, each in a process of its own; measures how many requests a second Loci bears,
and then sends it ten times as many for a minute, whether it answers or not. Looks whether its memory stays within bounds,
whether everything that it accepted is done, whether all else is refused in so many words, and how soon it is as quick as before.
Writes docs/pressure.md after a minute and more. It stops by itself, at the latest ten minutes after the minute.

  --seconds n  how long it is offered too much; 60
  --factor n   how many times too much; 10
`;

/** Reads the command line. Null: help is wanted. @throws {Error} for what cannot be understood, in one sentence */
export function readOrder(args: readonly string[]): OverloadOrder | null {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: "string" }, factor: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) return null;
  return {
    factor: wholeNumber("factor", values.factor ?? "10", 2, 100),
    measureMs: 10_000,
    overloadMs: wholeNumber("seconds", values.seconds ?? "60", 1, 600) * 1_000,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d{1,4}$/.test(text) || number < least || number > most) {
    throw new Error(`--${name} must be a whole number from ${least} to ${most}.`);
  }
  return number;
}
