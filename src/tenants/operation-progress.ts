import type { PrismaClient } from "../generated/prisma/client.ts";
import type { OperationKind, OperationStatus, TenantStatus } from "../generated/prisma/enums.ts";

/** How far an operation has got. */
export interface OperationProgress {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly tenantStatus: TenantStatus;
  /**
   * Opaque; another one whenever the operation, one of its steps or its tenant was written. Made of the numbers of the
   * transactions that wrote the rows, so it costs no comparing of contents and knows every column there will ever be.
   */
  readonly version: string;
}

/** As much of a client as reading progress takes. */
export type ProgressDb = Pick<PrismaClient, "$queryRaw">;

/** How far these operations have got, by their ids; who is not there is left out. One round trip. */
export async function readProgress(
  db: ProgressDb,
  operationIds: readonly string[],
): Promise<Map<string, OperationProgress>> {
  const rows = await db.$queryRaw<OperationProgress[]>`
    SELECT o.id, o.kind::text AS kind, o.status::text AS status, t.status::text AS "tenantStatus",
      concat_ws(' ', o.xmin, t.xmin, (SELECT string_agg(s.xmin::text, ' ' ORDER BY s.position)
        FROM operation_step s WHERE s.operation_id = o.id)) AS version
    FROM operation o JOIN tenant t ON t.id = o.tenant_id
    WHERE o.id = ANY(${operationIds}::text[])`;
  return new Map(rows.map((row) => [row.id, row]));
}
