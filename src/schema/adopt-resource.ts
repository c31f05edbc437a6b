import { z } from "zod";
import { adoptResource } from "../provisioning/adopt-resource.ts";
import { reasonSchema, upstreamIdSchema } from "../tenants/operator-input.ts";
import { waitMsSchema } from "../tenants/place.ts";
import {
  InvalidInput,
  ResourceNotAdoptable,
  ResourceNotFound,
  UpstreamAlreadyMapped,
  UpstreamNotFound,
  UpstreamNotReadable,
  UpstreamNotTrusted,
} from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { operationPayload } from "./operation-payload.ts";
import { parseInput } from "./parse-input.ts";
import { reasonDescription, resourceIdOf, waitMsDescription } from "./verb-input.ts";

const inputSchema = z.object({
  upstreamId: upstreamIdSchema,
  override: z.boolean().default(false),
  thenRetry: z.boolean().default(true),
  reason: reasonSchema,
  waitMs: waitMsSchema.default(0),
});

const AdoptResourceInput = builder.inputType("AdoptResourceInput", {
  fields: (t) => ({
    resourceId: t.globalID({ required: true, description: "The resource that has no upstream id." }),
    upstreamId: t.string({ required: true, description: "Mem0's id of the thing that it is." }),
    override: t.boolean({
      defaultValue: false,
      description: "Whether you answer for it that the thing is ours, whatever the trust rules say.",
    }),
    thenRetry: t.boolean({ defaultValue: true, description: "Whether the operation goes on at once." }),
    reason: t.string({ required: true, description: reasonDescription }),
    waitMs: t.int({ defaultValue: 0, description: waitMsDescription }),
  }),
});

const payload = operationPayload(
  "AdoptResourcePayload",
  "The operation under which something was adopted, as far as it had got when the wait was over.",
);

builder.mutationField("adoptResource", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Takes an organization, project or webhook that you found upstream for a resource that has no upstream id, while " +
      "its tenant's operation NEEDS_ATTENTION. It is read first: it must be there, and ours by the trust rules unless " +
      "you override them. An operation that goes back deletes it next. Audited.",
    errors: {
      types: [
        InvalidInput,
        ResourceNotFound,
        ResourceNotAdoptable,
        UpstreamNotFound,
        UpstreamNotReadable,
        UpstreamNotTrusted,
        UpstreamAlreadyMapped,
      ],
      union: { name: "AdoptResourceResult" },
    },
    args: { input: t.arg({ type: AdoptResourceInput, required: true }) },
    resolve: async (_root, { input }, { provisioning, engine, watch, caller, signal }) => {
      const { resourceId, ...given } = input;
      const { waitMs, reason, upstreamId, override, thenRetry } = parseInput(inputSchema, given);
      const operation = await adoptResource(provisioning, engine, {
        ...{ resourceId: resourceIdOf(resourceId), upstreamId, isOverride: override, isRetried: thenRetry },
        ...{ reason, actor: caller.actor },
      });
      await watch.wait(operation.id, waitMs, signal);
      return operation;
    },
  }),
);
