import { createHash } from "node:crypto";
import type { Operation, OperationStep, Prisma } from "../generated/prisma/client.ts";
import type { OperationKind, OperationStatus, TenantStatus } from "../generated/prisma/enums.ts";
import { commitsLater } from "./later-commit.ts";
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

/** Whether an operation in this status has not ended. */
export function isOpen(status: OperationStatus): status is (typeof openStatuses)[number] {
  return openStatuses.some((open) => open === status);
}

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

/** What inputs are compared by: the same for equal ones, in whatever order their fields stand. */
export function hashOf(input: Prisma.InputJsonObject): string {
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
  return earlier === null ? null : checkRepeat(earlier, intent);
}

/**
 * Answers the operation that was found for an intent.
 * @throws {IdempotencyKeyReused} when it was started with another input
 */
export function checkRepeat(earlier: Operation, intent: Intent): Operation {
  if (earlier.inputHash !== hashOf(intent.input)) throw new IdempotencyKeyReused(earlier.id);
  return earlier;
}

/** Writes a QUEUED operation and its planned steps. Unique constraints decide between two at once. */
export async function insertOperation(
  tx: Db,
  intent: Intent,
  plan: {
    readonly id: string;
    readonly tenantId: string;
    readonly steps: readonly string[];
    /** What the start found out besides what was asked for: stored, and no part of what a repeat is compared by. */
    readonly found?: Prisma.InputJsonObject;
  },
): Promise<Operation> {
  const operation = await tx.operation.create({
    data: {
      ...{ id: plan.id, tenantId: plan.tenantId, ...intent, inputHash: hashOf(intent.input) },
      input: { ...intent.input, ...plan.found },
    },
  });
  await tx.$executeRaw`
    INSERT INTO operation_step (operation_id, position, name)
    SELECT ${plan.id}, number - 1, name FROM unnest(${[...plan.steps]}::text[]) WITH ORDINALITY AS planned (name, number)`;
  return operation;
}

const uniqueIndexes = {
  operation_actor_kind_idempotency_key_key: "idempotency",
  tenant_key_generation_key: "tenant-key",
  tenant_key_open: "tenant-key",
  operation_open_once: "open-operation",
  tenant_account_open: "account",
  resource_upstream_once: "upstream-id",
} as const;

/**
 * Which of our unique indexes a write ran into, by what it guards; null for any other error. Prisma's codes, and those
 * of Postgres for what goes straight to the driver, are known in stores and nowhere else.
 */
export function brokenConstraint(error: unknown): (typeof uniqueIndexes)[keyof typeof uniqueIndexes] | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const isUniqueViolation = error.code === "23505" && "constraint" in error;
  if (isUniqueViolation) return uniqueIndexOf(String(error.constraint));
  if (error.code !== "P2002") return null;
  // Prisma names the index in the cause it keeps of the driver's error, or only in its message.
  const told = `${error.message} ${JSON.stringify("meta" in error ? error.meta : null)}`;
  return uniqueIndexOf(told);
}

function uniqueIndexOf(told: string): (typeof uniqueIndexes)[keyof typeof uniqueIndexes] | null {
  const found = Object.entries(uniqueIndexes).find(([index]) => told.includes(index));
  return found?.[1] ?? null;
}

/** The operation of a tenant that has not ended, if there is one. */
export async function openOperationId(db: Db, tenantId: string): Promise<string | null> {
  const open = await db.operation.findFirst({
    where: { tenantId, status: { in: [...openStatuses] } },
    select: { id: true },
  });
  return open?.id ?? null;
}

/**
 * Refuses when the tenant has an open operation.
 * @throws {OperationInProgress} carrying it
 */
export async function refuseWhileOpen(db: Db, tenantId: string): Promise<void> {
  const id = await openOperationId(db, tenantId);
  if (id !== null) throw new OperationInProgress(id);
}

/** An operation with its steps in order. */
export type OperationWithSteps = Operation & { readonly steps: readonly OperationStep[] };

/** When an operation's own time is over, unless that was set before. */
export interface RunStart {
  readonly deadlineAt: Date;
}

/**
 * Marks a run of an operation as running. False when the run is not the operation's current one any more, or the
 * operation has ended: then there is nothing to do. A repeat (after a crash) answers the same again. It reaches the disk
 * with what the run writes next.
 */
export async function beginRun(db: Db, id: string, run: number, { deadlineAt }: RunStart): Promise<boolean> {
  const begun = await db.$executeRaw`
    UPDATE operation SET status = (CASE WHEN unwinding THEN 'UNWINDING' ELSE 'RUNNING' END)::"OperationStatus",
      resume_at = NULL, reason = CASE WHEN unwinding THEN reason END,
      deadline_at = coalesce(deadline_at, ${deadlineAt}::timestamptz),
      started_at = coalesce(started_at, now()), updated_at = now()
    WHERE id = ${id} AND run = ${run} AND status IN ('QUEUED', 'RUNNING', 'UNWINDING') AND ${commitsLater}`;
  return begun === 1;
}

/**
 * An operation with its steps.
 * @throws {OperationNotFound}
 */
