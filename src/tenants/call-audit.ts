import type { Logger } from "pino";
import type { Operation, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import type { AuditOutcome } from "../generated/prisma/enums.ts";
import { eventColumns, insertEvent, type NewEvent } from "./audit.ts";
import { type AuditedCall, currentCall, duringCall } from "./audited-call.ts";
import type { Db } from "./mapping.ts";
import { tenantKeySchema } from "./place.ts";

/** What became of a call of Mem0, for the audit. */
export interface UpstreamOutcome {
  readonly outcome: AuditOutcome;
  /** Nothing of what was sent or answered but ids. */
  readonly details: Prisma.InputJsonObject;
}

/** How a call of a mutation ended. */
export type CallEnd =
  | { readonly kind: "done"; readonly operationId: string | null; readonly tenantId: string | null }
  | { readonly kind: "refused"; readonly code: string; readonly tenantId: string | null }
  | { readonly kind: "fault" };

function eventOf({ facts }: AuditedCall) {
  const { actor, action, reason, details } = facts;
  const allowed = { decision: "ALLOWED", refusal: null, operationId: null, tenantId: null } as const;
  return { ...allowed, actor, action, reason, details };
}

/** Writes into the transaction that starts an operation who asked for it. Nothing where Loci does so by itself. */
export async function recordStarted(
  tx: Db,
  { id, tenantId }: Pick<Operation, "id" | "tenantId">,
): Promise<void> {
  const call = currentCall();
  if (call !== null) await insertEvent(tx, { ...eventOf(call), outcome: "DONE", operationId: id, tenantId });
}

/** What `recordStarted` writes, for a statement that writes it with all else; empty where Loci does something by itself. */
export function startedEvents() {
  const call = currentCall();
  if (call === null) return [];
  const { actor, action } = call.facts;
  return [{ actor, action, ...eventColumns(call.facts) }];
}

/** Says that the transaction with the event of the start was committed. */
export function noteStarted(): void {
  const call = currentCall();
  if (call !== null) call.isAllowedWritten = true;
}

/**
 * Makes a call of Mem0 for a mutation, which nothing of ours can be in one transaction with: an event that says ASKED is
 * there before it, and another with the outcome after it. Where the second is missing, the process died, or the database
 * was away, and nobody knows. Of the calls of one mutation the first is the deed: later ones, and those of fields that only
 * read, are just made.
 */
export async function auditingUpstream<T>(
  { prisma, log }: { readonly prisma: PrismaClient; readonly log: Logger },
  tenantId: string,
  send: () => Promise<T>,
  outcomeOf: (error: unknown) => UpstreamOutcome,
): Promise<T> {
  const call = currentCall();
  if (call === null || call.isAskedWritten) return send();
  await insertEvent(prisma, { ...eventOf(call), outcome: "ASKED", tenantId });
  call.isAskedWritten = true;
  const tell = (told: UpstreamOutcome) =>
    recordAfterwards({ prisma, log }, call, { ...eventOf(call), reason: "", tenantId, ...told });
  try {
    const answer = await send();
    await tell({ outcome: "DONE", details: {} });
    return answer;
  } catch (error) {
    await tell(outcomeOf(error));
    throw error;
  }
}

/**
 * Writes how a call ended, unless the events that were written meanwhile say it already. Never throws: what cannot be
 * written is logged, because it must not hide from the caller what was done.
 */
export async function recordEnd(
  ways: { readonly prisma: PrismaClient; readonly log: Logger },
  call: AuditedCall,
  end: CallEnd,
  boundTo: string | null,
): Promise<void> {
  if (call.isRefusalWritten || call.isAskedWritten) return;
  // What failed may have failed after its commit.
  if (call.isAllowedWritten && (end.kind === "done" || (await hasEvent(ways, call)))) return;
  const tenantId = (end.kind === "fault" ? null : end.tenantId) ?? null;
  const named = tenantKeySchema.safeParse(call.facts.details["tenantKey"] ?? call.facts.details["key"]);
  const tenantKey = named.success ? named.data : null;
  const event = { ...eventOf(call), tenantKey, tenantId: tenantId ?? (tenantKey === null ? boundTo : null) };
  await recordAfterwards(ways, call, { ...event, ...columnsOf(call, end) });
}

function columnsOf(call: AuditedCall, end: CallEnd) {
  if (end.kind === "done") return { outcome: "REPEATED", operationId: end.operationId } as const;
  if (end.kind === "refused") {
    return { decision: "REFUSED", refusal: end.code, outcome: "NOT_DONE" } as const;
  }
  return { outcome: "UNKNOWN", details: { ...call.facts.details, error: "INTERNAL_SERVER_ERROR" } } as const;
}

async function recordAfterwards(
  { prisma, log }: { readonly prisma: PrismaClient; readonly log: Logger },
  call: AuditedCall,
  event: NewEvent,
): Promise<void> {
  try {
    await duringCall(call, () => insertEvent(prisma, event));
  } catch (err) {
    const { action, decision, outcome } = event;
    const { actor, correlationId } = call.facts;
    log.error(
      { err, callId: call.id, correlationId, actor, action, decision, outcome },
      "a call was not audited",
    );
  }
}

/** Whether an event of this call was committed. Those of the last minutes alone are read. */
async function hasEvent(
  { prisma, log }: { readonly prisma: PrismaClient; readonly log: Logger },
  { id }: AuditedCall,
): Promise<boolean> {
  try {
    const found = await prisma.$queryRaw<unknown[]>`
      SELECT FROM audit_event WHERE call_id = ${id} AND at > now() - interval '1 hour' LIMIT 1`;
    return found.length > 0;
  } catch (err) {
    log.error({ err, callId: id }, "the audit could not be read");
    return false;
  }
}
