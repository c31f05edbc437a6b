import type { Root } from "./data-plane.ts";

/** One call of every field that reaches memories, with the places in it that can name what is not the caller's. */

/** What a call names. */
export interface Names {
  /** Ids in GraphQL. */
  readonly memory: string;
  readonly event: string;
  readonly export: string;
  readonly cursor: string | null;
  /** An end user. */
  readonly user: string;
  /** What the caller says, wherever text can be said. */
  readonly text: string;
}

/** A place in a call that takes an id of ours. */
export type Slot = "memory" | "event" | "export" | "cursor";

/** A call of one field. Every field of the data plane has at least one. */
export interface MemoryCall {
  readonly title: string;
  readonly root: Root;
  readonly field: string;
  readonly slots: readonly Slot[];
  /** ONE: a strange id is NotFound. MANY: the answer says so, id by id. FILTER: nothing matches. */
  readonly missing: "ONE" | "MANY" | "FILTER" | null;
  readonly isWrite: boolean;
  readonly args: (names: Names) => Readonly<Record<string, unknown>>;
}

const ofUser = ({ user }: Names) => ({ userId: { eq: user } });
const ofUserAndMemory = (names: Names) => ({ ...ofUser(names), memoryIds: [names.memory] });
const schema = {
  type: "object",
  properties: { likes: { type: "string", description: "What somebody likes" } },
};

type Rest = Partial<Pick<MemoryCall, "title" | "slots" | "missing">> & Pick<MemoryCall, "args">;

function read(field: string, { title = field, slots = [], missing = null, args }: Rest): MemoryCall {
  return { root: "Tenant", isWrite: false, field, title, slots, missing, args };
}

function write(field: string, { title = field, slots = [], missing = null, args }: Rest): MemoryCall {
  return { root: "Mutation", isWrite: true, field, title, slots, missing, args };
}

const page = ({ cursor }: Names) => ({ first: 2, after: cursor });

const reads: readonly MemoryCall[] = [
  read("memories", { slots: ["cursor"], args: (names) => ({ filter: ofUser(names), ...page(names) }) }),
  read("memories", {
    title: "memories of ids",
    slots: ["memory"],
    missing: "FILTER",
    args: (names) => ({ filter: ofUserAndMemory(names) }),
  }),
  read("memory", { slots: ["memory"], missing: "ONE", args: ({ memory }) => ({ id: memory }) }),
  read("searchMemories", {
    args: (names) => ({ query: `${names.text} likes`, filter: ofUser(names), threshold: 0 }),
  }),
  read("searchMemories", {
    title: "searchMemories of ids",
    slots: ["memory"],
    missing: "FILTER",
    args: (names) => ({ query: "likes", threshold: 0, filter: ofUserAndMemory(names) }),
  }),
  read("entities", { slots: ["cursor"], args: page }),
  read("events", { slots: ["cursor"], args: page }),
  read("event", { slots: ["event"], missing: "ONE", args: ({ event }) => ({ id: event }) }),
  read("memoryHistory", { slots: ["memory"], missing: "ONE", args: ({ memory }) => ({ memoryId: memory }) }),
  read("projectHistory", { slots: ["cursor"], args: page }),
  read("memoryExport", { slots: ["export"], missing: "ONE", args: (names) => ({ id: names.export }) }),
  read("memoryExport", {
    title: "memoryExport of a filter",
    args: (names) => ({ filter: ofUser(names) }),
  }),
  read("memoryStats", { args: () => ({}) }),
];

const writes: readonly MemoryCall[] = [
  write("addMemories", {
    args: ({ user, text }) => ({
      messages: [{ role: "USER", content: `${text} likes cake.` }],
      ...{ userId: user, infer: false, metadata: { note: text } },
    }),
  }),
  write("updateMemory", {
    slots: ["memory"],
    missing: "ONE",
    args: ({ memory, text }) => ({ id: memory, text: `${text} likes pie.`, metadata: { note: text } }),
  }),
  write("updateMemories", {
    slots: ["memory"],
    missing: "MANY",
    args: ({ memory, text }) => ({ updates: [{ id: memory, text: `${text} likes jam.` }] }),
  }),
  write("giveMemoryFeedback", {
    slots: ["memory"],
    missing: "ONE",
    args: ({ memory, text }) => ({ memoryId: memory, feedback: "NEGATIVE", reason: `${text} said no.` }),
  }),
  write("createMemoryExport", {
    args: (names) => ({ schema, filter: ofUser(names), instructions: names.text, waitMs: 0 }),
  }),
  write("createMemoryExport", {
    title: "createMemoryExport of ids",
    slots: ["memory"],
    missing: "FILTER",
    args: (names) => ({ schema, filter: ofUserAndMemory(names), waitMs: 5_000 }),
  }),
  write("deleteMemory", { slots: ["memory"], missing: "ONE", args: ({ memory }) => ({ id: memory }) }),
  write("deleteMemories", { slots: ["memory"], missing: "MANY", args: ({ memory }) => ({ ids: [memory] }) }),
  write("deleteMatchingMemories", { args: ({ user }) => ({ userId: user }) }),
  write("deleteEntity", { args: ({ user }) => ({ type: "USER", name: user }) }),
];

/** All of them; what deletes most stands last. */
export const memoryCalls: readonly MemoryCall[] = [...reads, ...writes];
