import { createOrganization, deleteOrganization } from "../mem0/organizations.ts";
import { builder } from "./builder.ts";
import { mem0Failures } from "./mem0-failures.ts";
import { changeFailures } from "./mem0-managed.ts";
import { oneCall, writeByHand, writeReasonDescription } from "./mem0-write.ts";
import { newOrganizationSchema, organizationSchema } from "./mem0-write-input.ts";
import { parseInput } from "./parse-input.ts";

const CreateMem0OrganizationInput = builder.inputType("CreateMem0OrganizationInput", {
  fields: (t) => ({
    name: t.string({
      required: true,
      description: "Mem0 never changes it. It must not end in what looks like a marker.",
    }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const DeleteMem0OrganizationInput = builder.inputType("DeleteMem0OrganizationInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id." }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const created = builder.objectRef<{ readonly orgId: string }>("CreateMem0OrganizationPayload").implement({
  description: "An organization that Mem0 made.",
  fields: (t) => ({
    organizationId: t.exposeString("orgId", { description: "Mem0's id." }),
    notice: t.string({
      description: "What Loci does not do about it, for people.",
      resolve: () =>
        "It is no tenant's: Loci does not manage it, never changes it by itself, and lists it as unaccounted in an inventory.",
    }),
  }),
});

const deleted = builder
  .objectRef<{ readonly organizationId: string }>("DeleteMem0OrganizationPayload")
  .implement({
    description: "Mem0 said that it deleted it. That is no proof, as an off-boarding has one.",
    fields: (t) => ({ organizationId: t.exposeString("organizationId") }),
  });

builder.mutationField("createMem0Organization", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: created,
    description:
      "Makes an organization in Mem0 that is nobody's: for a customer use `signUpTenant`. Mem0 takes no idempotency key, so " +
      "that a repeat makes a second one. After an answer with `mayHaveHappened` look at `mem0Organizations` first. One call " +
      "of Mem0, audited before and after.",
    errors: { types: [...mem0Failures], union: { name: "CreateMem0OrganizationResult" } },
    args: { input: t.arg({ type: CreateMem0OrganizationInput, required: true }) },
    resolve: (_root, args, context) => {
      const { name, reason } = parseInput(newOrganizationSchema, args.input);
      return writeByHand(context, {
        ...{ verb: "createMem0Organization", reason, thing: null, deed: "CHANGE", details: { name } },
        send: (options) => createOrganization(context.provisioning.mem0, { name }, options),
        made: ({ orgId }) => ({ organizationId: orgId }),
      });
    },
  }),
);

builder.mutationField("deleteMem0Organization", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: deleted,
    description: `Deletes an organization in Mem0 with all that lies in it, for good. Never the platform's own. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "DeleteMem0OrganizationResult" } },
    args: { input: t.arg({ type: DeleteMem0OrganizationInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, reason } = parseInput(organizationSchema, args.input);
      await writeByHand(context, {
        ...{
          verb: "deleteMem0Organization",
          reason,
          thing: { organizationId },
          deed: "DELETE_PLACE",
          details: {},
        },
        send: (options) => deleteOrganization(context.provisioning.mem0, organizationId, options),
      });
      return { organizationId };
    },
  }),
);
