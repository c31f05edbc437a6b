import { deleteMemories } from "../mem0/memory-batches.ts";
import { builder } from "./builder.ts";
import { batchPayload, changeMany, checkIds } from "./memory-batch.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import { changeSchema, tenantKeyDescription } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const DeleteMemoriesInput = builder.inputType("DeleteMemoriesInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    ids: t.idList({ required: true, description: "The memories' ids: 1 to 10000, none of them twice." }),
  }),
});

const payload = batchPayload("DeleteMemoriesPayload");

builder.mutationField("deleteMemories", (t) =>
  t.field({
    authScopes: { can: "memories:write-all" },
    type: payload,
    description:
      "Deletes many memories at once, in requests of 1000, one after the other; what fails is told memory by memory. Whether " +
      "Mem0 says anything of a memory that is gone already is not documented.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "DeleteMemoriesResult" } },
    args: { input: t.arg({ type: DeleteMemoriesInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey } = parseInput(changeSchema, input);
      checkIds("ids", input.ids, (index) => `ids.${index}`);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      return inTenantProject(context, tenantId, "with-body", async (project) => {
        const { mem0, options } = project;
        const results = await changeMany(project, input.ids, (sent) =>
          deleteMemories(
            mem0,
            sent.map(({ mem0Id }) => mem0Id),
            options,
          ),
        );
        return { results };
      });
    },
  }),
);
