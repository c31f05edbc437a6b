import { ManagedByTenant } from "../tenants/managed-refusals.ts";
import { UpstreamNotFound } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { ErrorInterface } from "./errors.ts";
import { mem0Failures } from "./mem0-failures.ts";

builder.objectType(ManagedByTenant, {
  name: "ManagedByTenant",
  description:
    "What is to be changed in Mem0 is in a tenant's mapping, or lies in something that is. Nothing was sent to be changed.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    tenant: t.prismaField({
      type: "Tenant",
      resolve: (query, { tenantId }, _args, { prisma }) =>
        prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
    }),
    use: t.exposeString("use", {
      description: "The mutation that does it with the mapping kept true: `offboardTenant`, `changePlace`.",
    }),
  }),
});

/** What a mutation may answer that changes something in Mem0 that was there before. */
export const changeFailures = [ManagedByTenant, UpstreamNotFound, ...mem0Failures] as const;
