import { randomBytes, randomUUID } from "node:crypto";
import { decodeGlobalID } from "@pothos/plugin-relay";
import { type ProjectThing, projectThingId } from "../../src/schema/memory-ids.ts";
import { type IdPrefix, newId } from "../../src/tenants/ids.ts";
import type { Asker, FuzzGround, Side } from "./fuzz-ground.ts";
import { mem0IdIn } from "./rig.ts";

/** Every kind of name that one tenant's caller could write down that is another's, beside one of its like that never was. */

/** A name that is the other's, and one of the same shape that names nothing. */
export interface Pair {
  readonly theirs: string;
  readonly never: string;
}

/** Who tries what on whom. `bit` is for kinds that have many forms. */
export interface Swap {
  readonly ground: FuzzGround;
  readonly own: Side;
  readonly other: Side;
  readonly bit: number;
}

/** A kind of name. */
export interface Kind {
  readonly title: string;
  /** Null: everybody. */
  readonly only: Asker | null;
  readonly pair: (swap: Swap) => Pair;
}

const text = (plain: string) => Buffer.from(plain).toString("base64url");
const globalId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString("base64");

/** The same text with one bit of what it is base64 of turned over. */
function flipped(id: string, bit: number): string {
  const bytes = Buffer.from(id, "base64url");
  const at = bit % (bytes.length * 8);
  const index = Math.floor(at / 8);
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (at % 8));
  return bytes.toString("base64url");
}

/** Whether a text reads as a global id, of whatever type, to what takes ids apart in the API. */
function isGlobalId(id: string): boolean {
  try {
    return /^[\x21-\x7e]+$/.test(decodeGlobalID(id).id);
  } catch {
    return false;
  }
}

/**
 * Both with a bit turned, the same one. What can be no id is told as that, whosever it was: the next bit is taken that leaves both of
 * them ids, or neither.
 */
function turned({ theirs, never }: Pair, from: number): Pair {
  const at = (bit: number): Pair => ({ theirs: flipped(theirs, bit), never: flipped(never, bit) });
  const pairs = Array.from({ length: 64 }, (_, step) => at(from + step));
  return pairs.find((pair) => isGlobalId(pair.theirs) === isGlobalId(pair.never)) ?? at(from);
}

/** Of the same length, and of the same sorts of characters after what tells what it is. */
function likeness(of: string, kept: number): string {
  const random = randomBytes(of.length);
  const turn = (character: string, index: number) => {
    if (index < kept) return character;
    const byte = random[index] ?? 0;
    if (/[0-9]/.test(character)) return String(byte % 10);
    if (/[a-z]/i.test(character)) return "abcdefghjkmnpqrstvwxyz".charAt(byte % 22);
    return character;
  };
  return [...of].map(turn).join("");
}

const things = {
  memory: "Memory",
  event: "MemoryEvent",
  export: "MemoryExport",
} as const satisfies Record<string, ProjectThing>;

type Slot = keyof typeof things;

function ofThing(slot: Slot): Kind[] {
  const thing = things[slot];
  const sealed = ({ ground, other }: Swap): Pair => ({
    theirs: other.names[slot],
    never: projectThingId(ground.world, thing, other.tenantId, randomUUID()),
  });
  const raw = ({ other }: Swap): Pair => ({ theirs: mem0IdIn(other.names[slot]), never: randomUUID() });
  const grafted = (swap: Swap, onto: (raw: string) => string): Pair => {
    const { theirs, never } = raw(swap);
    return { theirs: text(onto(theirs)), never: text(onto(never)) };
  };
  const plain = (id: string) => Buffer.from(id, "base64url").toString();
  return [
    every(`sealed ${thing}`, sealed),
    every(`raw ${thing}`, raw),
    every(`sealed ${thing} with a bit turned`, (swap) => {
      return turned(sealed(swap), swap.bit);
    }),
    every(`own seal around a ${thing}`, (swap) =>
      grafted(swap, (id) => `${plain(swap.own.names[slot]).slice(0, -36)}${id}`),
    ),
    every(`${thing} resealed by its own seal`, ({ ground, own, other }) => {
      const named = (id: string) => text(plain(id).replace(other.tenantId, own.tenantId));
      const never = projectThingId(ground.world, thing, other.tenantId, randomUUID());
      return { theirs: named(other.names[slot]), never: named(never) };
    }),
    every(`unsealed ${thing}`, (swap) => grafted(swap, (id) => `${thing}:${swap.own.tenantId}:${id}`)),
  ];
}

