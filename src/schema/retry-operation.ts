import { z } from "zod";
import { retryOperation } from "../provisioning/retry-operation.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { waitMsSchema } from "../tenants/place.ts";
import { InvalidInput, OperationNotFound, OperationNotResumable } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import { operationIdOf, reasonDescription, waitMsDescription } from "./verb-input.ts";

const inputSchema = z.object({
  reason: reasonSchema.default(noReasonGiven),
  waitMs: waitMsSchema.default(0),
});

const RetryOperationInput = builder.inputType("RetryOperationInput", {
  fields: (t) => ({
    id: t.globalID({ required: true, description: "The operation's id." }),
    reason: t.string({ description: reasonDescription }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "RetryOperationPayload",
  "An operation that goes on, as far as it had got when the wait was over.",
);

builder.mutationField("retryOperation", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Tells an operation that is PARKED or NEEDS_ATTENTION to go on, in the direction it was going. What is done is " +
      "not done again; what has no known outcome is looked at first. Audited.",
    errors: {
      types: [InvalidInput, OperationNotFound, OperationNotResumable],
      union: { name: "RetryOperationResult" },
    },
    args: { input: t.arg({ type: RetryOperationInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { id, ...given } = input;
      const { waitMs, reason } = parseInput(inputSchema, given);
      const request = { operationId: operationIdOf(id), reason, actor: caller.actor };
      const operation = await retryOperation(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
