import { z } from "zod";
import { skipStep } from "../provisioning/skip-step.ts";
import { evidenceSchema, reasonSchema, stepNameSchema } from "../tenants/operator-input.ts";
import { waitMsSchema } from "../tenants/place.ts";
import { InvalidInput, OperationNotFound, StepNotSkippable } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import { operationIdOf, reasonDescription, waitMsDescription } from "./verb-input.ts";

const inputSchema = z.object({
  step: stepNameSchema,
  evidence: evidenceSchema,
  reason: reasonSchema,
  waitMs: waitMsSchema.default(0),
});

const SkipStepInput = builder.inputType("SkipStepInput", {
  fields: (t) => ({
    id: t.globalID({ required: true, description: "The operation's id." }),
    step: t.string({ required: true, description: "The name of the step that is stuck." }),
    evidence: t.string({
      required: true,
      description:
        "How you know that it, or its undoing, is not needed any more; 1 to 2000 characters. Shown on the step, and as " +
        "the reason of what becomes UNKNOWN.",
    }),
    reason: t.string({ required: true, description: reasonDescription }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "SkipStepPayload",
  "An operation that goes on behind a step, as far as it had got when the wait was over.",
);

builder.mutationField("skipStep", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Takes the step that is stuck for done, or its undoing where the operation goes back, on your evidence, and lets " +
      "the operation go on. Claims nothing of the mapping: what the step was about is UNKNOWN. A step whose result " +
      "later steps need can be skipped only when the mapping knows that result; else adopt it. Audited.",
    errors: {
      types: [InvalidInput, OperationNotFound, StepNotSkippable],
      union: { name: "SkipStepResult" },
    },
    args: { input: t.arg({ type: SkipStepInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { id, ...given } = input;
      const { waitMs, ...parsed } = parseInput(inputSchema, given);
      const request = { operationId: operationIdOf(id), ...parsed, actor: caller.actor };
      const operation = await skipStep(provisioning, engine, request);
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
