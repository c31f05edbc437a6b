import { z } from "zod";
import { changePlace } from "../provisioning/change-place.ts";
import { PlaceNotManaged } from "../tenants/account-refusals.ts";
import { idempotencyKeySchema, tenantKeySchema, waitMsSchema } from "../tenants/place.ts";
import { placeChangeSchema } from "../tenants/place-change.ts";
import {
  IdempotencyKeyReused,
  InvalidInput,
  OperationInProgress,
  TenantNotFound,
  TenantStatusRefused,
} from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import {
  MemberInput,
  ProjectSettingsInput,
  refuseLoopback,
  UnknownMemberPolicyEnum,
  WebhookEventTypeEnum,
  webhookUrlDescription,
} from "./place-input.ts";
import { waitMsDescription } from "./verb-input.ts";

const inputSchema = placeChangeSchema.and(
  z.object({
    key: tenantKeySchema,
    idempotencyKey: idempotencyKeySchema,
    waitMs: waitMsSchema.default(0),
  }),
);

const NamedWebhookInput = builder.inputType("NamedWebhookInput", {
  description: "How the webhook of this name shall be.",
  fields: (t) => ({
    name: t.string({
      required: true,
      description: "Its name in the mapping and in Mem0: what it is told by.",
    }),
    url: t.string({ required: true, description: webhookUrlDescription }),
    eventTypes: t.field({ type: [WebhookEventTypeEnum], required: true }),
  }),
});

const ChangePlaceInput = builder.inputType("ChangePlaceInput", {
  description: "Each part says how it shall be, so that the same change again changes nothing.",
  fields: (t) => ({
    key: t.string({ required: true }),
    idempotencyKey: t.string({ required: true }),
    settings: t.field({ type: ProjectSettingsInput, description: "What is not given stays as it is." }),
    setMembers: t.field({
      type: [MemberInput],
      description: "Who shall be a member, in this role; told apart by e-mail.",
    }),
    removeMembers: t.stringList({
      description: "E-mails of who shall be no member, whether he is one or not.",
    }),
    onUnknownMember: t.field({ type: UnknownMemberPolicyEnum, defaultValue: "WAIT" }),
    setWebhooks: t.field({ type: [NamedWebhookInput] }),
    removeWebhooks: t.stringList({
      description: "Names of webhooks that shall not be, whether they are there or not.",
    }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "ChangePlacePayload",
  "A change that was started, as far as it had got when the wait was over.",
);

builder.mutationField("changePlace", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Changes settings, members and webhooks of an ACTIVE tenant's place in Mem0, durably and each once, and keeps the " +
      "mapping true. What is removed is proved gone. It only goes forward; what cannot be done NEEDS_ATTENTION.",
    errors: {
      types: [
        ...[InvalidInput, TenantNotFound, PlaceNotManaged, TenantStatusRefused],
        ...[OperationInProgress, IdempotencyKeyReused],
      ],
      union: { name: "ChangePlaceResult" },
    },
    args: { input: t.arg({ type: ChangePlaceInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { key, idempotencyKey, waitMs, ...change } = parseInput(inputSchema, input);
      const urls = change.setWebhooks.map(({ url }, index) => ({ field: `setWebhooks.${index}.url`, url }));
      refuseLoopback(provisioning, urls);
      const request = { actor: caller.actor, key, idempotencyKey, change };
      const operation = await changePlace(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
