import { type Entity, entityTypes } from "../mem0/entities.ts";
import { builder } from "./builder.ts";

/** The types of entities, in GraphQL. */
export const EntityTypeEnum = builder.enumType("EntityType", {
  description: "What memories can be of.",
  values: {
    USER: { value: entityTypes[0] },
    AGENT: { value: entityTypes[1] },
    APP: { value: entityTypes[2] },
    RUN: { value: entityTypes[3] },
  },
});

/** An entity, in GraphQL. */
export const EntityRef = builder.objectRef<Entity>("Entity").implement({
  description:
    "A user, agent, app or run that memories of a tenant are of. Type and name together say which.",
  fields: (t) => ({
    type: t.field({ type: EntityTypeEnum, resolve: ({ type }) => type }),
    name: t.exposeString("name", { description: "The caller's own word for it, which memory calls take." }),
    mem0Id: t.exposeString("entityId", { description: "Mem0's own id, to compare; no field takes it." }),
    metadata: t.expose("metadata", { type: "JSON", nullable: true }),
    createdAt: t.expose("createdAt", { type: "DateTime", nullable: true }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", nullable: true }),
  }),
});
