import type { AuditEvent, Prisma } from "../generated/prisma/client.ts";
import type { AuditDecision, AuditOutcome } from "../generated/prisma/enums.ts";
import { currentCall } from "./audited-call.ts";
import { newId } from "./ids.ts";
import type { Db } from "./mapping.ts";
import { maskDetails, storableText } from "./masked.ts";
import { InvalidInput, Refusal } from "./refusals.ts";

/** The verbs of operators, as the mutations are named. */
export const operatorVerbs = [
  "retryOperation",
  "skipStep",
  "adoptResource",
  "abortOperation",
  "amendOperation",
] as const;

/** One of the verbs of operators. */
export type OperatorVerb = (typeof operatorVerbs)[number];

/** What operators do to the whole installation, as the mutations are named. */
export type InstallationVerb =
  | "resumeProvisioning"
  | "settleUnaccounted"
  | "takeInventory"
  | "rotateEncryptionKey";

/** What admins do in Mem0 itself, beside any tenant, as the mutations are named. */
export type Mem0Verb =
  | "createMem0Organization"
  | "deleteMem0Organization"
  | "addMem0OrganizationMember"
  | "updateMem0OrganizationMemberRole"
  | "removeMem0OrganizationMember"
  | "createMem0Project"
  | "updateMem0Project"
  | "deleteMem0Project"
  | "addMem0ProjectMember"
  | "updateMem0ProjectMemberRole"
  | "removeMem0ProjectMember"
  | "createMem0Webhook"
  | "updateMem0Webhook"
  | "deleteMem0Webhook";

/** What is done to the keys of a tenant's project, as the mutations are named. */
export type KeyVerb = "attachProjectKey" | "detachProjectKey";

/** What is done to customers' own accounts, as the mutations are named. */
export type AccountVerb = "linkMem0Account" | "unlinkMem0Account";

/** What is done to the tokens of the API, as the mutations are named. */
export type TokenVerb = "createApiToken" | "rotateApiToken" | "revokeApiToken";

/** Who does what by hand, to which operation, and why. */
export interface VerbCall {
  readonly actor: string;
  readonly verb: OperatorVerb | InstallationVerb | KeyVerb | AccountVerb | TokenVerb | Mem0Verb;
  /** As the actor gave it. */
  readonly reason: string;
  /** Null: nobody knows such an operation. */
  readonly operationId: string | null;
  readonly tenantId: string | null;
  /** What was asked for besides. Never a secret: the URL of a webhook is one. E-mail addresses are masked when it is written. */
  readonly details: Prisma.InputJsonObject;
  /** DONE unless told: the event is in the transaction of the change. */
  readonly outcome?: AuditOutcome;
}

/** Longest reason that is kept, in characters; what takes a reason allows no longer one. */
const reasonMax = 2_000;

/** Most audit events that are read at once. */
export const auditEventsMax = 100;

/** Records that a call was allowed. Belongs in the transaction of the change, so that neither is there without the other. */
export async function recordAllowed(tx: Db, { verb, outcome = "DONE", ...call }: VerbCall): Promise<void> {
  await insertEvent(tx, { ...call, action: verb, decision: "ALLOWED", refusal: null, outcome });
  const current = currentCall();
  if (current !== null) current.isAllowedWritten = true;
}

/** Records that a call was refused. Every call writes another event. */
async function recordRefused(db: Db, { verb, ...call }: VerbCall, { code }: Refusal): Promise<void> {
  const event = { ...call, action: verb, decision: "REFUSED", refusal: code, outcome: "NOT_DONE" } as const;
  await insertEvent(db, event);
  const current = currentCall();
  if (current !== null) current.isRefusalWritten = true;
}

/** An event as it is written. */
export interface NewEvent {
  readonly actor: string;
  readonly action: string;
  readonly decision: AuditDecision;
  readonly refusal: string | null;
  readonly outcome: AuditOutcome;
  readonly tenantId: string | null;
  /** Where the tenant's id is not known: the newest tenant of this key, if there is one. */
  readonly tenantKey?: string | null;
  readonly operationId: string | null;
  readonly reason: string;
  readonly details: Prisma.InputJsonObject;
}

/** Writes an event, of the call that is being done if there is one. Its time is the database's. One statement. */
export async function insertEvent(db: Db, event: NewEvent): Promise<void> {
  const { id, callId, correlationId, reason, details } = eventColumns(event);
  const { actor, action, decision, refusal, outcome, tenantId, tenantKey = null, operationId } = event;
  await db.$executeRaw`
    INSERT INTO audit_event (id, actor, action, decision, refusal, outcome, tenant_id, operation_id, reason, details,
      call_id, correlation_id)
    VALUES (${id}, ${actor}, ${action}, ${decision}::"AuditDecision", ${refusal}, ${outcome}::"AuditOutcome",
      coalesce(${tenantId}, (SELECT t.id FROM tenant t WHERE t.key = ${tenantKey} ORDER BY t.generation DESC LIMIT 1)),
      ${operationId}, ${reason}, ${JSON.stringify(details)}::jsonb, ${callId}, ${correlationId})`;
}

/** What of an event is the same however it is written; for statements that write it with something else. */
export function eventColumns({ reason, details }: Pick<NewEvent, "reason" | "details">) {
  const current = currentCall();
  return {
    id: newId("aud"),
    reason: storableText(reason, reasonMax),
    details: maskDetails(details),
    callId: current?.id ?? null,
    correlationId: current?.facts.correlationId ?? null,
  };
}

/**
 * Runs what is audited, and writes that it was refused, if it was and for another reason than its input, which is not judged.
 * `known` says what is known of the call by then besides. What `run` throws is thrown on.
 */
export async function auditingRefusals<T>(
  db: Db,
  call: VerbCall,
  run: () => Promise<T>,
  known: (refusal: Refusal) => Partial<VerbCall> | Promise<Partial<VerbCall>> = () => ({}),
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal && !(error instanceof InvalidInput)) {
      await recordRefused(db, { ...call, ...(await known(error)) }, error);
    }
    throw error;
  }
}

/** What was done to an operation by hand, the newest first, at most `limit`. */
export async function auditEventsOf(db: Db, operationId: string, limit: number): Promise<AuditEvent[]> {
  return db.auditEvent.findMany({
    where: {
      ...{ operationId, action: { in: [...operatorVerbs] } },
      OR: [{ outcome: null }, { outcome: { not: "REPEATED" } }],
    },
    orderBy: { id: "desc" },
    take: Math.min(limit, auditEventsMax),
  });
}
