import { createHash } from "node:crypto";
import type { Operation, OperationStep, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import type { OperationKind, OperationStatus, TenantStatus } from "../generated/prisma/enums.ts";
import type { Db } from "./mapping.ts";
import {
  IdempotencyKeyReused,
  OperationInProgress,
  OperationNotFound,
  OperationNotResumable,
} from "./refusals.ts";
import { statusesBefore } from "./tenant.ts";

/** Statuses of an operation that has not ended. A tenant has at most one such operation. */
export const openStatuses = [
  "QUEUED",
  "RUNNING",
  "PARKED",
  "UNWINDING",
  "NEEDS_ATTENTION",
] as const satisfies readonly OperationStatus[];

/** What a caller wants done, once. */
export interface Intent {
  /** Who asks. Idempotency keys of different actors are different. */
  readonly actor: string;
  readonly kind: OperationKind;
  readonly idempotencyKey: string;
  /** The normalised input, without what does not change the deed (waitMs). JSON. */
  readonly input: Prisma.InputJsonObject;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

function hashOf(input: Prisma.InputJsonObject): string {
  return createHash("sha256").update(canonical(input)).digest("hex");
}

/**
 * The operation that this actor started with this idempotency key, if there is one.
 * @throws {IdempotencyKeyReused} when it was started with another input
 */
export async function findRepeat(db: Db, intent: Intent): Promise<Operation | null> {
  const { actor, kind, idempotencyKey } = intent;
  const earlier = await db.operation.findUnique({
    where: { actor_kind_idempotencyKey: { actor, kind, idempotencyKey } },
  });
  if (earlier !== null && earlier.inputHash !== hashOf(intent.input))
    throw new IdempotencyKeyReused(earlier.id);
  return earlier;
}

/** Writes a QUEUED operation and its planned steps. Unique constraints decide between two at once. */
export async function insertOperation(
  tx: Db,
  intent: Intent,
  plan: { readonly id: string; readonly tenantId: string; readonly steps: readonly string[] },
): Promise<Operation> {
  const operation = await tx.operation.create({
    data: { id: plan.id, tenantId: plan.tenantId, ...intent, inputHash: hashOf(intent.input) },
  });
  await tx.operationStep.createMany({
    data: plan.steps.map((name, position) => ({ operationId: plan.id, position, name })),
  });
  return operation;
}

const uniqueIndexes = {
  operation_actor_kind_idempotency_key_key: "idempotency",
  tenant_key_generation_key: "tenant-key",
  tenant_key_open: "tenant-key",
  operation_open_once: "open-operation",
} as const;

/**
 * Which of our unique indexes a write ran into, by what it guards; null for any other error. Prisma's codes are known
 * in stores and nowhere else.
 */
export function brokenConstraint(error: unknown): (typeof uniqueIndexes)[keyof typeof uniqueIndexes] | null {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "P2002") return null;
  // Prisma names the index in the cause it keeps of the driver's error, or only in its message.
  const told = `${error.message} ${JSON.stringify("meta" in error ? error.meta : null)}`;
  const found = Object.entries(uniqueIndexes).find(([index]) => told.includes(index));
  return found?.[1] ?? null;
}

/** The open operation of a tenant, if there is one. */
async function openOperationOf(db: Db, tenantId: string): Promise<Operation | null> {
  return db.operation.findFirst({ where: { tenantId, status: { in: [...openStatuses] } } });
}

/**
 * Refuses when the tenant has an open operation.
 * @throws {OperationInProgress} carrying it
 */
export async function refuseWhileOpen(db: Db, tenantId: string): Promise<void> {
  const open = await openOperationOf(db, tenantId);
  if (open !== null) throw new OperationInProgress(open.id);
}

/** An operation with its steps in order. */
export type OperationWithSteps = Operation & { readonly steps: readonly OperationStep[] };

/**
 * Marks a run of an operation as running. Null when the run is not the operation's current one any more, or the
 * operation has ended: then there is nothing to do. A repeat (after a crash) answers the same again.
 */
export async function beginRun(db: Db, id: string, run: number): Promise<OperationWithSteps | null> {
  const begun = await db.$executeRaw`
    UPDATE operation SET status = (CASE WHEN unwinding THEN 'UNWINDING' ELSE 'RUNNING' END)::"OperationStatus",
      resume_at = NULL, reason = CASE WHEN unwinding THEN reason END,
      started_at = coalesce(started_at, now()), updated_at = now()
    WHERE id = ${id} AND run = ${run} AND status IN ('QUEUED', 'RUNNING', 'UNWINDING')`;
  if (begun === 0) return null;
  return readOperation(db, id);
}

/**
 * An operation with its steps.
 * @throws {OperationNotFound}
 */
async function readOperation(db: Db, id: string): Promise<OperationWithSteps> {
  const operation = await db.operation.findUnique({
    where: { id },
    include: { steps: { orderBy: { position: "asc" } } },
  });
  if (operation === null) throw new OperationNotFound();
  return operation;
}

/** Selects an operation only while this run of it is the one that runs. */
export const whereRunning = (id: string, run: number) =>
  ({ id, run, status: { in: ["RUNNING", "UNWINDING"] } }) satisfies Prisma.OperationWhereInput;

/** From here on the operation goes backwards, because of `reason`. */
export async function turnBack(db: Db, id: string, run: number, reason: string): Promise<void> {
  await db.operation.updateMany({
    where: whereRunning(id, run),
    data: { status: "UNWINDING", unwinding: true, reason, updatedAt: new Date() },
  });
}

/** The run ends; another one goes on at `resumeAt`. */
export async function parkOperation(
  db: Db,
  id: string,
  run: number,
  parked: { readonly resumeAt: Date; readonly reason: string },
): Promise<void> {
  await db.operation.updateMany({
    where: whereRunning(id, run),
    data: { status: "PARKED", ...parked, updatedAt: new Date() },
  });
}

/** The run ends; a person must look, and says when to go on. */
export async function callForAttention(db: Db, id: string, run: number, reason: string): Promise<void> {
  await db.operation.updateMany({
    where: whereRunning(id, run),
    data: { status: "NEEDS_ATTENTION", reason, updatedAt: new Date() },
  });
}

/** How an operation ends, and what becomes of its tenant in the same transaction. */
export interface Ending {
  readonly status: "SUCCEEDED" | "UNWOUND";
  readonly tenantId: string;
  readonly tenantStatus: TenantStatus | null;
  /** When the late look for twins is due, if the operation was ambiguous. */
  readonly twinCheckAt: Date;
}

/** Ends an operation. A repeat, or an operation that was superseded meanwhile, changes nothing. */
export async function endOperation(
  prisma: PrismaClient,
  id: string,
  run: number,
  ending: Ending,
): Promise<void> {
  await prisma.$transaction(async (tx) => {
    const ended = await tx.$executeRaw`
      UPDATE operation SET status = ${ending.status}::"OperationStatus", finished_at = now(), updated_at = now(),
        twin_check_at = CASE WHEN ambiguous THEN ${ending.twinCheckAt}::timestamptz END
      WHERE id = ${id} AND run = ${run} AND status IN ('RUNNING', 'UNWINDING')`;
    if (ended === 0 || ending.tenantStatus === null) return;
    await tx.tenant.updateMany({
      where: { id: ending.tenantId, status: { in: statusesBefore(ending.tenantStatus) } },
      data: { status: ending.tenantStatus, closedAt: new Date() },
    });
  });
}

/**
 * Queues the next run of an operation that is parked or needs attention.
 * @throws {OperationNotFound}
 * @throws {OperationNotResumable} when it is neither
 */
export async function queueNextRun(db: Db, id: string): Promise<Operation> {
  const queued = await db.operation.updateMany({
    where: { id, status: { in: ["PARKED", "NEEDS_ATTENTION"] } },
    data: { status: "QUEUED", run: { increment: 1 }, resumeAt: null, updatedAt: new Date() },
  });
  const operation = await readOperation(db, id);
  if (queued.count === 0) throw new OperationNotResumable(id, operation.status);
  return operation;
}
