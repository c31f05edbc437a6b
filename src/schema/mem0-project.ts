import { z } from "zod";
import type { CustomCategory, Project } from "../mem0/projects.ts";
import { upstreamIdSchema } from "../tenants/operator-input.ts";
import { UpstreamNotFound } from "../tenants/refusals.ts";
import { builder, type Context } from "./builder.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { mem0Graph, type ProjectIds } from "./mem0-graph.ts";
import { pageOf } from "./mem0-list.ts";
import { Mem0Member, Mem0MemberConnection, pageOfMembers } from "./mem0-member.ts";
import { TenantRef, tenantDescription } from "./mem0-tenant.ts";
import { Mem0Webhook, type WebhookInProject } from "./mem0-webhook.ts";
import { parseInput } from "./parse-input.ts";

/** A project, and where it was found: Mem0 does not say its organization. */
export interface ProjectInOrganization extends ProjectIds {
  readonly project: Project;
}

interface Category {
  readonly name: string;
  readonly description: string | null;
}

const Mem0Category = builder.objectRef<Category>("Mem0Category").implement({
  description: "A category of memories.",
  fields: (t) => ({
    name: t.exposeString("name"),
    description: t.exposeString("description", { nullable: true, description: "Null: it is a bare name." }),
  }),
});

const Mem0WebhookConnection = builder.connectionObject(
  { type: Mem0Webhook, name: "Mem0WebhookConnection" },
  { name: "Mem0WebhookEdge" },
);

/** A project in Mem0. */
export const Mem0Project = builder.objectRef<ProjectInOrganization>("Mem0Project").implement({
  description: "A project in Mem0, as the platform's account sees it.",
  fields: (t) => ({
    mem0Id: t.exposeString("projectId", { description: "Mem0's id." }),
    organizationId: t.exposeString("organizationId"),
    name: t.string({ resolve: ({ project }) => project.name }),
    description: t.string({ nullable: true, resolve: ({ project }) => project.description }),
    createdAt: t.field({ type: "DateTime", resolve: ({ project }) => project.createdAt }),
    role: t.string({
      nullable: true,
      description: "The platform's account's own role in it.",
      resolve: ({ project }) => project.userRole,
    }),
    isDefault: t.boolean({ nullable: true, resolve: ({ project }) => project.isDefault }),
    customInstructions: t.string({
      nullable: true,
      resolve: ({ project }) => project.customInstructions,
    }),
    agentCustomInstructions: t.string({
      nullable: true,
      resolve: ({ project }) => project.agentCustomInstructions,
    }),
    customCategories: t.field({
      type: [Mem0Category],
      nullable: true,
      description: "Null: never set. Empty: reset.",
      resolve: ({ project }) => project.customCategories?.flatMap(categoriesOf) ?? null,
    }),
    multilingual: t.boolean({ nullable: true, resolve: ({ project }) => project.multilingual }),
    decay: t.boolean({ nullable: true, resolve: ({ project }) => project.decay }),
    members: t.field({ type: [Mem0Member], resolve: ({ project }) => [...project.members] }),
    listedMembers: t.field({
      type: Mem0MemberConnection,
      description: "Mem0's own list of its members, which knows less than `members`. One call of Mem0.",
      args: t.arg.connectionArgs(),
      errors: { types: [...mem0Failures], union: { name: "Mem0ProjectMembersResult" } },
      resolve: async ({ organizationId, projectId }, args, context) =>
        pageOfMembers(
          args,
          await answeringMem0(() => mem0Graph(context).projectMembers.load({ organizationId, projectId })),
        ),
    }),
    webhooks: t.field({
      type: Mem0WebhookConnection,
      description: "Its webhooks, oldest first. One call of Mem0 for all of them.",
      args: t.arg.connectionArgs(),
      errors: { types: [...mem0Failures], union: { name: "Mem0WebhooksResult" } },
      resolve: async ({ organizationId, projectId }, args, context) => {
        const listed = await answeringMem0(() => mem0Graph(context).webhooks.load(projectId));
        const webhooks = listed.map((webhook) => ({ organizationId, projectId, webhook }));
        return pageOf("webhook", args, webhooks, ({ webhook }) => ({
          createdAt: webhook.createdAt ?? new Date(0),
          id: webhook.webhookId,
        }));
      },
    }),
    webhook: t.field({
      type: Mem0Webhook,
      description:
        "One of its webhooks, by Mem0's id. Mem0 cannot be asked for one: it is looked for in the list.",
      args: { id: t.arg.string({ required: true }) },
      errors: { types: [UpstreamNotFound, ...mem0Failures], union: { name: "Mem0WebhookResult" } },
      resolve: (ids, { id }, context) => findWebhook(context, ids, idOf(id)),
    }),
    tenant: t.field({
      type: TenantRef,
      nullable: true,
      description: tenantDescription,
      resolve: ({ projectId }, _args, context) =>
        mem0Graph(context).tenant.load({ kind: "PROJECT", upstreamId: projectId }),
    }),
  }),
});

/**
 * Checks an id of Mem0's that a field was given.
 * @throws {InvalidInput} naming `id`
 */
export function idOf(id: string): string {
  return parseInput(z.object({ id: upstreamIdSchema }), { id }).id;
}

/** One project, read from Mem0. @throws {UpstreamNotFound} and any of `mem0Failures` */
export async function findProject(
  context: Context,
  { organizationId, projectId }: ProjectIds,
): Promise<ProjectInOrganization> {
  const ids = { organizationId, projectId };
  const project = await answeringMem0(() => mem0Graph(context).project.load(ids));
  if (project === null) throw new UpstreamNotFound(`project ${projectId} in ${organizationId}`);
  return { ...ids, project };
}

/** One webhook, looked for in its project's list. @throws {UpstreamNotFound} and any of `mem0Failures` */
async function findWebhook(
  context: Context,
  { organizationId, projectId }: ProjectIds,
  webhookId: string,
): Promise<WebhookInProject> {
  const webhooks = await answeringMem0(() => mem0Graph(context).webhooks.load(projectId));
  const webhook = webhooks.find((candidate) => candidate.webhookId === webhookId);
  if (webhook === undefined) throw new UpstreamNotFound(`webhook ${webhookId} in ${projectId}`);
  return { organizationId, projectId, webhook };
}

function categoriesOf(category: CustomCategory): Category[] {
  if (typeof category === "string") return [{ name: category, description: null }];
  return Object.entries(category).map(([name, description]) => ({ name, description }));
}
