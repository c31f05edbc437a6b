import type { Operation, Prisma, PrismaClient, Tenant } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import { noteStarted, recordStarted, startedEvents } from "./call-audit.ts";
import { newId } from "./ids.ts";
import { type JsonRow, recordOf } from "./json-row.ts";
import type { Db } from "./mapping.ts";
import { markerOf } from "./marker.ts";
import { type StepEnd, stepEndAfter } from "./operation-steps.ts";
import {
  brokenConstraint,
  checkRepeat,
  findRepeat,
  hashOf,
  type Intent,
  insertOperation,
  refuseWhileOpen,
} from "./operation-store.ts";
import { type Place, webhookName } from "./place.ts";
import { OperationInProgress, TenantKeyTaken, TenantNotFound } from "./refusals.ts";
import { checkMove, closedStatuses } from "./tenant.ts";

/** What a transaction that starts an operation answers. */
export interface Started {
  readonly operation: Operation;
  /** Whether it was started just now, and not by an earlier call with the same idempotency key. */
  readonly isNew: boolean;
}

/** The name of the one project and of its settings in the mapping. */
export const mainProjectName = "main";

/** The newest tenant of a key, whatever became of it; null when the key was never used. */
export async function findTenant(db: Db, key: string): Promise<Tenant | null> {
  return db.tenant.findFirst({ where: { key }, orderBy: { generation: "desc" } });
}

interface PlannedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly parentId: string | null;
  readonly desired: Prisma.InputJsonObject;
  readonly id: string;
  readonly marker: string | null;
}

/**
 * The mapping as it is intended: an organization, a project with its settings, each member twice (in the
 * organization and in the project), the webhooks. Ids and markers are made here, before anything is asked of Mem0,
 * so that a repeated deed makes the same thing.
 */
function planResources(place: Place, markerSecret: Uint8Array): PlannedResource[] {
  const planned: PlannedResource[] = [];
  const plan = (
    kind: ResourceKind,
    name: string,
    parentId: string | null,
    desired: Prisma.InputJsonObject,
    isMarked = false,
  ) => {
    const id = newId("res");
    planned.push({ id, kind, name, parentId, desired, marker: isMarked ? markerOf(markerSecret, id) : null });
    return id;
  };
  const organization = plan("ORGANIZATION", mainProjectName, null, { name: place.name }, true);
  const project = plan("PROJECT", mainProjectName, organization, { name: place.name }, true);
  if (Object.keys(place.settings).length > 0) {
    plan("PROJECT_SETTINGS", mainProjectName, project, JSON.parse(JSON.stringify(place.settings)));
  }
  for (const { email, role } of place.members) {
    plan("ORGANIZATION_MEMBER", email, organization, { email, role });
    plan("PROJECT_MEMBER", email, project, { email, role });
  }
  for (const [index, { name, url, eventTypes }] of place.webhooks.entries()) {
    const logicalName = name ?? webhookName(index);
    plan("WEBHOOK", logicalName, project, { name: logicalName, url, eventTypes });
  }
  return planned;
}

/** What a sign-up writes. */
export interface SignUp {
  readonly operationId: string;
  readonly key: string;
  readonly place: Place;
  readonly markerSecret: Uint8Array;
  /** The planned steps, in order. */
  readonly steps: readonly string[];
}

/**
 * Writes tenant, mapping and operation of a sign-up: all there, or none. A repeat with the same idempotency key and
 * input answers the same operation. One statement; a second one when another caller was at it at the same moment.
 * @throws {IdempotencyKeyReused} {TenantKeyTaken}
 */
export async function insertSignUp(prisma: PrismaClient, intent: Intent, signUp: SignUp): Promise<Started> {
  try {
    return await tryToSignUp(prisma, intent, signUp);
  } catch (error) {
    if (brokenConstraint(error) === null) throw error;
    return tryToSignUp(prisma, intent, signUp);
  }
}

