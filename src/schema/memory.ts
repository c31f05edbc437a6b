import type { Memory, MemoryHistoryEntry } from "../mem0/memories.ts";
import type { FoundMemory } from "../mem0/memory-lists.ts";
import { builder } from "./builder.ts";
import { projectThingId } from "./memory-ids.ts";

/** Something of Mem0's together with the tenant in whose project it lies, which its id in GraphQL needs. */
export type OfTenant<Thing> = Thing & { readonly tenantId: string };

/** Says of something of Mem0's in whose project it lies. */
export function ofTenant<Thing extends object>(tenantId: string, thing: Thing): OfTenant<Thing> {
  return { ...thing, tenantId };
}

/** The same of many. */
export function allOfTenant<Thing extends object>(
  tenantId: string,
  things: readonly Thing[],
): OfTenant<Thing>[] {
  return things.map((thing) => ofTenant(tenantId, thing));
}

/** A memory, in GraphQL. */
export const MemoryRef = builder.objectRef<OfTenant<Memory>>("Memory").implement({
  description: "A memory in a tenant's project, as Mem0 shows it. What Mem0 leaves out is null.",
  fields: (t) => ({
    id: t.id({
      resolve: ({ tenantId, memoryId }, _args, context) =>
        projectThingId(context, "Memory", tenantId, memoryId),
    }),
    mem0Id: t.exposeString("memoryId", { description: "Mem0's own id, to compare; no field takes it." }),
    memory: t.exposeString("memory", { description: "Its text." }),
    userId: t.exposeString("userId", { nullable: true }),
    agentId: t.exposeString("agentId", { nullable: true }),
    appId: t.exposeString("appId", { nullable: true }),
    runId: t.exposeString("runId", { nullable: true }),
    metadata: t.expose("metadata", { type: "JSON", nullable: true }),
    categories: t.stringList({
      nullable: true,
      description: "Null until Mem0 has sorted it, which may be days after it was made.",
      resolve: ({ categories }) => (categories === null ? null : [...categories]),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", nullable: true }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", nullable: true }),
    expirationDate: t.exposeString("expirationDate", {
      nullable: true,
      description: "The last day on which it is shown, `YYYY-MM-DD` in UTC.",
    }),
    replacedById: t.id({
      nullable: true,
      description: "The memory that superseded it.",
      resolve: ({ tenantId, replacedBy }, _args, context) =>
        replacedBy === null ? null : projectThingId(context, "Memory", tenantId, replacedBy),
    }),
    isSynthesized: t.exposeBoolean("isSynthesized", { nullable: true }),
    structuredAttributes: t.expose("structuredAttributes", { type: "JSON", nullable: true }),
    lifecycleState: t.exposeString("lifecycleState", { nullable: true }),
  }),
});

/** A memory that a search found, in GraphQL. */
export const FoundMemoryRef = builder.objectRef<OfTenant<FoundMemory>>("FoundMemory").implement({
  description: "A memory that a search found, and how well it fits.",
  fields: (t) => ({
    score: t.exposeFloat("score", {
      description: "How well it fits; above 1 possible where memories decay.",
    }),
    scoreBreakdown: t.expose("scoreBreakdown", {
      type: "JSON",
      nullable: true,
      description: "What the score is made of, by Mem0's names.",
    }),
    memory: t.field({ type: MemoryRef, resolve: (found) => found }),
  }),
});

const HistoryMessage = builder
  .objectRef<NonNullable<MemoryHistoryEntry["input"]>[number]>("MemoryHistoryMessage")
  .implement({
    description: "A message that led to a change.",
    fields: (t) => ({
      role: t.exposeString("role", { nullable: true }),
      content: t.exposeString("content", { description: "Content that is not text is given as its JSON." }),
    }),
  });

/** A change in the life of a memory, in GraphQL. */
export const MemoryHistoryEntryRef = builder
  .objectRef<OfTenant<MemoryHistoryEntry>>("MemoryHistoryEntry")
  .implement({
    description: "A change in the life of a memory. What Mem0 leaves out is null.",
    fields: (t) => ({
      mem0Id: t.exposeString("entryId", { description: "Mem0's own id of the entry." }),
      memoryId: t.id({
        description: "The memory, which may be gone.",
        resolve: ({ tenantId, memoryId }, _args, context) =>
          projectThingId(context, "Memory", tenantId, memoryId),
      }),
      event: t.exposeString("event", { description: "`ADD`, `UPDATE` or `DELETE`; Mem0 may know others." }),
      oldMemory: t.exposeString("oldMemory", { nullable: true, description: "The text before." }),
      newMemory: t.exposeString("newMemory", { nullable: true, description: "The text after." }),
      input: t.field({
        type: [HistoryMessage],
        nullable: true,
        resolve: ({ input }) => (input === null ? null : [...input]),
      }),
      userId: t.exposeString("userId", { nullable: true }),
      agentId: t.exposeString("agentId", { nullable: true }),
      appId: t.exposeString("appId", { nullable: true }),
      runId: t.exposeString("runId", { nullable: true }),
      metadata: t.expose("metadata", { type: "JSON", nullable: true }),
      categories: t.stringList({
        nullable: true,
        resolve: ({ categories }) => (categories === null ? null : [...categories]),
      }),
      createdAt: t.expose("createdAt", { type: "DateTime", nullable: true }),
      updatedAt: t.expose("updatedAt", { type: "DateTime", nullable: true }),
    }),
  });
