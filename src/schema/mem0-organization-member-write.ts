import type { z } from "zod";
import {
  addOrganizationMember,
  removeOrganizationMember,
  updateOrganizationMember,
} from "../mem0/organization-members.ts";
import { refuseOwnMembership } from "../provisioning/managed.ts";
import { builder } from "./builder.ts";
import { changeFailures } from "./mem0-managed.ts";
import { oneCall, writeByHand, writeReasonDescription } from "./mem0-write.ts";
import { organizationMemberSchema, organizationPersonSchema } from "./mem0-write-input.ts";
import { parseInput } from "./parse-input.ts";
import { MemberRoleEnum } from "./place-input.ts";

const organizationIdDescription = "Mem0's id of the organization.";

const AddMem0OrganizationMemberInput = builder.inputType("AddMem0OrganizationMemberInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    email: t.string({ required: true, description: "Of a registered Mem0 user." }),
    role: t.field({ type: MemberRoleEnum, required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const UpdateMem0OrganizationMemberRoleInput = builder.inputType("UpdateMem0OrganizationMemberRoleInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    email: t.string({ required: true }),
    role: t.field({ type: MemberRoleEnum, required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const RemoveMem0OrganizationMemberInput = builder.inputType("RemoveMem0OrganizationMemberInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    email: t.string({ required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

type Membership = Pick<z.infer<typeof organizationMemberSchema>, "organizationId" | "email" | "role">;

function membershipPayload(name: string, description: string) {
  return builder.objectRef<Membership>(name).implement({
    description,
    fields: (t) => ({
      organizationId: t.exposeString("organizationId"),
      email: t.exposeString("email"),
      role: t.expose("role", { type: MemberRoleEnum }),
    }),
  });
}

const removed = builder.objectRef<Omit<Membership, "role">>("RemoveMem0OrganizationMemberPayload").implement({
  description: "Mem0 removed him.",
  fields: (t) => ({
    organizationId: t.exposeString("organizationId"),
    email: t.exposeString("email"),
  }),
});

builder.mutationField("addMem0OrganizationMember", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: membershipPayload("AddMem0OrganizationMemberPayload", "Mem0 added him."),
    description: `Adds a person to an organization in Mem0. What a repeat gets is not documented. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "AddMem0OrganizationMemberResult" } },
    args: { input: t.arg({ type: AddMem0OrganizationMemberInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, reason, ...member } = parseInput(organizationMemberSchema, args.input);
      refuseOwnMembership(context.provisioning, member);
      await writeByHand(context, {
        ...{
          verb: "addMem0OrganizationMember",
          reason,
          thing: { organizationId },
          deed: "CHANGE",
          details: member,
        },
        send: (options) => addOrganizationMember(context.provisioning.mem0, organizationId, member, options),
      });
      return { organizationId, ...member };
    },
  }),
);

builder.mutationField("updateMem0OrganizationMemberRole", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: membershipPayload("UpdateMem0OrganizationMemberRolePayload", "Mem0 set his role."),
    description:
      "Sets the role of a member of an organization in Mem0; a repeat changes nothing. The platform's own account is never " +
      `demoted. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "UpdateMem0OrganizationMemberRoleResult" } },
    args: { input: t.arg({ type: UpdateMem0OrganizationMemberRoleInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, reason, ...member } = parseInput(organizationMemberSchema, args.input);
      refuseOwnMembership(context.provisioning, member);
      await writeByHand(context, {
        ...{ verb: "updateMem0OrganizationMemberRole", reason, thing: { organizationId }, deed: "CHANGE" },
        details: member,
        send: (options) =>
          updateOrganizationMember(context.provisioning.mem0, organizationId, member, options),
      });
      return { organizationId, ...member };
    },
  }),
);

builder.mutationField("removeMem0OrganizationMember", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: removed,
    description: `Removes a person from an organization in Mem0, never the platform's own account. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "RemoveMem0OrganizationMemberResult" } },
    args: { input: t.arg({ type: RemoveMem0OrganizationMemberInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, reason, email } = parseInput(organizationPersonSchema, args.input);
      refuseOwnMembership(context.provisioning, { email, role: null });
      await writeByHand(context, {
        ...{
          verb: "removeMem0OrganizationMember",
          reason,
          thing: { organizationId },
          deed: "CHANGE",
          details: { email },
        },
        send: (options) =>
          removeOrganizationMember(context.provisioning.mem0, organizationId, email, options),
      });
      return { organizationId, email };
    },
  }),
);