/** @throws {IdempotencyKeyReused} {TenantKeyTaken}, and the database's error when another caller commits meanwhile */
async function tryToSignUp(prisma: PrismaClient, intent: Intent, signUp: SignUp): Promise<Started> {
  const { actor, idempotencyKey, input } = intent;
  const { operationId, key, place, markerSecret, steps } = signUp;
  const resources = planResources(place, markerSecret);
  const [row] = await prisma.$queryRaw<{ operation: JsonRow | null; newest_id: string | null }[]>`
    WITH earlier AS (
      SELECT * FROM operation
      WHERE actor = ${actor} AND kind = 'SIGN_UP' AND idempotency_key = ${idempotencyKey}
    ), newest AS (
      SELECT id, generation, status FROM tenant WHERE key = ${key} ORDER BY generation DESC LIMIT 1
    ), tenant_made AS (
      INSERT INTO tenant (id, key, generation, name, status, drift)
      SELECT ${newId("tnt")}, ${key}, coalesce((SELECT generation FROM newest), 0) + 1, ${place.name},
        'PROVISIONING', '{}'
      WHERE NOT EXISTS (SELECT FROM earlier)
        AND NOT EXISTS (SELECT FROM newest WHERE status <> ALL (${[...closedStatuses]}::"TenantStatus"[]))
      RETURNING id
    ), made AS (
      INSERT INTO operation (id, kind, tenant_id, actor, idempotency_key, input_hash, input)
      SELECT ${operationId}, 'SIGN_UP', id, ${actor}, ${idempotencyKey}, ${hashOf(input)},
        ${JSON.stringify(input)}::jsonb FROM tenant_made
      RETURNING *
    ), steps_made AS (
      INSERT INTO operation_step (operation_id, position, name)
      SELECT made.id, number - 1, planned.name
      FROM made, unnest(${[...steps]}::text[]) WITH ORDINALITY AS planned (name, number)
    ), resources_made AS (
      INSERT INTO resource (id, tenant_id, operation_id, kind, name, parent_id, marker, desired)
      SELECT planned.id, made.tenant_id, made.id, planned.kind::"ResourceKind", planned.name, "parentId", marker, desired
      FROM made, jsonb_to_recordset(${JSON.stringify(resources)}::jsonb)
        AS planned (id text, kind text, name text, "parentId" text, marker text, desired jsonb)
    ), audited AS (
      INSERT INTO audit_event (id, actor, action, decision, outcome, tenant_id, operation_id, reason, details, call_id,
        correlation_id)
      SELECT event.id, event.actor, event.action, 'ALLOWED', 'DONE', made.tenant_id, made.id, event.reason, event.details,
        event."callId", event."correlationId"
      FROM made, jsonb_to_recordset(${JSON.stringify(startedEvents())}::jsonb) AS event (id text, actor text,
        action text, reason text, details jsonb, "callId" text, "correlationId" text)
    )
    SELECT (SELECT to_jsonb(o) FROM (SELECT * FROM made UNION ALL SELECT * FROM earlier) o) AS operation,
      (SELECT id FROM newest) AS newest_id`;
  if (row === undefined || row.operation === null) throw new TenantKeyTaken(key, row?.newest_id ?? "");
  const operation = checkRepeat(recordOf<Operation>(row.operation), intent);
  const isNew = operation.id === operationId;
  if (isNew) noteStarted();
  return { operation, isNew };
}

/** What an off-boarding writes. */
export interface Offboarding {
  readonly operationId: string;
  readonly key: string;
  /** The planned steps, in order, by whether the tenant is on its customer's own account. */
  readonly stepsOf: (isLinked: boolean) => readonly string[];
  /** When what is superseded gets its late look for twins, where one is due. Not before the off-boarding has ended. */
  readonly twinCheckAt: Date;
}

/**
 * Moves a tenant to OFFBOARDING and writes the operation, in one transaction. A sign-up of which nothing is left but
 * its read-back is superseded: it ends here. So is a chore, or a change of the place, that is not running just now.
 * @throws {TenantNotFound} {TenantStatusRefused} {OperationInProgress} {IdempotencyKeyReused}
 */
export async function insertOffboarding(
  prisma: PrismaClient,
  intent: Intent,
  offboarding: Offboarding,
): Promise<Started> {
  return startOnce(prisma, intent, async (tx) => {
    const newest = await findTenant(tx, offboarding.key);
    if (newest === null) throw new TenantNotFound(offboarding.key);
    const tenantId = newest.id;
    await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
    if (tenant.status === "ACTIVE") await supersedeOpen(tx, tenantId, offboarding);
    await refuseWhileOpen(tx, tenantId);
    checkMove(tenant, "OFFBOARDING");
    await tx.tenant.update({ where: { id: tenantId }, data: { status: "OFFBOARDING" } });
    const isLinked = tenant.accountId !== null;
    return insertOperation(tx, intent, {
      ...{ id: offboarding.operationId, tenantId, steps: offboarding.stepsOf(isLinked) },
      found: { isLinked },
    });
  });
}

/**
 * Ends what an ACTIVE tenant that leaves has open and does not need any more: a sign-up, of which only the read-back, or
 * nothing, can be left, and a chore or a change of its place that is not running just now (what a change made goes with the
 * place). The look for twins that they owe is made after the off-boarding.
 */
