import { getStats, type Stats } from "../mem0/stats.ts";
import { builder } from "./builder.ts";
import { inTenantProject, memoryFailures } from "./memory-call.ts";

const MemoryStats = builder.objectRef<Stats>("MemoryStats").implement({
  description: "What Mem0 counts in a project. Null where it does not say.",
  fields: (t) => ({
    totalMemories: t.exposeFloat("totalMemories", { nullable: true }),
    totalRetrievalEvents: t.exposeFloat("totalRetrievalEvents", { nullable: true }),
    totalAddEvents: t.exposeFloat("totalAddEvents", { nullable: true }),
    totalApiRetrievalEvents: t.exposeFloat("totalApiRetrievalEvents", { nullable: true }),
    totalRetrievalEventsLimit: t.exposeFloat("totalRetrievalEventsLimit", {
      nullable: true,
      description: "How many retrievals the plan allows in a billing period.",
    }),
    totalUsersWithMemories: t.exposeFloat("totalUsersWithMemories", { nullable: true }),
    totalAgentsWithMemories: t.exposeFloat("totalAgentsWithMemories", { nullable: true }),
    totalRunsWithMemories: t.exposeFloat("totalRunsWithMemories", { nullable: true }),
    memoriesPerUser: t.exposeFloat("memoriesPerUser", { nullable: true }),
    memoriesPerAgent: t.exposeFloat("memoriesPerAgent", { nullable: true }),
    memoriesPerRun: t.exposeFloat("memoriesPerRun", { nullable: true }),
  }),
});

builder.prismaObjectField("Tenant", "memoryStats", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: MemoryStats,
    description: "What Mem0 counts in the tenant's project.",
    errors: { types: [...memoryFailures], union: { name: "MemoryStatsResult" } },
    select: { id: true },
    resolve: ({ id: tenantId }, _args, context) =>
      inTenantProject(context, tenantId, "without-body", ({ mem0, options }) => getStats(mem0, options)),
  }),
);
