import { z } from "zod";
import { type Memory, updateMemory } from "../mem0/memories.ts";
import { builder } from "./builder.ts";
import { given } from "./given.ts";
import { MemoryRef, type OfTenant, ofTenant } from "./memory.ts";
import {
  askForOne,
  formOfChangeOfOne,
  inTenantProject,
  memoryFailuresOfChangeOfOne,
  tenantIdOfKey,
} from "./memory-call.ts";
import { changeSchema, memoryTextMax, tenantKeyDescription } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const boundsSchema = changeSchema.extend({
  text: z.string().max(memoryTextMax, `Must have at most ${memoryTextMax} characters.`).optional(),
});

const UpdateMemoryInput = builder.inputType("UpdateMemoryInput", {
  description: "What is not given stays as it is; at least one change is needed.",
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    id: t.id({ required: true, description: "The memory's id." }),
    text: t.string(),
    metadata: t.field({
      type: "JSON",
      description: "Instead of all metadata that is there; at most 2000 characters as JSON.",
    }),
    expirationDate: t.string({ description: "`YYYY-MM-DD`. Null, written out, clears it." }),
    timestamp: t.field({ type: "DateTime" }),
  }),
});

const UpdateMemoryPayload = builder
  .objectRef<{ readonly memory: OfTenant<Memory> }>("UpdateMemoryPayload")
  .implement({
    description: "A memory that was changed.",
    fields: (t) => ({ memory: t.field({ type: MemoryRef, resolve: ({ memory }) => memory }) }),
  });

builder.mutationField("updateMemory", (t) =>
  t.field({
    authScopes: { can: "memories:write" },
    type: UpdateMemoryPayload,
    description: "Changes a memory at once. A repeat changes nothing.",
    errors: { types: [...memoryFailuresOfChangeOfOne], union: { name: "UpdateMemoryResult" } },
    args: { input: t.arg({ type: UpdateMemoryInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey } = parseInput(boundsSchema, input);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const { text, metadata, timestamp } = input;
      const changes = {
        ...given({ text, metadata, timestamp: timestamp?.toISOString() }),
        // Null is a wish here, and not the absence of one.
        ...(input.expirationDate === undefined ? {} : { expirationDate: input.expirationDate }),
      };
      return inTenantProject(context, tenantId, formOfChangeOfOne(context.caller), async (project) => {
        const { mem0, options } = project;
        const memory = await askForOne("Memory", project, input.id, (memoryId) =>
          updateMemory(mem0, memoryId, changes, options),
        );
        return { memory: ofTenant(tenantId, memory) };
      });
    },
  }),
);
