import type { ObjectRef } from "@pothos/core";
import { builder } from "./builder.ts";

/** A type whose objects know their tenant by its id. */
type Carrier = ObjectRef<(typeof builder)["$inferSchemaTypes"], { readonly tenantId: string }>;

/**
 * Gives a type the field `tenant`, from which the caller goes on. It is read when it is asked for, so that it is as it then is;
 * tenants are never deleted, so that it is there.
 */
export function carryTenant(carrier: Carrier): void {
  builder.objectField(carrier, "tenant", (t) =>
    t.prismaField({
      type: "Tenant",
      resolve: (query, { tenantId }, _args, { prisma }) =>
        prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
    }),
  );
}
