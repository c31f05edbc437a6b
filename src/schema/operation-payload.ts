import type { Operation } from "../generated/prisma/client.ts";
import { builder } from "./builder.ts";

/**
 * The payload of a mutation that starts or resumes an operation: the operation and its tenant, both read again when
 * they are asked for, so that they are as they are after the wait.
 */
export function operationPayload(name: string, description: string) {
  return builder.objectRef<Operation>(name).implement({
    description,
    fields: (t) => ({
      operation: t.prismaField({
        type: "Operation",
        resolve: (query, { id }, _args, { prisma }) =>
          prisma.operation.findUniqueOrThrow({ ...query, where: { id } }),
      }),
      tenant: t.prismaField({
        type: "Tenant",
        resolve: (query, { tenantId }, _args, { prisma }) =>
          prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
      }),
    }),
  });
}
