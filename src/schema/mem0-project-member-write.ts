import type { z } from "zod";
import { addProjectMember, removeProjectMember, updateProjectMember } from "../mem0/project-members.ts";
import { refuseOwnMembership } from "../provisioning/managed.ts";
import { builder } from "./builder.ts";
import { changeFailures } from "./mem0-managed.ts";
import { oneCall, writeByHand, writeReasonDescription } from "./mem0-write.ts";
import { projectMemberSchema, projectPersonSchema } from "./mem0-write-input.ts";
import { parseInput } from "./parse-input.ts";
import { MemberRoleEnum } from "./place-input.ts";

const organizationIdDescription = "Mem0's id of the organization.";

const AddMem0ProjectMemberInput = builder.inputType("AddMem0ProjectMemberInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    email: t.string({ required: true, description: "Of a registered Mem0 user." }),
    role: t.field({ type: MemberRoleEnum, required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const UpdateMem0ProjectMemberRoleInput = builder.inputType("UpdateMem0ProjectMemberRoleInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    email: t.string({ required: true }),
    role: t.field({ type: MemberRoleEnum, required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const RemoveMem0ProjectMemberInput = builder.inputType("RemoveMem0ProjectMemberInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: organizationIdDescription }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    email: t.string({ required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

type Membership = Pick<
  z.infer<typeof projectMemberSchema>,
  "organizationId" | "projectId" | "email" | "role"
>;

function membershipPayload(name: string, description: string) {
  return builder.objectRef<Membership>(name).implement({
    description,
    fields: (t) => ({
      organizationId: t.exposeString("organizationId"),
      projectId: t.exposeString("projectId"),
      email: t.exposeString("email"),
      role: t.expose("role", { type: MemberRoleEnum }),
    }),
  });
}

const removed = builder.objectRef<Omit<Membership, "role">>("RemoveMem0ProjectMemberPayload").implement({
  description: "Mem0 removed him.",
  fields: (t) => ({
    organizationId: t.exposeString("organizationId"),
    projectId: t.exposeString("projectId"),
    email: t.exposeString("email"),
  }),
});

builder.mutationField("addMem0ProjectMember", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: membershipPayload("AddMem0ProjectMemberPayload", "Mem0 added him."),
    description: `Adds a person to a project in Mem0. What a repeat gets is not documented. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "AddMem0ProjectMemberResult" } },
    args: { input: t.arg({ type: AddMem0ProjectMemberInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, projectId, reason, ...member } = parseInput(projectMemberSchema, args.input);
      refuseOwnMembership(context.provisioning, member);
      await writeByHand(context, {
        ...{
          verb: "addMem0ProjectMember",
          reason,
          thing: { organizationId, projectId },
          deed: "CHANGE",
          details: member,
        },
        send: (options) =>
          addProjectMember(context.provisioning.mem0, organizationId, projectId, member, options),
      });
      return { organizationId, projectId, ...member };
    },
  }),
);

builder.mutationField("updateMem0ProjectMemberRole", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: membershipPayload("UpdateMem0ProjectMemberRolePayload", "Mem0 set his role."),
    description:
      "Sets the role of a member of a project in Mem0; a repeat changes nothing. The platform's own account is never " +
      `demoted. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "UpdateMem0ProjectMemberRoleResult" } },
    args: { input: t.arg({ type: UpdateMem0ProjectMemberRoleInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, projectId, reason, ...member } = parseInput(projectMemberSchema, args.input);
      refuseOwnMembership(context.provisioning, member);
      await writeByHand(context, {
        ...{
          verb: "updateMem0ProjectMemberRole",
          reason,
          thing: { organizationId, projectId },
          deed: "CHANGE",
        },
        details: member,
        send: (options) =>
          updateProjectMember(context.provisioning.mem0, organizationId, projectId, member, options),
      });
      return { organizationId, projectId, ...member };
    },
  }),
);

builder.mutationField("removeMem0ProjectMember", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: removed,
    description: `Removes a person from a project in Mem0, never the platform's own account. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "RemoveMem0ProjectMemberResult" } },
    args: { input: t.arg({ type: RemoveMem0ProjectMemberInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { organizationId, projectId, reason, email } = parseInput(projectPersonSchema, args.input);
      refuseOwnMembership(context.provisioning, { email, role: null });
      await writeByHand(context, {
        ...{
          verb: "removeMem0ProjectMember",
          reason,
          thing: { organizationId, projectId },
          deed: "CHANGE",
          details: { email },
        },
        send: (options) =>
          removeProjectMember(context.provisioning.mem0, organizationId, projectId, email, options),
      });
      return { organizationId, projectId, email };
    },
  }),
);
