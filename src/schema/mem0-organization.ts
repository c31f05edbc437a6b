import type { Organization } from "../mem0/organizations.ts";
import { UpstreamNotFound } from "../tenants/refusals.ts";
import { builder, type Context } from "./builder.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { mem0Graph } from "./mem0-graph.ts";
import { pageOf } from "./mem0-list.ts";
import { Mem0Member, Mem0MemberConnection, pageOfMembers } from "./mem0-member.ts";
import { findProject, idOf, Mem0Project } from "./mem0-project.ts";
import { TenantRef, tenantDescription } from "./mem0-tenant.ts";

const Mem0ProjectConnection = builder.connectionObject(
  { type: Mem0Project, name: "Mem0ProjectConnection" },
  { name: "Mem0ProjectEdge" },
);

const Mem0Organization = builder.objectRef<Organization>("Mem0Organization").implement({
  description: "An organization in Mem0, as the platform's account sees it.",
  fields: (t) => ({
    mem0Id: t.exposeString("orgId", { description: "Mem0's id." }),
    name: t.exposeString("name", { description: "Mem0 never changes it." }),
    createdAt: t.expose("createdAt", { type: "DateTime" }),
    role: t.exposeString("userRole", {
      nullable: true,
      description: "The platform's account's own role in it.",
    }),
    isDefault: t.exposeBoolean("isDefault", { nullable: true }),
    members: t.field({ type: [Mem0Member], resolve: ({ members }) => [...members] }),
    listedMembers: t.field({
      type: Mem0MemberConnection,
      description:
        "Mem0's own list of its members: it has their ids, and otherwise less than `members`. One call of Mem0.",
      args: t.arg.connectionArgs(),
      errors: { types: [...mem0Failures], union: { name: "Mem0OrganizationMembersResult" } },
      resolve: async ({ orgId }, args, context) =>
        pageOfMembers(args, await answeringMem0(() => mem0Graph(context).organizationMembers.load(orgId))),
    }),
    projects: t.field({
      type: Mem0ProjectConnection,
      description: "Its projects, oldest first. One call of Mem0 for all of them.",
      args: t.arg.connectionArgs(),
      errors: { types: [...mem0Failures], union: { name: "Mem0ProjectsResult" } },
      resolve: async ({ orgId: organizationId }, args, context) => {
        const listed = await answeringMem0(() => mem0Graph(context).projects.load(organizationId));
        const projects = listed.map((project) => ({
          ...{ organizationId, projectId: project.projectId },
          project,
        }));
        return pageOf("project", args, projects, ({ project: { createdAt, projectId } }) => ({
          createdAt,
          id: projectId,
        }));
      },
    }),
    project: t.field({
      type: Mem0Project,
      args: { id: t.arg.string({ required: true, description: "Mem0's id." }) },
      errors: { types: [UpstreamNotFound, ...mem0Failures], union: { name: "Mem0ProjectResult" } },
      resolve: ({ orgId }, { id }, context) =>
        findProject(context, { organizationId: orgId, projectId: idOf(id) }),
    }),
    tenant: t.field({
      type: TenantRef,
      nullable: true,
      description: tenantDescription,
      resolve: ({ orgId }, _args, context) =>
        mem0Graph(context).tenant.load({ kind: "ORGANIZATION", upstreamId: orgId }),
    }),
  }),
});

const Mem0OrganizationConnection = builder.connectionObject(
  { type: Mem0Organization, name: "Mem0OrganizationConnection" },
  { name: "Mem0OrganizationEdge" },
);

builder.queryField("mem0Organizations", (t) =>
  t.field({
    authScopes: { can: "mem0:read" },
    type: Mem0OrganizationConnection,
    description:
      "All organizations that Mem0 shows to the platform's account, tenants' and others, oldest first. One call of Mem0 for " +
      "all of them, for Mem0 lists them whole.",
    args: t.arg.connectionArgs(),
    errors: { types: [...mem0Failures], union: { name: "Mem0OrganizationsResult" } },
    resolve: async (_root, args, context) => {
      const organizations = await answeringMem0(() => mem0Graph(context).organizations());
      return pageOf("organization", args, organizations, ({ createdAt, orgId }) => ({
        createdAt,
        id: orgId,
      }));
    },
  }),
);

builder.queryField("mem0Organization", (t) =>
  t.field({
    authScopes: { can: "mem0:read" },
    type: Mem0Organization,
    args: { id: t.arg.string({ required: true, description: "Mem0's id." }) },
    errors: { types: [UpstreamNotFound, ...mem0Failures], union: { name: "Mem0OrganizationResult" } },
    resolve: (_root, { id }, context) => findOrganization(context, idOf(id)),
  }),
);

/** One organization, read from Mem0. @throws {UpstreamNotFound} and any of `mem0Failures` */
async function findOrganization(context: Context, organizationId: string): Promise<Organization> {
  const organization = await answeringMem0(() => mem0Graph(context).organization.load(organizationId));
  if (organization === null) throw new UpstreamNotFound(`organization ${organizationId}`);
  return organization;
}
