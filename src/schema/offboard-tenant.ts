import { z } from "zod";
import { offboardTenant } from "../provisioning/offboard-tenant.ts";
import { idempotencyKeySchema, tenantKeySchema, waitMsSchema } from "../tenants/place.ts";
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

const inputSchema = z.object({
  key: tenantKeySchema,
  idempotencyKey: idempotencyKeySchema,
  waitMs: waitMsSchema.default(0),
});

const OffboardTenantInput = builder.inputType("OffboardTenantInput", {
  fields: (t) => ({
    key: t.string({ required: true }),
    idempotencyKey: t.string({ required: true }),
    waitMs: t.int({
      defaultValue: 0,
      description: "How long to wait until the operation stops; 0 to 60000.",
    }),
  }),
});

const payload = operationPayload(
  "OffboardTenantPayload",
  "An off-boarding that was started, as far as it had got when the wait was over.",
);

builder.mutationField("offboardTenant", (t) =>
  t.field({
    authScopes: { can: "tenants:off-board" },
    type: payload,
    description:
      "Takes a tenant's place in Mem0 away: webhooks, project, organization, each proved to be no longer readable. " +
      "It only goes forward; where a proof cannot be had, the operation NEEDS_ATTENTION. Of a tenant on its customer's own account " +
      "nothing is deleted: the place is released, and the account stays linked.",
    errors: {
      types: [InvalidInput, TenantNotFound, TenantStatusRefused, OperationInProgress, IdempotencyKeyReused],
      union: { name: "OffboardTenantResult" },
    },
    args: { input: t.arg({ type: OffboardTenantInput, required: true }) },
    resolve: async (_root, args, { provisioning, engine, watch, caller, signal }) => {
      const { waitMs, ...request } = parseInput(inputSchema, args.input);
      const operation = await offboardTenant(provisioning, engine, { ...request, actor: caller.actor });
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
