import { getMemoryExport } from "../mem0/exports.ts";
import { NotInProject } from "../tenants/memory-refusals.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder, type Context } from "./builder.ts";
import type { JsonObject } from "./json.ts";
import { askForOne, inTenantProject, memoryFailuresOfOne } from "./memory-call.ts";
import { type AskedFilter, filterFieldOf, MemoryFilterInput, memoryFilterOf } from "./memory-filter.ts";

const MemoryExport = builder.objectRef<{ readonly data: JsonObject }>("MemoryExport").implement({
  description: "Memories that a language model wrote into a form of the caller's own: no raw backup.",
  fields: (t) => ({
    data: t.expose("data", { type: "JSON", description: "With the properties of the schema." }),
  }),
});

function exportOfId(context: Context, tenantId: string, id: string): Promise<JsonObject> {
  return inTenantProject(context, tenantId, "with-body", (project) =>
    askForOne("MemoryExport", project, id, (exportId) =>
      getMemoryExport(project.mem0, { exportId }, project.options),
    ),
  );
}

async function exportOfFilter(context: Context, tenantId: string, filter: AskedFilter): Promise<JsonObject> {
  const filters = memoryFilterOf({ tenantId, sealer: context }, filter);
  const data = await inTenantProject(
    context,
    tenantId,
    "with-body",
    ({ mem0, options }) => getMemoryExport(mem0, { filters }, options),
    filterFieldOf(filter),
  );
  if (data === null) throw new NotInProject("export");
  return data;
}

builder.prismaObjectField("Tenant", "memoryExport", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: MemoryExport,
    description:
      "An export, by its id or the latest of a filter: one of the two. NotFound when it is not ready or not there, which " +
      "Mem0 tells apart by nothing. Mem0 keeps an export for 7 days.",
    errors: { types: [...memoryFailuresOfOne], union: { name: "MemoryExportResult" } },
    args: { id: t.arg.id(), filter: t.arg({ type: MemoryFilterInput }) },
    select: { id: true },
    resolve: async ({ id: tenantId }, { id = null, filter = null }, context) => {
      if (id !== null && filter === null) return { data: await exportOfId(context, tenantId, id) };
      if (filter !== null && id === null) return { data: await exportOfFilter(context, tenantId, filter) };
      throw new InvalidInput([{ field: "id", message: "Either id or filter is needed, not both." }]);
    },
  }),
);
