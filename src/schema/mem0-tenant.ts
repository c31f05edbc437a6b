import { getRefFromModel } from "@pothos/plugin-prisma";
import { builder } from "./builder.ts";

/** The type Tenant, for fields that have read the whole row themselves. */
export const TenantRef = getRefFromModel("Tenant", builder);

/** What the field `tenant` of Mem0's things says; the same words for all of them. */
export const tenantDescription =
  "The tenant in whose mapping it is, whatever became of the tenant. Null: it is in none; it may still lie in something " +
  "that is.";
