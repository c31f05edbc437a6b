import type { Operation } from "../generated/prisma/client.ts";
import { builder } from "./builder.ts";
import { carryTenant } from "./carry-tenant.ts";

/**
 * The payload of a mutation that starts or resumes an operation: the operation and its tenant, both read again when
 * they are asked for, so that they are as they are after the wait.
 */
export function operationPayload(name: string, description: string) {
  const payload = builder.objectRef<Operation>(name).implement({
    description,
    fields: (t) => ({
      operation: t.prismaField({
        type: "Operation",
        resolve: (query, { id }, _args, { prisma }) =>
          prisma.operation.findUniqueOrThrow({ ...query, where: { id } }),
      }),
    }),
  });
  carryTenant(payload);
  return payload;
}
