import { type FoundMemory, searchMemories } from "../mem0/memory-lists.ts";
import { builder } from "./builder.ts";
import { fieldInAsked, narrowFilter, onlyOwn } from "./caller-entity.ts";
import { given } from "./given.ts";
import { allOfTenant, FoundMemoryRef, type OfTenant } from "./memory.ts";
import { inTenantProject, memoryFailures } from "./memory-call.ts";
import { filterFieldOf, MemoryFilterInput, memoryFilterOf } from "./memory-filter.ts";

const MemorySearch = builder
  .objectRef<{ readonly results: OfTenant<FoundMemory>[] }>("MemorySearch")
  .implement({
    description: "What a search found.",
    fields: (t) => ({
      results: t.field({
        type: [FoundMemoryRef],
        description: "The best first.",
        resolve: ({ results }) => results,
      }),
    }),
  });

builder.prismaObjectField("Tenant", "searchMemories", (t) =>
  t.field({
    authScopes: { can: "memories:read" },
    type: MemorySearch,
    description:
      "The memories that mean what is looked for; one call of Mem0, not paged. What was just added may be found later " +
      "than it is listed. Counts against the quota of searches.",
    errors: { types: [...memoryFailures], union: { name: "SearchMemoriesResult" } },
    args: {
      query: t.arg.string({ required: true, description: "What to look for, by its meaning; not blank." }),
      filter: t.arg({ type: MemoryFilterInput, required: true }),
      topK: t.arg.int({ description: "How many at most: 1 to 1000; 10 unless given." }),
      threshold: t.arg.float({ description: "The least similarity, 0 (any) to 1; 0.1 unless given." }),
      rerank: t.arg.boolean({
        description: "Whether Mem0 ranks what it found once more, which takes longer.",
      }),
      showExpired: t.arg.boolean({ description: "Also those whose expiration date has passed." }),
      latestOnly: t.arg.boolean({ description: "Only those that nothing superseded." }),
      referenceDate: t.arg({ type: "DateTime", description: "What to take for now." }),
      categories: t.arg.stringList({ description: "Any of these." }),
      metadata: t.arg({ type: "JSON", description: "What their metadata must have." }),
    },
    select: { id: true },
    resolve: ({ id: tenantId }, { filter, referenceDate, ...rest }, context) => {
      const { entity } = context.caller;
      const query = {
        ...given(rest),
        filters: narrowFilter(entity, memoryFilterOf({ tenantId, sealer: context }, filter)),
        ...(referenceDate ? { referenceDate: referenceDate.toISOString() } : {}),
      };
      return inTenantProject(
        context,
        tenantId,
        "with-body",
        async ({ mem0, options }) => ({
          results: allOfTenant(tenantId, onlyOwn(entity, await searchMemories(mem0, query, options))),
        }),
        fieldInAsked(entity, filterFieldOf(filter)),
      );
    },
  }),
);
