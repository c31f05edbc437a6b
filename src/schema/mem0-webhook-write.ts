import { createHash } from "node:crypto";
import { createWebhook, deleteWebhook, updateWebhook } from "../mem0/webhooks.ts";
import { whyNotTellUrl } from "../provisioning/webhooks.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder, type Context } from "./builder.ts";
import type { ProjectIds } from "./mem0-graph.ts";
import { changeFailures } from "./mem0-managed.ts";
import { Mem0Webhook, type WebhookInProject } from "./mem0-webhook.ts";
import { oneCall, writeByHand, writeReasonDescription } from "./mem0-write.ts";
import { newWebhookSchema, webhookChangeSchema, webhookIdsSchema } from "./mem0-write-input.ts";
import { parseInput } from "./parse-input.ts";
import { WebhookEventTypeEnum, webhookUrlDescription } from "./place-input.ts";

const CreateMem0WebhookInput = builder.inputType("CreateMem0WebhookInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the project's organization." }),
    projectId: t.string({ required: true, description: "Mem0's id of the project." }),
    name: t.string({ required: true }),
    url: t.string({ required: true, description: webhookUrlDescription }),
    eventTypes: t.field({ type: [WebhookEventTypeEnum], required: true }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const UpdateMem0WebhookInput = builder.inputType("UpdateMem0WebhookInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the project's organization." }),
    projectId: t.string({ required: true, description: "Mem0's id of the project that the webhook is in." }),
    webhookId: t.string({ required: true, description: "Mem0's id of the webhook." }),
    name: t.string(),
    url: t.string({ description: webhookUrlDescription }),
    eventTypes: t.field({ type: [WebhookEventTypeEnum] }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const DeleteMem0WebhookInput = builder.inputType("DeleteMem0WebhookInput", {
  fields: (t) => ({
    organizationId: t.string({ required: true, description: "Mem0's id of the project's organization." }),
    projectId: t.string({ required: true, description: "Mem0's id of the project that the webhook is in." }),
    webhookId: t.string({ required: true, description: "Mem0's id of the webhook." }),
    reason: t.string({ required: true, description: writeReasonDescription }),
  }),
});

const created = builder.objectRef<WebhookInProject>("CreateMem0WebhookPayload").implement({
  description: "Mem0 made it.",
  fields: (t) => ({ webhook: t.field({ type: Mem0Webhook, resolve: (made) => made }) }),
});

interface WebhookIds extends ProjectIds {
  readonly webhookId: string;
}

function webhookPayload(name: string, description: string) {
  return builder.objectRef<WebhookIds>(name).implement({
    description,
    fields: (t) => ({
      organizationId: t.exposeString("organizationId"),
      projectId: t.exposeString("projectId"),
      webhookId: t.exposeString("webhookId"),
    }),
  });
}

builder.mutationField("createMem0Webhook", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: created,
    description:
      "Makes a webhook in a project in Mem0. A project has at most one for a URL, so that Mem0 refuses a repeat. " +
      oneCall,
    errors: { types: [...changeFailures], union: { name: "CreateMem0WebhookResult" } },
    args: { input: t.arg({ type: CreateMem0WebhookInput, required: true }) },
    resolve: async (_root, args, context) => {
      const input = parseInput(newWebhookSchema, args.input);
      const { organizationId, projectId, reason, ...asked } = input;
      await refuseUrl(context, asked.url);
      const webhook = await writeByHand(context, {
        ...{ verb: "createMem0Webhook", reason, thing: { organizationId, projectId }, deed: "CHANGE" },
        details: { name: asked.name, eventTypes: asked.eventTypes, ...auditableUrl(asked.url) },
        send: (options) => createWebhook(context.provisioning.mem0, projectId, asked, options),
        made: ({ webhookId }) => ({ webhookId }),
      });
      return { organizationId, projectId, webhook };
    },
  }),
);

builder.mutationField("updateMem0Webhook", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: webhookPayload("UpdateMem0WebhookPayload", "Mem0 took the changes."),
    description: `Changes a webhook in Mem0; what is left out stays, and a repeat changes nothing. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "UpdateMem0WebhookResult" } },
    args: { input: t.arg({ type: UpdateMem0WebhookInput, required: true }) },
    resolve: async (_root, args, context) => {
      const input = parseInput(webhookChangeSchema, args.input);
      const { organizationId, projectId, webhookId, reason, name, url, eventTypes } = input;
      if (url !== undefined) await refuseUrl(context, url);
      const thing = { organizationId, projectId, webhookId };
      const plain = {
        ...(name === undefined ? {} : { name }),
        ...(eventTypes === undefined ? {} : { eventTypes }),
      };
      await writeByHand(context, {
        ...{ verb: "updateMem0Webhook", reason, thing, deed: "CHANGE" },
        details: { ...plain, ...(url === undefined ? {} : auditableUrl(url)) },
        send: (options) => {
          const changes = { ...plain, ...(url === undefined ? {} : { url }) };
          return updateWebhook(context.provisioning.mem0, webhookId, changes, options);
        },
      });
      return thing;
    },
  }),
);

builder.mutationField("deleteMem0Webhook", (t) =>
  t.field({
    authScopes: { can: "mem0:write" },
    type: webhookPayload("DeleteMem0WebhookPayload", "Mem0 deleted it."),
    description: `Deletes a webhook in Mem0. ${oneCall}`,
    errors: { types: [...changeFailures], union: { name: "DeleteMem0WebhookResult" } },
    args: { input: t.arg({ type: DeleteMem0WebhookInput, required: true }) },
    resolve: async (_root, args, context) => {
      const { reason, ...thing } = parseInput(webhookIdsSchema, args.input);
      await writeByHand(context, {
        ...{ verb: "deleteMem0Webhook", reason, thing, deed: "CHANGE", details: {} },
        send: (options) => deleteWebhook(context.provisioning.mem0, thing.webhookId, options),
      });
      return thing;
    },
  }),
);

/** @throws {InvalidInput} when Mem0 may not be told this URL, by what it says and by what its host resolves to now */
async function refuseUrl({ provisioning }: Context, url: string): Promise<void> {
  const message = await whyNotTellUrl(provisioning, url);
  if (message !== null) throw new InvalidInput([{ field: "url", message }]);
}

/** What of a URL may stand in the audit: it may hold a secret. */
function auditableUrl(url: string) {
  return { host: new URL(url).host, urlSha256: createHash("sha256").update(url).digest("hex") };
}
