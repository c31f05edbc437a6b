import type { Webhook } from "../mem0/webhooks.ts";
import { builder } from "./builder.ts";
import { mem0Graph, type ProjectIds } from "./mem0-graph.ts";
import { TenantRef, tenantDescription } from "./mem0-tenant.ts";

/** A webhook, and where it was found: Mem0 does not say its project's id. */
export interface WebhookInProject extends ProjectIds {
  readonly webhook: Webhook;
}

/** A webhook in Mem0. */
export const Mem0Webhook = builder.objectRef<WebhookInProject>("Mem0Webhook").implement({
  description: "A webhook in Mem0.",
  fields: (t) => ({
    mem0Id: t.string({ description: "Mem0's id.", resolve: ({ webhook }) => webhook.webhookId }),
    organizationId: t.exposeString("organizationId"),
    projectId: t.exposeString("projectId"),
    name: t.string({ resolve: ({ webhook }) => webhook.name }),
    url: t.string({
      description: "Mem0 signs nothing, so that it may hold a secret.",
      resolve: ({ webhook }) => webhook.url,
    }),
    eventTypes: t.stringList({
      description: "In Mem0's words: `memory_add`.",
      resolve: ({ webhook }) => [...webhook.eventTypes],
    }),
    isActive: t.boolean({ nullable: true, resolve: ({ webhook }) => webhook.isActive }),
    createdAt: t.field({ type: "DateTime", nullable: true, resolve: ({ webhook }) => webhook.createdAt }),
    tenant: t.field({
      type: TenantRef,
      nullable: true,
      description: tenantDescription,
      resolve: ({ webhook }, _args, context) =>
        mem0Graph(context).tenant.load({ kind: "WEBHOOK", upstreamId: webhook.webhookId }),
    }),
  }),
});
