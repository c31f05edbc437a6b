import { z } from "zod";
import { type Amendment, amendOperation } from "../provisioning/amend-operation.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { waitMsSchema } from "../tenants/place.ts";
import { InvalidInput, NothingToAmend, OperationNotFound, UpstreamNotReadable } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import { refuseLoopback, webhookUrlDescription } from "./place-input.ts";
import { operationIdOf, reasonDescription, waitMsDescription } from "./verb-input.ts";

/** What names a thing of the input; the rules for what it becomes are those of a sign-up. */
const named = z.string().min(1, "Must not be empty.").max(254, "Must have at most 254 characters.");

const amendmentSchema = z
  .object({
    email: z.object({ from: named, to: z.string() }).optional(),
    webhookUrl: z.object({ name: named, url: z.string() }).optional(),
  })
  .transform(({ email, webhookUrl }, context): Amendment => {
    if (email !== undefined && webhookUrl === undefined) return { of: "email", ...email };
    if (webhookUrl !== undefined && email === undefined) return { of: "webhookUrl", ...webhookUrl };
    context.addIssue({ code: "custom", path: ["email"], message: "Give either email or webhookUrl." });
    return z.NEVER;
  });

const inputSchema = z
  .object({ reason: reasonSchema, waitMs: waitMsSchema.default(0) })
  .and(z.object({ amendment: amendmentSchema }));

const AmendedEmailInput = builder.inputType("AmendedEmailInput", {
  fields: (t) => ({
    from: t.string({ required: true, description: "The e-mail as it was asked for, in any case." }),
    to: t.string({ required: true, description: "The right one." }),
  }),
});

const AmendedWebhookUrlInput = builder.inputType("AmendedWebhookUrlInput", {
  fields: (t) => ({
    name: t.string({ required: true, description: "The webhook's name in the mapping: `webhook-1`." }),
    url: t.string({ required: true, description: `The right URL: ${webhookUrlDescription}` }),
  }),
});

const AmendOperationInput = builder.inputType("AmendOperationInput", {
  description: "Either `email` or `webhookUrl`.",
  fields: (t) => ({
    id: t.globalID({ required: true, description: "The operation's id." }),
    email: t.field({ type: AmendedEmailInput }),
    webhookUrl: t.field({ type: AmendedWebhookUrlInput }),
    reason: t.string({ required: true, description: reasonDescription }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "AmendOperationPayload",
  "A sign-up that goes on with another input, as far as it had got when the wait was over.",
);

builder.mutationField("amendOperation", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Corrects a member's e-mail or a webhook's URL in the input of a sign-up that is PARKED or NEEDS_ATTENTION and " +
      "goes forward, while nothing was made by it, and lets it go on. The original sign-up call, repeated with its " +
      "idempotency key and its faulty input, still answers this operation. Audited, without the URL.",
    errors: {
      types: [InvalidInput, OperationNotFound, NothingToAmend, UpstreamNotReadable],
      union: { name: "AmendOperationResult" },
    },
    args: { input: t.arg({ type: AmendOperationInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { id, reason: why, waitMs: wait, ...amended } = input;
      const { waitMs, reason, amendment } = parseInput(inputSchema, {
        ...{ reason: why, waitMs: wait },
        amendment: amended,
      });
      const urls = amendment.of === "webhookUrl" ? [{ field: "webhookUrl.url", url: amendment.url }] : [];
      refuseLoopback(provisioning, urls);
      const request = { operationId: operationIdOf(id), amendment, reason, actor: caller.actor };
      const operation = await amendOperation(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