const prefixes = {
  ...{ Tenant: "tnt", Operation: "op", Resource: "res", ProjectKey: "key", ApiToken: "tok" },
  ...{ Mem0Account: "acc", Unaccounted: "una" },
} as const satisfies Record<string, IdPrefix>;

type NodeType = keyof typeof prefixes;

function idOf({ ground, other }: Swap, type: NodeType): string {
  return type === "Mem0Account" || type === "Unaccounted" ? ground.installation[type] : other.ids[type];
}

function ofNode(type: NodeType): Kind[] {
  const bare = (swap: Swap): Pair => ({ theirs: idOf(swap, type), never: newId(prefixes[type]) });
  const global = (swap: Swap): Pair => {
    const { theirs, never } = bare(swap);
    return { theirs: globalId(type, theirs), never: globalId(type, never) };
  };
  return [
    every(`global id of a ${type}`, global),
    every(`bare id of a ${type}`, bare),
    every(`global id of a ${type} with a bit turned`, (swap) => {
      return turned(global(swap), swap.bit);
    }),
    every(`id of a ${type} as another type's`, (swap) => {
      const names = Object.keys(prefixes);
      const as = names[swap.bit % names.length] ?? type;
      const { theirs, never } = bare(swap);
      return { theirs: globalId(as, theirs), never: globalId(as, never) };
    }),
  ];
}

function ofCursor(list: string): Kind[] {
  const pair = ({ other }: Swap): Pair => {
    const theirs = other.cursors[list] ?? "";
    const plain = Buffer.from(theirs, "base64url").toString();
    // A list of the control plane: what it points to. A list of Mem0's: the tenant that it is of.
    const never = plain.replace(/(op|tnt)_[0-9a-z]{26}/, (_id, prefix: "op" | "tnt") => newId(prefix));
    // Written as theirs is.
    const form = /[=+/]/.test(theirs) || theirs.length % 4 === 0 ? "base64" : "base64url";
    return { theirs, never: Buffer.from(never).toString(form) };
  };
  return [
    every(`cursor of ${list}`, pair),
    every(`cursor of ${list} with a bit turned`, (swap) => {
      return turned(pair(swap), swap.bit);
    }),
  ];
}

function ofWord(title: string, kept: number, word: (other: Side) => string): Kind {
  return every(title, ({ other }) => ({ theirs: word(other), never: likeness(word(other), kept) }));
}

function every(title: string, pair: Kind["pair"]): Kind {
  return { title, only: null, pair };
}

/** All of them. */
export const kinds: readonly Kind[] = [
  ...(Object.keys(things) as Slot[]).flatMap(ofThing),
  ...(Object.keys(prefixes) as NodeType[]).flatMap(ofNode),
  ...["memories", "entities", "events", "projectHistory", "operations"].flatMap(ofCursor),
  ofWord("tenant key", 4, ({ key }) => key),
  ofWord("name of a tenant", 0, ({ name }) => name),
  ofWord("word of a memory", 0, ({ tag }) => tag),
  ofWord("idempotency key", 5, ({ idempotencyKey }) => idempotencyKey),
  ofWord("actor", 0, ({ actor }) => actor),
  ofWord("Mem0's id of an organization", 4, ({ orgId }) => orgId),
  ofWord("Mem0's id of a project", 5, ({ projectId }) => projectId),
  ofWord("API key of Mem0", 3, ({ apiKey }) => apiKey),
  ofWord("token of the API", 12, ({ tokens }) => tokens.rw),
  {
    title: "memory of another entity of the same tenant",
    only: "entity",
    pair: ({ ground, own }) => ({
      theirs: own.siblingMemory,
      never: projectThingId(ground.world, "Memory", own.tenantId, randomUUID()),
    }),
  },
];
