import { getMemoryHistory, type MemoryHistoryEntry } from "../mem0/memories.ts";
import { listProjectHistory } from "../mem0/memory-lists.ts";
import { builder } from "./builder.ts";
import { allOfTenant, MemoryHistoryEntryRef, type OfTenant } from "./memory.ts";
import { askForOne, inTenantProject, memoryFailures, memoryFailuresOfOne } from "./memory-call.ts";
import { upstreamConnectionType } from "./upstream-connection-type.ts";
import { readStretch } from "./upstream-page-connection.ts";

const MemoryHistory = builder
  .objectRef<{ readonly entries: OfTenant<MemoryHistoryEntry>[] }>("MemoryHistory")
  .implement({
    description: "The life of a memory.",
    fields: (t) => ({
      entries: t.field({
        type: [MemoryHistoryEntryRef],
        description: "In Mem0's order; all of it, for Mem0 does not page it.",
        resolve: ({ entries }) => entries,
      }),
    }),
  });

builder.prismaObjectField("Tenant", "memoryHistory", (t) =>
  t.field({
    authScopes: { can: "memories:read" },
    type: MemoryHistory,
    description: "What happened to one memory, perhaps one that is gone.",
    errors: { types: [...memoryFailuresOfOne], union: { name: "MemoryHistoryResult" } },
    args: { memoryId: t.arg.id({ required: true }) },
    select: { id: true },
    resolve: ({ id: tenantId }, { memoryId: id }, context) =>
      inTenantProject(context, tenantId, "without-body", async (project) => {
        const { mem0, options } = project;
        const entries = await askForOne("Memory", project, id, async (memoryId) => {
          const history = await getMemoryHistory(mem0, memoryId, options);
          // Every memory begins with an entry: without any there never was one (inferred, as all that is known of it).
          return history.length === 0 ? null : history;
        });
        return { entries: allOfTenant(tenantId, entries) };
      }),
  }),
);

/** Mem0 does not say how large a page may be: no larger than its default (inferred). */
const pageSizeMax = 100;

const MemoryHistoryConnection = upstreamConnectionType("MemoryHistoryEntry", MemoryHistoryEntryRef);

builder.prismaObjectField("Tenant", "projectHistory", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: MemoryHistoryConnection,
    description: "What happened to all memories of the project, in Mem0's order; one call of Mem0 a page.",
    errors: { types: [...memoryFailures], union: { name: "ProjectHistoryResult" } },
    args: { first: t.arg.int(), after: t.arg.string() },
    select: { id: true },
    resolve: async ({ id: tenantId }, args, context) => {
      const identity = { tenantId, field: "projectHistory", query: {} };
      const { connection } = await readStretch(args, identity, pageSizeMax, (asked) =>
        inTenantProject(context, tenantId, "without-body", async ({ mem0, options }) => {
          const page = await listProjectHistory(mem0, asked, options);
          return { ...page, items: allOfTenant(tenantId, page.items) };
        }),
      );
      return connection;
    },
  }),
);
