import { z } from "zod";
import { retryOperation } from "../provisioning/retry-operation.ts";
import { waitMsSchema } from "../tenants/place.ts";
import { InvalidInput, OperationNotFound, OperationNotResumable } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({ waitMs: waitMsSchema.default(0) });

const RetryOperationInput = builder.inputType("RetryOperationInput", {
  fields: (t) => ({
    id: t.globalID({ required: true, description: "The operation's id." }),
    waitMs: t.int({
      defaultValue: 0,
      description: "How long to wait until the operation stops; 0 to 60000.",
    }),
  }),
});

const payload = operationPayload(
  "RetryOperationPayload",
  "An operation that goes on, as far as it had got when the wait was over.",
);

builder.mutationField("retryOperation", (t) =>
  t.field({
    type: payload,
    description:
      "Tells an operation that is PARKED or NEEDS_ATTENTION to go on, in the direction it was going. What is done is " +
      "not done again; what has no known outcome is looked at first.",
    errors: {
      types: [InvalidInput, OperationNotFound, OperationNotResumable],
      union: { name: "RetryOperationResult" },
    },
    args: { input: t.arg({ type: RetryOperationInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, signal }) => {
      const { waitMs } = parseInput(inputSchema, { waitMs: input.waitMs });
      if (input.id.typename !== "Operation") throw new OperationNotFound();
      const operation = await retryOperation(provisioning, engine, input.id.id);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
