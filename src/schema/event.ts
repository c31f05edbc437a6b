import { eventStatuses, type MemoryEvent, type MemoryEventResult } from "../mem0/events.ts";
import { builder } from "./builder.ts";
import { allOfTenant, type OfTenant } from "./memory.ts";
import { projectThingId } from "./memory-ids.ts";

const MemoryEventStatus = builder.enumType("MemoryEventStatus", {
  description:
    "SUCCEEDED, FAILED and CANCELLED are the end. A word of Mem0's that is none of these is RUNNING.",
  values: eventStatuses,
});

const MemoryEventResultRef = builder.objectRef<OfTenant<MemoryEventResult>>("MemoryEventResult").implement({
  description: "What an event did to one memory.",
  fields: (t) => ({
    memoryId: t.id({
      resolve: ({ tenantId, memoryId }, _args, context) =>
        projectThingId(context, "Memory", tenantId, memoryId),
    }),
    memoryMem0Id: t.exposeString("memoryId", { description: "Mem0's own id of the memory." }),
    event: t.exposeString("event", { description: "`ADD`, `UPDATE` or `DELETE`; Mem0 may know others." }),
    memory: t.exposeString("memory", { nullable: true, description: "The text." }),
    userId: t.exposeString("userId", { nullable: true }),
    agentId: t.exposeString("agentId", { nullable: true }),
  }),
});

/** An event of Mem0's, in GraphQL. */
export const MemoryEventRef = builder.objectRef<OfTenant<MemoryEvent>>("MemoryEvent").implement({
  description: "Something that Mem0 does, or did, after it had answered. What Mem0 leaves out is null.",
  fields: (t) => ({
    id: t.id({
      resolve: ({ tenantId, eventId }, _args, context) =>
        projectThingId(context, "MemoryEvent", tenantId, eventId),
    }),
    mem0Id: t.exposeString("eventId", { description: "Mem0's own id, to compare; no field takes it." }),
    type: t.exposeString("type", {
      description: "In Mem0's words: `ADD`, `DELETE_ALL`, `DELETE_USER` and others.",
    }),
    status: t.field({ type: MemoryEventStatus, resolve: ({ status }) => status }),
    results: t.field({
      type: [MemoryEventResultRef],
      description: "Empty until it has ended, and where nothing new was said.",
      resolve: ({ tenantId, results }) => allOfTenant(tenantId, results),
    }),
    payload: t.expose("payload", {
      type: "JSON",
      nullable: true,
      description: "The request that it came of, with the text of its messages.",
    }),
    metadata: t.expose("metadata", { type: "JSON", nullable: true }),
    error: t.exposeString("error", { nullable: true, description: "Why it failed. A list does not say." }),
    createdAt: t.expose("createdAt", { type: "DateTime", nullable: true }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", nullable: true }),
    startedAt: t.expose("startedAt", { type: "DateTime", nullable: true }),
    completedAt: t.expose("completedAt", { type: "DateTime", nullable: true }),
    latencyMs: t.exposeFloat("latencyMs", { nullable: true }),
  }),
});

/** A deed of Mem0's that goes on after its answer, and its event as far as it was followed. */
export interface FollowedDeed {
  readonly tenantId: string;
  readonly eventId: string | null;
  readonly event: OfTenant<MemoryEvent> | null;
}

/** What the payloads of such deeds have in common, in GraphQL. */
export const FollowedDeedInterface = builder.interfaceRef<FollowedDeed>("FollowedDeed").implement({
  description: "A deed of Mem0's that goes on after its answer.",
  fields: (t) => ({
    eventId: t.id({
      nullable: true,
      description: "The event to follow with `Tenant.event`. Null: Mem0 named none.",
      resolve: ({ tenantId, eventId }, _args, context) =>
        eventId === null ? null : projectThingId(context, "MemoryEvent", tenantId, eventId),
    }),
    eventMem0Id: t.exposeString("eventId", { nullable: true, description: "Mem0's own id of the event." }),
    event: t.field({
      type: MemoryEventRef,
      nullable: true,
      description:
        "As it was when the wait was over. Null without a wait, and when it could not be read: the deed goes on all the same.",
      resolve: ({ event }) => event,
    }),
  }),
});
