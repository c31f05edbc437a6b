import { z } from "zod";
import { signUpTenant } from "../provisioning/sign-up-tenant.ts";
import { idempotencyKeySchema, placeSchema, tenantKeySchema, waitMsSchema } from "../tenants/place.ts";
import { IdempotencyKeyReused, InvalidInput, TenantKeyTaken } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import {
  MemberInput,
  ProjectSettingsInput,
  refuseLoopback,
  UnknownMemberPolicyEnum,
  WebhookInput,
} from "./place-input.ts";

const inputSchema = placeSchema.and(
  z.object({
    key: tenantKeySchema,
    idempotencyKey: idempotencyKeySchema,
    waitMs: waitMsSchema.default(0),
  }),
);

const SignUpTenantInput = builder.inputType("SignUpTenantInput", {
  fields: (t) => ({
    key: t.string({ required: true, description: "Your own word for the customer; never changes." }),
    name: t.string({
      required: true,
      description: "The display name. Stands in the organization's name, which Mem0 can never change.",
    }),
    idempotencyKey: t.string({
      required: true,
      description: "Chosen by you for this one intent: the same key and input again is the same operation.",
    }),
    members: t.field({ type: [MemberInput] }),
    onUnknownMember: t.field({ type: UnknownMemberPolicyEnum, defaultValue: "WAIT" }),
    webhooks: t.field({ type: [WebhookInput] }),
    settings: t.field({ type: ProjectSettingsInput }),
    waitMs: t.int({
      defaultValue: 0,
      description: "How long to wait until the tenant is ACTIVE or the operation stops; 0 to 60000.",
    }),
  }),
});

const payload = operationPayload(
  "SignUpTenantPayload",
  "A sign-up that was started, as far as it had got when the wait was over.",
);

builder.mutationField("signUpTenant", (t) =>
  t.field({
    authScopes: { can: "tenants:sign-up" },
    type: payload,
    description:
      "Creates a tenant and its place in Mem0: an organization with a project, its settings, members and webhooks.",
    errors: {
      types: [InvalidInput, TenantKeyTaken, IdempotencyKeyReused],
      union: { name: "SignUpTenantResult" },
    },
    args: { input: t.arg({ type: SignUpTenantInput, required: true }) },
    resolve: async (_root, args, { provisioning, engine, watch, caller, signal }) => {
      const { key, idempotencyKey, waitMs, ...place } = parseInput(inputSchema, args.input);
      const urls = place.webhooks.map(({ url }, index) => ({ field: `webhooks.${index}.url`, url }));
      refuseLoopback(provisioning, urls);
      const request = { actor: caller.actor, key, idempotencyKey, place };
      const operation = await signUpTenant(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