async function supersedeOpen(tx: Prisma.TransactionClient, tenantId: string, by: Offboarding): Promise<void> {
  const [superseded] = await tx.$queryRaw<{ id: string }[]>`
    UPDATE operation SET status = 'SUCCEEDED', finished_at = now(), updated_at = now(), resume_at = NULL,
      twin_check_at = CASE WHEN ambiguous OR kind = 'CHECK_TWINS' THEN ${by.twinCheckAt}::timestamptz END,
      reason = CASE WHEN kind = 'SIGN_UP' THEN 'The read-back' ELSE 'It' END || ${` was superseded by ${by.operationId}.`}
    WHERE tenant_id = ${tenantId} AND (
      kind IN ('SIGN_UP', 'LINK') AND status IN ('QUEUED', 'RUNNING', 'PARKED', 'NEEDS_ATTENTION')
      OR kind IN ('CHECK_TWINS', 'ADD_WAITING_MEMBERS', 'CHANGE_PLACE') AND status IN ('QUEUED', 'PARKED', 'NEEDS_ATTENTION'))
    RETURNING id`;
  if (superseded === undefined) return;
  await tx.operationStep.updateMany({
    where: { operationId: superseded.id, status: { in: ["PENDING", "RUNNING", "FAILED"] } },
    data: { status: "SUPERSEDED", finishedAt: new Date() },
  });
}

/**
 * Starts an operation that changes nothing of the tenant itself.
 * @throws {OperationInProgress} {IdempotencyKeyReused}
 */
export async function insertChore(
  prisma: PrismaClient,
  intent: Intent,
  chore: { readonly operationId: string; readonly tenantId: string; readonly steps: readonly string[] },
): Promise<Started> {
  return startOnce(prisma, intent, async (tx) => {
    await refuseWhileOpen(tx, chore.tenantId);
    return insertOperation(tx, intent, {
      id: chore.operationId,
      tenantId: chore.tenantId,
      steps: chore.steps,
    });
  });
}

/**
 * Runs a transaction that inserts an operation, at most once for an intent: an earlier one with the same idempotency
 * key is answered instead, also when two callers are at it at the same moment.
 */
export async function startOnce(
  prisma: PrismaClient,
  intent: Intent,
  insert: (tx: Prisma.TransactionClient) => Promise<Operation>,
): Promise<Started> {
  const start = async (): Promise<Started> => {
    const operation = await prisma.$transaction(async (tx) => {
      const inserted = await insert(tx);
      await recordStarted(tx, inserted);
      return inserted;
    });
    noteStarted();
    return { operation, isNew: true };
  };
  const earlier = await findRepeat(prisma, intent);
  if (earlier !== null) return { operation: earlier, isNew: false };
  try {
    return await start();
  } catch (error) {
    // Another caller may have committed meanwhile; then this is a repeat, or the next look says what is the case.
    const constraint = brokenConstraint(error);
    const isRefused = error instanceof TenantKeyTaken || error instanceof OperationInProgress;
    if (constraint === null && !isRefused) throw error;
    const winner = await findRepeat(prisma, intent);
    if (winner !== null) return { operation: winner, isNew: false };
    if (constraint === null) throw error;
    return start();
  }
}

/**
 * PROVISIONING to ACTIVE. A repeat changes nothing. Answers when the tenant became active, and whether it did now; then
 * `end` is recorded in the same statement. One round trip.
 * @throws {Error} when it neither is PROVISIONING nor ever was ACTIVE
 */
export async function activateTenant(
  db: Db,
  tenantId: string,
  now: Date = new Date(),
  end: StepEnd | null = null,
): Promise<{ readonly activatedAt: Date; readonly isNew: boolean }> {
  const [tenant] = await db.$queryRaw<{ activated_at: Date | null; is_new: boolean }[]>`
    WITH activated AS (
      UPDATE tenant SET status = 'ACTIVE', activated_at = ${now}::timestamptz
      WHERE id = ${tenantId} AND status = 'PROVISIONING' RETURNING activated_at
    )${stepEndAfter("activated", end)}
    SELECT coalesce((SELECT activated_at FROM activated), activated_at) AS activated_at,
      EXISTS (SELECT FROM activated) AS is_new
    FROM tenant WHERE id = ${tenantId}`;
  const activatedAt = tenant?.activated_at ?? null;
  if (activatedAt === null) throw new Error(`Tenant ${tenantId} is not PROVISIONING and was never ACTIVE.`);
  return { activatedAt, isNew: tenant?.is_new === true };
}
