import { z } from "zod";
import { abortOperation } from "../provisioning/abort-operation.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { waitMsSchema } from "../tenants/place.ts";
import { InvalidInput, OperationNotAbortable, OperationNotFound } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import { operationIdOf, reasonDescription, waitMsDescription } from "./verb-input.ts";

const inputSchema = z.object({ reason: reasonSchema, waitMs: waitMsSchema.default(0) });

const AbortOperationInput = builder.inputType("AbortOperationInput", {
  fields: (t) => ({
    id: t.globalID({ required: true, description: "The operation's id." }),
    reason: t.string({ required: true, description: reasonDescription }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "AbortOperationPayload",
  "An operation that was called off, as far as its undoing had got when the wait was over.",
);

builder.mutationField("abortOperation", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Calls a sign-up off whose tenant is not ACTIVE yet. Not started: it is CANCELLED at once. Under way: it stops at " +
      "the next border between steps, and what started is undone. Waiting: it is undone now. A repeat changes nothing. " +
      "Audited.",
    errors: {
      types: [InvalidInput, OperationNotFound, OperationNotAbortable],
      union: { name: "AbortOperationResult" },
    },
    args: { input: t.arg({ type: AbortOperationInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { id, ...given } = input;
      const { waitMs, reason } = parseInput(inputSchema, given);
      const request = { operationId: operationIdOf(id), reason, actor: caller.actor };
      const operation = await abortOperation(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
