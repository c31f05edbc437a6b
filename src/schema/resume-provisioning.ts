import { z } from "zod";
import { resumeProvisioning } from "../provisioning/resume-provisioning.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput, NotPaused } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { InstallationRef } from "./installation.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({ reason: reasonSchema, retryRestored: z.boolean().default(false) });

const ResumeProvisioningInput = builder.inputType("ResumeProvisioningInput", {
  fields: (t) => ({
    reason: t.string({ required: true, description: "Why work may go on; kept in the audit." }),
    retryRestored: t.boolean({
      defaultValue: false,
      description: "Tell every operation that a restore stopped to go on, too, and not one by one.",
    }),
  }),
});

const payload = builder.objectRef<{ retried: number }>("ResumeProvisioningPayload").implement({
  description: "The pause is over.",
  fields: (t) => ({
    installation: t.field({ type: InstallationRef, resolve: () => ({}) }),
    retried: t.exposeInt("retried", {
      description: "How many operations that a restore had stopped were queued.",
    }),
  }),
});

builder.mutationField("resumeProvisioning", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Ends the pause after a restore. Operations that the restore stopped NEED_ATTENTION, and look before they make " +
      "anything when they are told to go on.",
    errors: { types: [InvalidInput, NotPaused], union: { name: "ResumeProvisioningResult" } },
    args: { input: t.arg({ type: ResumeProvisioningInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, caller }) => {
      const request = parseInput(inputSchema, input);
      return { retried: await resumeProvisioning(provisioning, { ...request, actor: caller.actor }) };
    },
  }),
);
