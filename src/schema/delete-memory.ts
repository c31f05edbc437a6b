import { deleteMemory } from "../mem0/memories.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { askForOne, inTenantProject, memoryFailuresOfChangeOfOne, tenantIdOfKey } from "./memory-call.ts";
import { changeSchema, tenantKeyDescription } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const DeleteMemoryInput = builder.inputType("DeleteMemoryInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    id: t.id({ required: true, description: "The memory's id." }),
    isLinkedToo: t.boolean({
      defaultValue: false,
      description:
        "Also the memories that are linked to it. Not by a token that is bound to one user, agent, app or run.",
    }),
  }),
});

const DeleteMemoryPayload = builder
  .objectRef<{ readonly id: string; readonly cascadeCount: number | null }>("DeleteMemoryPayload")
  .implement({
    description: "A memory that is no longer readable. Whether Mem0 erases it, nobody outside can see.",
    fields: (t) => ({
      id: t.exposeID("id"),
      cascadeCount: t.exposeInt("cascadeCount", {
        nullable: true,
        description: "With `isLinkedToo`, how many were deleted with it. Null: Mem0 did not say.",
      }),
    }),
  });

builder.mutationField("deleteMemory", (t) =>
  t.field({
    authScopes: { can: "memories:write" },
    type: DeleteMemoryPayload,
    description: "Deletes a memory at once. A repeat answers NotFound.",
    errors: { types: [...memoryFailuresOfChangeOfOne], union: { name: "DeleteMemoryResult" } },
    args: { input: t.arg({ type: DeleteMemoryInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey } = parseInput(changeSchema, input);
      const { id, isLinkedToo } = input;
      // Whose the linked ones are, nobody says.
      if (isLinkedToo === true && context.caller.entity !== null)
        throw new InvalidInput([{ field: "isLinkedToo", message: "Not by a token that is of one entity." }]);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      return inTenantProject(context, tenantId, "without-body", async (project) => {
        const { mem0, options } = project;
        const deleted = await askForOne("Memory", project, id, (memoryId) =>
          deleteMemory(mem0, memoryId, { isLinkedToo: isLinkedToo === true }, options),
        );
        return { id, cascadeCount: deleted.cascadeCount };
      });
    },
  }),
);
