import { type BreachedTenant, readBreaches } from "../tenants/isolation-breach.ts";
import { builder } from "./builder.ts";
import { InstallationRef } from "./installation.ts";

const IsolationBreachRef = builder.objectRef<BreachedTenant>("IsolationBreach").implement({
  description: "A tenant whose door to memories was closed because memories crossed between it and another.",
  fields: (t) => ({
    tenantKey: t.exposeString("tenantKey"),
    because: t.exposeString("because"),
  }),
});

builder.objectField(InstallationRef, "isolationBreaches", (t) =>
  t.field({
    type: [IsolationBreachRef],
    description:
      "What the standing canary found and nobody has dealt with yet. Empty: nothing. A door opens again when a key is attached or " +
      "linked. See the audit's `isolationBreach`.",
    resolve: (_root, _args, { prisma }) => readBreaches(prisma),
  }),
);
