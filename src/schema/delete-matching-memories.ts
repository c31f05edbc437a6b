import { deleteMatchingMemories } from "../mem0/memory-lists.ts";
import { builder } from "./builder.ts";
import { type FollowedDeed, FollowedDeedInterface } from "./event.ts";
import { followDeed } from "./event-wait.ts";
import { given } from "./given.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import { eventWaitDescription, tenantKeyDescription, waitingChangeSchema } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const DeleteMatchingMemoriesInput = builder.inputType("DeleteMatchingMemoriesInput", {
  description:
    "Exactly one of `userId`, `agentId`, `appId` and `runId`: Mem0 does not promise to demand all of several.",
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    userId: t.string(),
    agentId: t.string(),
    appId: t.string(),
    runId: t.string(),
    waitMs: t.int({ defaultValue: 0, description: eventWaitDescription }),
  }),
});

const DeleteMatchingMemoriesPayload = builder
  .objectRef<FollowedDeed>("DeleteMatchingMemoriesPayload")
  .implement({
    description: "A deletion that Mem0 has begun.",
    interfaces: [FollowedDeedInterface],
  });

/** The client speaks of the match as a whole where none or several are given. */
const fieldOf = (argument: string) => (argument === "match" ? "userId" : argument);

builder.mutationField("deleteMatchingMemories", (t) =>
  t.field({
    authScopes: { can: "memories:write-all" },
    type: DeleteMatchingMemoriesPayload,
    description:
      "Deletes all memories of one user, agent, app or run. It goes on after the answer: follow the event. A name that never " +
      "was is no error, and a repeat neither.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "DeleteMatchingMemoriesResult" } },
    args: { input: t.arg({ type: DeleteMatchingMemoriesInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey, waitMs } = parseInput(waitingChangeSchema, input);
      const { userId, agentId, appId, runId } = input;
      const match = given({ userId, agentId, appId, runId });
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const { eventId } = await inTenantProject(
        context,
        tenantId,
        "without-body",
        ({ mem0, options }) => deleteMatchingMemories(mem0, match, options),
        fieldOf,
      );
      return followDeed(context, { tenantId, eventId }, waitMs);
    },
  }),
);
