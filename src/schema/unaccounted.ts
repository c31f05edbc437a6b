import { builder } from "./builder.ts";
import { resourceKindEnum } from "./resource.ts";
import { andVisible, visibleControl } from "./visible.ts";

/** Something upstream that is in no mapping. */
export const UnaccountedNode = builder.prismaNode("Unaccounted", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleControl(caller)),
  description:
    "Something upstream in the platform's account that no resource of the mapping accounts for. Loci never deletes it.",
  fields: (t) => ({
    kind: t.expose("kind", { type: resourceKindEnum }),
    upstreamId: t.exposeString("upstreamId", { description: "Mem0's id." }),
    name: t.exposeString("name"),
    reason: t.exposeString("reason", { description: "Why it is not in the mapping, as far as we can tell." }),
    createdAt: t.expose("createdAt", {
      type: "DateTime",
      description:
        "When Mem0 says that it was made. A webhook need not say; then no earlier than its project.",
    }),
    foundAt: t.expose("foundAt", { type: "DateTime", description: "When an inventory first found it." }),
    settledAt: t.expose("settledAt", {
      type: "DateTime",
      nullable: true,
      description: "When an operator settled what it is. See `settleUnaccounted`.",
    }),
  }),
});

builder.queryField("unaccounted", (t) =>
  t.prismaConnection({
    authScopes: { can: "control:read" },
    type: UnaccountedNode,
    cursor: "id",
    description: "What the inventories found and nobody has settled, newest first.",
    args: { includeSettled: t.arg.boolean({ defaultValue: false }) },
    resolve: (query, _root, { includeSettled }, { prisma }) =>
      prisma.unaccounted.findMany({
        ...query,
        where: includeSettled === true ? {} : { settledAt: null },
        orderBy: { id: "desc" },
      }),
  }),
);
