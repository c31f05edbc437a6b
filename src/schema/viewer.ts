import type { Caller } from "../access/caller.ts";
import { builder } from "./builder.ts";

const Viewer = builder.objectRef<Caller>("Viewer").implement({
  description: "Who asks, as the credential says.",
  fields: (t) => ({
    actor: t.exposeString("actor", { description: "What is written wherever it says who did something." }),
    scopes: t.stringList({
      description: "What it may do.",
      resolve: ({ scopes }) => [...scopes].toSorted(),
    }),
    tenant: t.prismaField({
      type: "Tenant",
      nullable: true,
      description: "The one tenant that there is for it. Null: it is bound to none.",
      resolve: (query, { tenantId }, _args, { prisma }) =>
        tenantId === null ? null : prisma.tenant.findUnique({ ...query, where: { id: tenantId } }),
    }),
    entityType: t.string({
      nullable: true,
      description: "`user`, `agent`, `app` or `run`, where there is only one of them for it. Null: all.",
      resolve: ({ entity }) => entity?.type ?? null,
    }),
    entityName: t.string({ nullable: true, resolve: ({ entity }) => entity?.id ?? null }),
  }),
});

builder.queryField("viewer", (t) =>
  t.field({
    authScopes: { can: "own:read" },
    type: Viewer,
    description: "Who asks. A tenant's own token goes on from here to its tenant.",
    resolve: (_root, _args, { caller }) => caller,
  }),
);
