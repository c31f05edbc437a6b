import { z } from "zod";
import { updateMemories } from "../mem0/memory-batches.ts";
import { builder } from "./builder.ts";
import { given } from "./given.ts";
import { batchPayload, changeMany, checkIds, sentOf } from "./memory-batch.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import type { IdScope } from "./memory-ids.ts";
import { changeSchema, memoryTextMax, tenantKeyDescription } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const boundsSchema = changeSchema.extend({
  updates: z.array(
    z.object({
      text: z.string().max(memoryTextMax, `Must have at most ${memoryTextMax} characters.`).optional(),
    }),
  ),
});

const MemoryUpdateInput = builder.inputType("MemoryUpdateInput", {
  description: "What is not given stays as it is; at least one change is needed.",
  fields: (t) => ({
    id: t.id({ required: true, description: "The memory's id." }),
    text: t.string(),
    metadata: t.field({
      type: "JSON",
      description: "Instead of all metadata that is there; at most 2000 characters as JSON.",
    }),
  }),
});

const UpdateMemoriesInput = builder.inputType("UpdateMemoriesInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    updates: t.field({
      type: [MemoryUpdateInput],
      required: true,
      description: "1 to 10000, no memory twice.",
    }),
  }),
});

const payload = batchPayload("UpdateMemoriesPayload");

/** Where the caller wrote what the client counts among those that are sent. Every id is read only when it is asked. */
function fieldOfSent(scope: IdScope, ids: readonly string[]): (argument: string) => string {
  return (argument) =>
    argument.replace(/^updates\.(\d+)/, (whole, number: string) => {
      const update = sentOf(scope, ids)[Number(number)];
      return update === undefined ? whole : `updates.${update.index}`;
    });
}

builder.mutationField("updateMemories", (t) =>
  t.field({
    authScopes: { can: "memories:write-all" },
    type: payload,
    description:
      "Changes many memories at once, in requests of 1000, one after the other; what fails is told memory by memory. A repeat " +
      "changes nothing.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "UpdateMemoriesResult" } },
    args: { input: t.arg({ type: UpdateMemoriesInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey } = parseInput(boundsSchema, input);
      const { updates } = input;
      const ids = updates.map(({ id }) => id);
      checkIds("updates", ids, (index) => `updates.${index}.id`);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const change = async (project: Parameters<typeof changeMany>[0]) => {
        const { mem0, options } = project;
        const results = await changeMany(project, ids, (sent) => {
          const wishes = sent.map(({ index, mem0Id }) => {
            const { text, metadata } = updates[index] ?? {};
            return { memoryId: mem0Id, ...given({ text, metadata }) };
          });
          return updateMemories(mem0, wishes, options);
        });
        return { results };
      };
      return inTenantProject(
        context,
        tenantId,
        "with-body",
        change,
        fieldOfSent({ tenantId, sealer: context }, ids),
      );
    },
  }),
);
