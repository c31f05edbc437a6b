import { getMemory } from "../mem0/memories.ts";
import { listMemories } from "../mem0/memory-lists.ts";
import { builder } from "./builder.ts";
import { fieldInAsked, narrowFilter, onlyOwn } from "./caller-entity.ts";
import { given } from "./given.ts";
import { allOfTenant, MemoryRef, ofTenant } from "./memory.ts";
import { askForOne, inTenantProject, memoryFailures, memoryFailuresOfOne } from "./memory-call.ts";
import { filterFieldOf, MemoryFilterInput, memoryFilterOf } from "./memory-filter.ts";
import { upstreamConnectionType } from "./upstream-connection-type.ts";
import { readStretch, type SizedPage } from "./upstream-page-connection.ts";

/** The largest page of memories (Mem0 OpenAPI). */
const pageSizeMax = 200;

const MemoryConnection = upstreamConnectionType("Memory", MemoryRef);

builder.prismaObjectField("Tenant", "memories", (t) =>
  t.field({
    authScopes: { can: "memories:read" },
    type: MemoryConnection,
    description:
      "The memories that match, in Mem0's order; one call of Mem0 a page. Counts against the quota of searches. `last` " +
      "needs `before`.",
    errors: { types: [...memoryFailures], union: { name: "MemoriesResult" } },
    args: {
      ...t.arg.connectionArgs(),
      filter: t.arg({ type: MemoryFilterInput, required: true }),
      showExpired: t.arg.boolean({ description: "Also those whose expiration date has passed." }),
      latestOnly: t.arg.boolean({ description: "Only those that nothing superseded." }),
      startDate: t.arg.string({ description: "`YYYY-MM-DD`: made on this day or later." }),
      endDate: t.arg.string({ description: "`YYYY-MM-DD`: made until this day." }),
      categories: t.arg.stringList({ description: "Any of these." }),
      keywords: t.arg.string({ description: "Free text to look for." }),
    },
    select: { id: true },
    resolve: async ({ id: tenantId }, args, context) => {
      const { first, after, last, before, filter, ...rest } = args;
      const { entity } = context.caller;
      const filters = narrowFilter(entity, memoryFilterOf({ tenantId, sealer: context }, filter));
      const query = { filters, ...given(rest) };
      const list = (asked: SizedPage) =>
        inTenantProject(
          context,
          tenantId,
          "with-body",
          async ({ mem0, options }) => {
            const page = await listMemories(mem0, { ...query, ...asked }, options);
            return { ...page, items: allOfTenant(tenantId, onlyOwn(entity, page.items)) };
          },
          fieldInAsked(entity, filterFieldOf(filter)),
        );
      const identity = { tenantId, field: "memories", query };
      const { connection } = await readStretch({ first, after, last, before }, identity, pageSizeMax, list);
      return connection;
    },
  }),
);

builder.prismaObjectField("Tenant", "memory", (t) =>
  t.field({
    authScopes: { can: "memories:read" },
    type: MemoryRef,
    description: "One memory, expired ones too.",
    errors: { types: [...memoryFailuresOfOne], union: { name: "MemoryResult" } },
    args: { id: t.arg.id({ required: true }) },
    select: { id: true },
    resolve: ({ id: tenantId }, { id }, context) =>
      inTenantProject(context, tenantId, "without-body", async (project) => {
        const { mem0, options } = project;
        const memory = await askForOne("Memory", project, id, (memoryId) =>
          getMemory(mem0, memoryId, options),
        );
        return ofTenant(tenantId, memory);
      }),
  }),
);
