import { dataSwitches } from "./data-switches.ts";
import { memberSwitches } from "./member-switches.ts";
import { placeSwitches } from "./place-switches.ts";
import { protocolSwitches } from "./protocol-switches.ts";
import type { SwitchKind } from "./switch-kinds.ts";
import { webhookSwitches } from "./webhook-switches.ts";

const kinds = {
  ...protocolSwitches,
  ...placeSwitches,
  ...memberSwitches,
  ...webhookSwitches,
  ...dataSwitches,
};

/** What nobody knows about the real service, or what a test wants otherwise. The README says where each default comes from. */
export type Switches = ValuesOf<typeof kinds>;

type ValuesOf<Kinds> = {
  readonly [Name in keyof Kinds]: Kinds[Name] extends SwitchKind<infer Value> ? Value : never;
};

/** A switch that does not exist or cannot have that value. `field` names it. */
export class SwitchRefused extends Error {
  override readonly name = "SwitchRefused";
  readonly field: string;

  constructor(field: string, reason: string) {
    super(`Switch "${field}" ${reason}.`);
    this.field = field;
  }
}

/** Every switch at its default. */
export const defaultSwitches: Switches = initialSwitches();

/**
 * Reads switches from JSON.
 * @throws {SwitchRefused} at the first that does not exist or has a value of the wrong kind.
 */
export function readSwitches(value: Readonly<Record<string, unknown>>): Partial<Switches> {
  for (const [name, given] of Object.entries(value)) {
    const kind = kindOf(name);
    if (kind === undefined) throw new SwitchRefused(name, "does not exist");
    if (kind.parse(given) === undefined) throw new SwitchRefused(name, `must be ${kind.allowed}`);
  }
  // Every entry has just passed the parse of the switch it names.
  return value as Partial<Switches>;
}

/**
 * Reads one switch written as `name=value`, as the command line has it.
 * @throws {SwitchRefused} as `readSwitches` does.
 */
export function readSwitchText(text: string): Partial<Switches> {
  const [name = "", ...rest] = text.split("=");
  const written = rest.join("=");
  const isText = typeof kindOf(name)?.initial === "string";
  return readSwitches({ [name]: isText ? written : parseJson(written) });
}

/** A line for every switch, by name: its default, and what it may be, in words. */
export function describedSwitches(): readonly string[] {
  const all = Object.entries<SwitchKind<unknown>>(kinds);
  return all.map(([name, { initial, allowed }]) => `${name}=${String(initial)}  ${allowed}`).toSorted();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function kindOf(name: string): SwitchKind<unknown> | undefined {
  const known: Readonly<Record<string, SwitchKind<unknown>>> = kinds;
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

function initialSwitches(): Switches {
  const entries = Object.entries(kinds).map(([name, kind]) => [name, kind.initial]);
  // The kinds have exactly the names of the switches, each with its own kind of value.
  return Object.fromEntries(entries) as Switches;
}