export async function readOperation(db: Db, id: string): Promise<OperationWithSteps> {
  const operation = await db.operation.findUnique({
    where: { id },
    include: { steps: { orderBy: { position: "asc" } } },
  });
  if (operation === null) throw new OperationNotFound();
  return operation;
}

/** Selects an operation only while this run of it is the one that runs. */
const whereRunning = (id: string, run: number) =>
  ({ id, run, status: { in: ["RUNNING", "UNWINDING"] } }) satisfies Prisma.OperationWhereInput;

/**
 * From here on the operation goes backwards, because of `reason`, and has until `deadlineAt` for it. A repeat changes
 * nothing.
 */
export async function turnBack(
  db: Db,
  id: string,
  run: number,
  { reason, deadlineAt }: { readonly reason: string; readonly deadlineAt: Date },
): Promise<void> {
  await db.$executeRaw`
    UPDATE operation SET status = 'UNWINDING', unwinding = true, reason = ${reason}, parks = 0,
      deadline_at = ${deadlineAt}::timestamptz, updated_at = now()
    WHERE id = ${id} AND run = ${run} AND status = 'RUNNING'`;
}

/** How an operation is parked. */
export interface Park {
  readonly resumeAt: Date;
  readonly reason: string;
  /** Whether it waits for a quota: then its deadlines, and those of its steps, are put off by as long as it is parked. */
  readonly isForQuota: boolean;
  /** Whether it waits for a Mem0 that could not be used: such parks are counted. */
  readonly isCounted: boolean;
}

/** The run ends; another one goes on at `resumeAt`. One statement, so that a deadline is put off exactly once. */
export async function parkOperation(db: Db, id: string, run: number, park: Park): Promise<void> {
  const { resumeAt, reason, isForQuota, isCounted } = park;
  const putOffMs = isForQuota ? Math.max(0, resumeAt.getTime() - Date.now()) : 0;
  await db.$executeRaw`
    WITH parked AS (
      UPDATE operation SET status = 'PARKED', resume_at = ${resumeAt}::timestamptz, reason = ${reason},
        parks = parks + ${isCounted ? 1 : 0}::int,
        deadline_at = deadline_at + ${putOffMs}::float8 * interval '1 millisecond', updated_at = now()
      WHERE id = ${id} AND run = ${run} AND status IN ('RUNNING', 'UNWINDING') RETURNING id
    ) UPDATE operation_step SET deadline_at = deadline_at + ${putOffMs}::float8 * interval '1 millisecond' FROM parked
    WHERE operation_id = parked.id AND ${isForQuota}::boolean AND deadline_at IS NOT NULL AND finished_at IS NULL`;
}

/** The run ends; a person must look, and says when to go on. */
export async function callForAttention(db: Db, id: string, run: number, reason: string): Promise<void> {
  await db.operation.updateMany({
    where: whereRunning(id, run),
    data: { status: "NEEDS_ATTENTION", reason, updatedAt: new Date() },
  });
}

/** How an operation ends, and what becomes of its tenant in the same statement. */
export interface Ending {
  readonly status: "SUCCEEDED" | "UNWOUND";
  readonly tenantId: string;
  readonly tenantStatus: TenantStatus | null;
  /** When the late look for twins is due, if the operation was ambiguous. */
  readonly twinCheckAt: Date;
}

/** Ends an operation. A repeat, or an operation that was superseded meanwhile, changes nothing. One statement. */
export async function endOperation(
  db: Db,
  id: string,
  run: number,
  { status, tenantId, tenantStatus, twinCheckAt }: Ending,
): Promise<void> {
  const before = tenantStatus === null ? [] : statusesBefore(tenantStatus);
  await db.$executeRaw`
    WITH ended AS (
      UPDATE operation SET status = ${status}::"OperationStatus", finished_at = now(), updated_at = now(),
        twin_check_at = CASE WHEN ambiguous THEN ${twinCheckAt}::timestamptz END
      WHERE id = ${id} AND run = ${run} AND status IN ('RUNNING', 'UNWINDING') RETURNING id
    )
    UPDATE tenant SET status = ${tenantStatus}::"TenantStatus", closed_at = now() FROM ended
    WHERE tenant.id = ${tenantId} AND tenant.status = ANY(${before}::"TenantStatus"[])`;
}

/**
 * Queues the next run of an operation that is parked or needs attention, with fresh deadlines for it and its steps.
 * @throws {OperationNotFound}
 * @throws {OperationNotResumable} when it is neither
 */
export async function queueNextRun(db: Db, id: string): Promise<Operation> {
  const queued = await db.$queryRaw<unknown[]>`
    WITH queued AS (
      UPDATE operation SET status = 'QUEUED', run = run + 1, resume_at = NULL, parks = 0, deadline_at = NULL,
        updated_at = now()
      WHERE id = ${id} AND status IN ('PARKED', 'NEEDS_ATTENTION') RETURNING id
    ), fresh AS (
      UPDATE operation_step SET deadline_at = NULL FROM queued WHERE operation_id = queued.id
    ) SELECT id FROM queued`;
  const operation = await readOperation(db, id);
  if (queued.length === 0) throw new OperationNotResumable(id, operation.status);
  return operation;
}
