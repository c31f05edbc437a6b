import { getEvent, listEvents } from "../mem0/events.ts";
import { builder } from "./builder.ts";
import { MemoryEventRef } from "./event.ts";
import { allOfTenant, ofTenant } from "./memory.ts";
import { askForOne, inTenantProject, memoryFailures, memoryFailuresOfOne } from "./memory-call.ts";
import { upstreamConnectionType } from "./upstream-connection-type.ts";
import { readForwards } from "./upstream-page-connection.ts";

const MemoryEventConnection = upstreamConnectionType("MemoryEvent", MemoryEventRef);

builder.prismaObjectField("Tenant", "events", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: MemoryEventConnection,
    description:
      "What Mem0 did in the tenant's project after it had answered, in Mem0's order. One call of Mem0 a page; two where it " +
      "goes over the end of one of Mem0's own, and never more: a page may end before `first`, and says that there are more.",
    errors: { types: [...memoryFailures], union: { name: "EventsResult" } },
    args: { first: t.arg.int(), after: t.arg.string() },
    select: { id: true },
    resolve: ({ id: tenantId }, args, context) =>
      readForwards(args, { tenantId, field: "events", query: {} }, (page) =>
        inTenantProject(context, tenantId, "without-body", async ({ mem0, options }) => {
          const answer = await listEvents(mem0, { page }, options);
          return { ...answer, items: allOfTenant(tenantId, answer.items) };
        }),
      ),
  }),
);

builder.prismaObjectField("Tenant", "event", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: MemoryEventRef,
    description: "One event.",
    errors: { types: [...memoryFailuresOfOne], union: { name: "EventResult" } },
    args: { id: t.arg.id({ required: true }) },
    select: { id: true },
    resolve: ({ id: tenantId }, { id }, context) =>
      inTenantProject(context, tenantId, "without-body", async (project) => {
        const { mem0, options } = project;
        const event = await askForOne("MemoryEvent", project, id, (eventId) =>
          getEvent(mem0, eventId, options),
        );
        return ofTenant(tenantId, event);
      }),
  }),
);
