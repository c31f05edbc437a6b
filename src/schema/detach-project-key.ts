import { z } from "zod";
import { detachProjectKey } from "../memory-access/project-keys.ts";
import { ProjectKeyNotFound } from "../tenants/key-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";
import { projectKeyPayload } from "./project-key.ts";

const inputSchema = z.object({ reason: reasonSchema.default(noReasonGiven) });

const DetachProjectKeyInput = builder.inputType("DetachProjectKeyInput", {
  fields: (t) => ({
    id: t.globalID({ required: true }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const payload = projectKeyPayload("DetachProjectKeyPayload", "The key was forgotten.");

builder.mutationField("detachProjectKey", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Forgets an API key of a tenant's project at once, and for good. In Mem0 it stays valid: revoke it there, too. A key that " +
      "it had replaced, and whose time is not over, serves again; detach that one as well to close the door. Audited.",
    errors: { types: [InvalidInput, ProjectKeyNotFound], union: { name: "DetachProjectKeyResult" } },
    args: { input: t.arg({ type: DetachProjectKeyInput, required: true }) },
    resolve: async (_root, { input }, { projectKeys, caller }) => {
      const { reason } = parseInput(inputSchema, { reason: input.reason });
      const { typename, id } = input.id;
      // What cannot be an id is not even looked for.
      if (typename !== "ProjectKey" || !/^key_[0-9a-z]{26}$/.test(id)) throw new ProjectKeyNotFound();
      return detachProjectKey(projectKeys, { id, reason, actor: caller.actor });
    },
  }),
);
