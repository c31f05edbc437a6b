import { ManagedByTenant } from "../tenants/managed-refusals.ts";
import { UpstreamNotFound } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { carryTenant } from "./carry-tenant.ts";
import { ErrorInterface } from "./errors.ts";
import { mem0Failures } from "./mem0-failures.ts";

const ManagedByTenantRef = builder.objectType(ManagedByTenant, {
  name: "ManagedByTenant",
  description:
    "What is to be changed in Mem0 is in a tenant's mapping, or lies in something that is. Nothing was sent to be changed.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    use: t.exposeString("use", {
      description: "The mutation that does it with the mapping kept true: `offboardTenant`, `changePlace`.",
    }),
  }),
});

carryTenant(ManagedByTenantRef);

/** What a mutation may answer that changes something in Mem0 that was there before. */
export const changeFailures = [ManagedByTenant, UpstreamNotFound, ...mem0Failures] as const;
