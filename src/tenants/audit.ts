import type { AuditEvent, Prisma } from "../generated/prisma/client.ts";
import { newId } from "./ids.ts";
import type { Db } from "./mapping.ts";
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
export type InstallationVerb = "resumeProvisioning" | "settleUnaccounted" | "takeInventory";

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

/** Who does what by hand, to which operation, and why. */
export interface VerbCall {
  readonly actor: string;
  readonly verb: OperatorVerb | InstallationVerb | KeyVerb | AccountVerb | Mem0Verb;
  /** As the actor gave it. */
  readonly reason: string;
  /** Null: nobody knows such an operation. */
  readonly operationId: string | null;
  readonly tenantId: string | null;
  /** What was asked for besides. Never a secret: the URL of a webhook is one. */
  readonly details: Prisma.InputJsonObject;
}

/** Most audit events that are read at once. */
export const auditEventsMax = 100;

/** Records that a call was allowed. Belongs in the transaction of the change, so that neither is there without the other. */
export async function recordAllowed(tx: Db, call: VerbCall): Promise<void> {
  await tx.auditEvent.create({ data: { ...rowOf(call), decision: "ALLOWED" } });
}

/** Records that a call was refused. Every call writes another event. */
async function recordRefused(db: Db, call: VerbCall, refusal: Refusal): Promise<void> {
  await db.auditEvent.create({ data: { ...rowOf(call), decision: "REFUSED", refusal: refusal.code } });
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

function rowOf({ verb, ...call }: VerbCall) {
  return { id: newId("aud"), action: verb, ...call };
}

/** What was done to an operation by hand, the newest first, at most `limit`. */
export async function auditEventsOf(db: Db, operationId: string, limit: number): Promise<AuditEvent[]> {
  return db.auditEvent.findMany({
    where: { operationId },
    orderBy: { id: "desc" },
    take: Math.min(limit, auditEventsMax),
  });
}
