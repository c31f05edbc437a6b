import { z } from "zod";
import { signUpLinkedTenant } from "../provisioning/link-tenant.ts";
import { AccountInUse, AccountNotFound, AccountNotUsable } from "../tenants/account-refusals.ts";
import { displayNameSchema, idempotencyKeySchema, tenantKeySchema, waitMsSchema } from "../tenants/place.ts";
import { IdempotencyKeyReused, InvalidInput, TenantKeyTaken } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { accountIdOf } from "./mem0-account.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({
  key: tenantKeySchema,
  name: displayNameSchema,
  idempotencyKey: idempotencyKeySchema,
  waitMs: waitMsSchema.default(0),
});

const SignUpLinkedTenantInput = builder.inputType("SignUpLinkedTenantInput", {
  fields: (t) => ({
    key: t.string({ required: true, description: "Your own word for the customer; never changes." }),
    name: t.string({ required: true, description: "The display name. It is not told to Mem0." }),
    accountId: t.globalID({ required: true, description: "A linked account, on which no tenant is." }),
    idempotencyKey: t.string({
      required: true,
      description: "Chosen by you for this one intent: the same key and input again is the same operation.",
    }),
    waitMs: t.int({
      defaultValue: 0,
      description: "How long to wait until the operation stops; 0 to 60000.",
    }),
  }),
});

const payload = operationPayload(
  "SignUpLinkedTenantPayload",
  "A sign-up onto a linked account that was started, as far as it had got when the wait was over.",
);

builder.mutationField("signUpLinkedTenant", (t) =>
  t.field({
    authScopes: { can: "tenants:sign-up" },
    type: payload,
    description:
      "Signs a tenant up onto its customer's own Mem0 account: the organization and the project of the account's key become the " +
      "tenant's. Nothing is made in Mem0, and off-boarding the tenant deletes nothing there.",
    errors: {
      types: [
        ...[InvalidInput, TenantKeyTaken, IdempotencyKeyReused],
        ...[AccountNotFound, AccountNotUsable, AccountInUse],
      ],
      union: { name: "SignUpLinkedTenantResult" },
    },
    args: { input: t.arg({ type: SignUpLinkedTenantInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { accountId: globalId, ...rest } = input;
      const { waitMs, ...request } = parseInput(inputSchema, rest);
      const accountId = accountIdOf(globalId);
      const operation = await signUpLinkedTenant(provisioning, engine, {
        ...{ ...request, accountId, actor: caller.actor },
      });
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
