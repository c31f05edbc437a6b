import { z } from "zod";
import { type AddedMemories, addMemories, messageRoles } from "../mem0/memories.ts";
import { categoriesOnUpstream } from "../provisioning/settings-on-upstream.ts";
import { builder } from "./builder.ts";
import { ownInput } from "./caller-entity.ts";
import { type FollowedDeed, FollowedDeedInterface } from "./event.ts";
import { followDeed } from "./event-wait.ts";
import { given } from "./given.ts";
import { allOfTenant, type OfTenant } from "./memory.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import { projectThingId } from "./memory-ids.ts";
import {
  eventWaitDescription,
  memoryTextMax,
  tenantKeyDescription,
  waitingChangeSchema,
} from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";
import { CategoryInput } from "./place-input.ts";

/** How many messages one call adds. */
const messagesMax = 1_000;

const boundsSchema = waitingChangeSchema.extend({
  messages: z
    .array(
      z.object({ content: z.string().max(memoryTextMax, `Must have at most ${memoryTextMax} characters.`) }),
    )
    .max(messagesMax, `Must be at most ${messagesMax}.`),
});

const MessageRoleEnum = builder.enumType("MessageRole", {
  description: "Who says something.",
  values: {
    USER: { value: messageRoles[0] },
    ASSISTANT: { value: messageRoles[1] },
    SYSTEM: { value: messageRoles[2] },
  },
});

const MemoryMessageInput = builder.inputType("MemoryMessageInput", {
  fields: (t) => ({
    role: t.field({ type: MessageRoleEnum, required: true }),
    content: t.string({ required: true }),
    name: t.string(),
  }),
});

const AddMemoriesInput = builder.inputType("AddMemoriesInput", {
  description: "What to remember, and of whom: at least one of `userId`, `agentId`, `appId` and `runId`.",
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    messages: t.field({ type: [MemoryMessageInput], required: true }),
    userId: t.string(),
    agentId: t.string(),
    appId: t.string(),
    runId: t.string(),
    metadata: t.field({
      type: "JSON",
      description: "At most 2000 characters as JSON. Copied to every memory that comes of it.",
    }),
    infer: t.boolean({
      description: "False stores every message as it stands, at once. By default facts are extracted, later.",
    }),
    expirationDate: t.string({ description: "`YYYY-MM-DD`: the last day on which the memories are shown." }),
    customInstructions: t.string({ description: "Instead of the project's, for this call." }),
    agentCustomInstructions: t.string(),
    customCategories: t.field({
      type: [CategoryInput],
      description: "Instead of the project's, for this call.",
    }),
    isImmutable: t.boolean(),
    includes: t.string(),
    excludes: t.string(),
    timestamp: t.field({
      type: "DateTime",
      description: "When the memories are to have been made; cut to whole seconds.",
    }),
    timezone: t.string({ description: "An IANA time zone, in which `observationDate` is meant." }),
    observationDate: t.string({ description: "`YYYY-MM-DD`: when the conversation was observed." }),
    structuredDataSchema: t.field({ type: "JSON" }),
    waitMs: t.int({ defaultValue: 0, description: eventWaitDescription }),
  }),
});

type Stored = OfTenant<AddedMemories["results"][number]>;

const StoredMemory = builder.objectRef<Stored>("StoredMemory").implement({
  description: "A memory that was stored at once.",
  fields: (t) => ({
    id: t.id({
      resolve: ({ tenantId, memoryId }, _args, context) =>
        projectThingId(context, "Memory", tenantId, memoryId),
    }),
    mem0Id: t.exposeString("memoryId"),
    memory: t.exposeString("memory"),
    event: t.exposeString("event", { description: "`ADD`; Mem0 may know others." }),
  }),
});

const AddMemoriesPayload = builder
  .objectRef<FollowedDeed & { readonly status: string; readonly results: Stored[] }>("AddMemoriesPayload")
  .implement({
    description: "What Mem0 was told to remember.",
    interfaces: [FollowedDeedInterface],
    fields: (t) => ({
      status: t.exposeString("status", {
        description:
          "In Mem0's words, as it answered: `PENDING`, or `SUCCEEDED` when all was stored at once.",
      }),
      results: t.field({
        type: [StoredMemory],
        description: "With `infer: false` what was stored. Else empty: the event says what came of it.",
        resolve: ({ results }) => results,
      }),
    }),
  });

/** The input in the words of the client, but for what is ours. */
function memoriesOf(input: typeof AddMemoriesInput.$inferInput) {
  const { tenantKey: _key, waitMs: _wait, messages, customCategories, timestamp, ...rest } = given(input);
  return {
    ...rest,
    messages: messages.map((message) => given(message)),
    ...(customCategories === undefined ? {} : { customCategories: categoriesOnUpstream(customCategories) }),
    ...(timestamp === undefined ? {} : { timestamp: Math.floor(timestamp.getTime() / 1_000) }),
  };
}

builder.mutationField("addMemories", (t) =>
  t.field({
    authScopes: { can: "memories:write" },
    type: AddMemoriesPayload,
    description:
      "Has Mem0 remember what was said. It goes on after the answer: follow the event. A repeat may store nothing new, for " +
      "Mem0 skips what it knows, but nothing promises that.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "AddMemoriesResult" } },
    args: { input: t.arg({ type: AddMemoriesInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey, waitMs } = parseInput(boundsSchema, input);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const added = await inTenantProject(context, tenantId, "with-body", ({ mem0, options }) =>
        addMemories(mem0, memoriesOf(ownInput(context.caller.entity, input)), options),
      );
      const deed = await followDeed(context, { tenantId, eventId: added.eventId }, waitMs);
      return { ...deed, status: added.status, results: allOfTenant(tenantId, added.results) };
    },
  }),
);
