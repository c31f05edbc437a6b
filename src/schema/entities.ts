import { type Entity, type EntityTotals, listEntities } from "../mem0/entities.ts";
import { builder } from "./builder.ts";
import { EntityRef } from "./entity.ts";
import { inTenantProject, memoryFailures } from "./memory-call.ts";
import { upstreamConnectionType } from "./upstream-connection-type.ts";
import { readStretch, type UpstreamConnection } from "./upstream-page-connection.ts";

/** Mem0 does not say how large a page of entities may be: no larger than its default page of memories (inferred). */
const pageSizeMax = 100;

interface EntityList extends UpstreamConnection<Entity> {
  readonly totals: EntityTotals;
}

const EntityTotalsRef = builder.objectRef<EntityTotals>("EntityTotals").implement({
  description: "How many entities of each type the project has. Null: Mem0 did not say.",
  fields: (t) => ({
    users: t.exposeInt("users", { nullable: true }),
    agents: t.exposeInt("agents", { nullable: true }),
    apps: t.exposeInt("apps", { nullable: true }),
    runs: t.exposeInt("runs", { nullable: true }),
  }),
});

const EntityConnection = upstreamConnectionType<Entity, EntityList>("Entity", EntityRef);

builder.objectField(EntityConnection, "totals", (t) =>
  t.field({ type: EntityTotalsRef, resolve: ({ totals }) => totals }),
);

builder.prismaObjectField("Tenant", "entities", (t) =>
  t.field({
    authScopes: { can: "memories:read-all" },
    type: EntityConnection,
    description: "The users, agents, apps and runs that have memories, in one list; one call of Mem0 a page.",
    errors: { types: [...memoryFailures], union: { name: "EntitiesResult" } },
    args: { first: t.arg.int(), after: t.arg.string() },
    select: { id: true },
    resolve: async ({ id: tenantId }, args, context) => {
      const identity = { tenantId, field: "entities", query: {} };
      const { connection, answer } = await readStretch(args, identity, pageSizeMax, (asked) =>
        inTenantProject(context, tenantId, "without-body", ({ mem0, options }) =>
          listEntities(mem0, asked, options),
        ),
      );
      return { ...connection, totals: answer.totals };
    },
  }),
);
