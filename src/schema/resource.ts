import { GoneBy, ResourceKind, ResourceState } from "../generated/prisma/enums.ts";
import { builder } from "./builder.ts";
import { andVisible, visibleResources } from "./visible.ts";

/** What of Mem0 a resource is. */
export const resourceKindEnum = builder.enumType(ResourceKind, {
  name: "ResourceKind",
  description: "What of Mem0 it is.",
});

const stateEnum = builder.enumType("ResourceState", {
  description: "What we know of it upstream.",
  values: {
    INTENDED: { value: ResourceState.INTENDED, description: "Not made yet, as far as we know." },
    AWAITING_REGISTRATION: {
      value: ResourceState.AWAITING_REGISTRATION,
      description: "A member whom Mem0 does not know yet; tried again at `retryAt`.",
    },
    PRESENT: { value: ResourceState.PRESENT },
    GONE: { value: ResourceState.GONE, description: "Gone, proved; `goneBy` says how." },
    UNKNOWN: { value: ResourceState.UNKNOWN, description: "We cannot tell; `reason` says why." },
  },
});

const goneByEnum = builder.enumType("GoneBy", {
  description: "How we know that a resource is gone.",
  values: {
    DELETED: { value: GoneBy.DELETED, description: "By our own delete, proved." },
    PARENT: { value: GoneBy.PARENT, description: "With what it lay in, which was proved." },
    NEVER_MADE: { value: GoneBy.NEVER_MADE, description: "It was never made." },
    RELEASED: {
      value: GoneBy.RELEASED,
      description: "It is the customer's own, and no longer this tenant's. In Mem0 it is as it was.",
    },
  },
});

builder.prismaNode("Resource", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleResources(caller)),
  description: "One thing in Mem0 that is a tenant's: a row of the mapping. Closed, but never erased.",
  fields: (t) => ({
    kind: t.expose("kind", { type: resourceKindEnum }),
    name: t.exposeString("name", {
      description:
        "Its name within the tenant: `main`, `default-project`, a member's e-mail, a webhook's name.",
    }),
    state: t.expose("state", { type: stateEnum }),
    upstreamId: t.exposeString("upstreamId", {
      nullable: true,
      description: "Mem0's id. Members and settings have none.",
    }),
    marker: t.exposeString("marker", {
      nullable: true,
      description: "The text in the upstream name or description that says whose it is.",
    }),
    reason: t.exposeString("reason", { nullable: true, description: "Why it waits, or is UNKNOWN." }),
    retryAt: t.expose("retryAt", { type: "DateTime", nullable: true }),
    goneBy: t.expose("goneBy", { type: goneByEnum, nullable: true }),
    createdAt: t.expose("createdAt", { type: "DateTime" }),
    presentAt: t.expose("presentAt", { type: "DateTime", nullable: true }),
    goneAt: t.expose("goneAt", { type: "DateTime", nullable: true }),
    parent: t.relation("parent", { nullable: true, description: "What it lies in upstream, and goes with." }),
  }),
});
