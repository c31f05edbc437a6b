import type { OperationKind, OperationStatus } from "../src/generated/prisma/enums.ts";
import { newId } from "../src/tenants/ids.ts";
import type { World } from "./world.ts";

/** Rows of an operation that nobody runs, for tests of those who look at it. */
export interface PlainOperation {
  readonly id: string;
  /** Its id in the API. */
  readonly globalId: string;
  readonly tenantId: string;
}

/** Writes a RUNNING operation with two steps, of a tenant that is PROVISIONING. */
export async function insertPlainOperation(
  { prisma }: Pick<World, "prisma">,
  kind: OperationKind = "SIGN_UP",
): Promise<PlainOperation> {
  const [id, tenantId] = [newId("op"), newId("tnt")];
  await prisma.tenant.create({
    data: { id: tenantId, key: tenantId, generation: 1, name: "Plain", status: "PROVISIONING" },
  });
  await prisma.operation.create({
    data: {
      ...{ id, tenantId, kind, status: "RUNNING", startedAt: new Date() },
      ...{ actor: "admin", idempotencyKey: id, inputHash: "0".repeat(64), input: {} },
      steps: {
        create: ["createOrganization", "createProject"].map((name, position) => ({ name, position })),
      },
    },
  });
  return { id, tenantId, globalId: Buffer.from(`Operation:${id}`).toString("base64") };
}

/** Moves it on, as the runner would, and tells nobody. */
export async function moveOperation(
  { prisma }: Pick<World, "prisma">,
  { id }: PlainOperation,
  status: OperationStatus,
): Promise<void> {
  const isEnded = status === "SUCCEEDED" || status === "UNWOUND" || status === "CANCELLED";
  await prisma.operation.update({
    where: { id },
    data: {
      status,
      reason: "for a test",
      resumeAt: status === "PARKED" ? new Date(Date.now() + 3_600_000) : null,
      finishedAt: isEnded ? new Date() : null,
    },
  });
}

/** Makes the next attempt at its first step, which is all that changes, and tells nobody. */
export async function touchStep({ prisma }: Pick<World, "prisma">, { id }: PlainOperation): Promise<void> {
  await prisma.operationStep.updateMany({
    where: { operationId: id, name: "createOrganization" },
    data: { status: "RUNNING", attempts: { increment: 1 } },
  });
}
