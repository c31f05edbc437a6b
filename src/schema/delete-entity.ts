import { deleteEntity } from "../mem0/entities.ts";
import { builder } from "./builder.ts";
import { EntityTypeEnum } from "./entity.ts";
import { type FollowedDeed, FollowedDeedInterface } from "./event.ts";
import { followDeed } from "./event-wait.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import { eventWaitDescription, tenantKeyDescription, waitingChangeSchema } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const DeleteEntityInput = builder.inputType("DeleteEntityInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    type: t.field({ type: EntityTypeEnum, required: true }),
    name: t.string({ required: true, description: "Its name; `*` is none." }),
    waitMs: t.int({ defaultValue: 0, description: eventWaitDescription }),
  }),
});

const DeleteEntityPayload = builder.objectRef<FollowedDeed>("DeleteEntityPayload").implement({
  description: "A deletion that Mem0 has begun.",
  interfaces: [FollowedDeedInterface],
});

builder.mutationField("deleteEntity", (t) =>
  t.field({
    authScopes: { can: "memories:write-all" },
    type: DeleteEntityPayload,
    description:
      "Deletes a user, agent, app or run with all its memories. It goes on after the answer: follow the event. A name that " +
      "never was is no error, and a repeat neither.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "DeleteEntityResult" } },
    args: { input: t.arg({ type: DeleteEntityInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey, waitMs } = parseInput(waitingChangeSchema, input);
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const { eventId } = await inTenantProject(context, tenantId, "without-body", ({ mem0, options }) =>
        deleteEntity(mem0, input.type, input.name, options),
      );
      return followDeed(context, { tenantId, eventId }, waitMs);
    },
  }),
);
