import { createMemoryExport, getMemoryExport } from "../mem0/exports.ts";
import { builder } from "./builder.ts";
import { waitUntilThere } from "./event-wait.ts";
import { given } from "./given.ts";
import type { JsonObject } from "./json.ts";
import { inTenantProject, memoryFailuresOfChange, tenantIdOfKey } from "./memory-call.ts";
import { filterFieldOf, MemoryFilterInput, memoryFilterOf } from "./memory-filter.ts";
import { projectThingId } from "./memory-ids.ts";
import { tenantKeyDescription, waitingChangeSchema } from "./memory-input.ts";
import { parseInput } from "./parse-input.ts";

const CreateMemoryExportInput = builder.inputType("CreateMemoryExportInput", {
  fields: (t) => ({
    tenantKey: t.string({ description: tenantKeyDescription }),
    schema: t.field({
      type: "JSON",
      required: true,
      description: "A JSON Schema of an object; its properties are those of what comes out.",
    }),
    filter: t.field({ type: MemoryFilterInput, required: true }),
    instructions: t.string({ description: "How to fill the schema, in words." }),
    waitMs: t.int({
      defaultValue: 0,
      description:
        "How long to wait until it is ready; 0 to 60000. Looks again and again, which are calls of Mem0.",
    }),
  }),
});

interface Created {
  readonly tenantId: string;
  readonly exportId: string;
  readonly data: JsonObject | null;
}

const CreateMemoryExportPayload = builder.objectRef<Created>("CreateMemoryExportPayload").implement({
  description: "An export that Mem0 has begun.",
  fields: (t) => ({
    exportId: t.id({
      description: "To get it by, with `Tenant.memoryExport`.",
      resolve: ({ tenantId, exportId }, _args, context) =>
        projectThingId(context, "MemoryExport", tenantId, exportId),
    }),
    mem0Id: t.exposeString("exportId", { description: "Mem0's own id, to compare; no field takes it." }),
    data: t.expose("data", {
      type: "JSON",
      nullable: true,
      description: "Null: it was not ready when the wait was over.",
    }),
  }),
});

builder.mutationField("createMemoryExport", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: CreateMemoryExportPayload,
    description:
      "Has memories written into a form of your own, by a language model. It goes on after the answer. A repeat makes another.",
    errors: { types: [...memoryFailuresOfChange], union: { name: "CreateMemoryExportResult" } },
    args: { input: t.arg({ type: CreateMemoryExportInput, required: true }) },
    resolve: async (_root, { input }, context) => {
      const { tenantKey, waitMs } = parseInput(waitingChangeSchema, input);
      const { schema, filter, instructions } = input;
      const tenantId = await tenantIdOfKey(context, tenantKey);
      const wish = {
        schema,
        filters: memoryFilterOf({ tenantId, sealer: context }, filter),
        ...given({ instructions }),
      };
      const { exportId } = await inTenantProject(
        context,
        tenantId,
        "with-body",
        ({ mem0, options }) => createMemoryExport(mem0, wish, options),
        filterFieldOf(filter),
      );
      const data = await waitUntilThere(context, tenantId, waitMs, ({ mem0, options }) =>
        getMemoryExport(mem0, { exportId }, options),
      );
      return { tenantId, exportId, data };
    },
  }),
);
