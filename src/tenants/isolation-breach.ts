import type { Prisma } from "../generated/prisma/client.ts";
import { insertEvent } from "./audit.ts";
import type { Db } from "./mapping.ts";

/** How the reason of a door begins that was closed because memories of one tenant were seen through another's. */
export const breachCode = "ISOLATION_BREACH";

/** The two between whom memories crossed. */
export interface Breach {
  /** Whose memory was seen. */
  readonly writerId: string;
  /** Through whose door it was seen. */
  readonly readerId: string;
  /** By which calls. No memory text. */
  readonly seenBy: readonly string[];
}

/** A tenant whose door is closed for it. */
export interface BreachedTenant {
  readonly tenantKey: string;
  readonly because: string;
}

/**
 * Closes the doors of both tenants to every key that they have, their linked accounts' too, and writes an audit event for each. No
 * proof opens them again, one under way included: a person has to attach a key, or link one. A repeat closes what was opened since.
 * In a transaction. Answers how many keys were closed: none where a tenant has none of its own.
 */
export async function closeForBreach(tx: Prisma.TransactionClient, breach: Breach): Promise<number> {
  const { writerId, readerId, seenBy } = breach;
  const because = `${breachCode}: a memory of one canary tenant was seen through the door of the other. Only attaching or linking a key opens it again.`;
  const tenantIds = [writerId, readerId];
  const ofProjects = await tx.$executeRaw`
    UPDATE project_key SET state = 'REFUTED', refuted_because = ${because}, proof_due_at = NULL
    WHERE tenant_id = ANY(${tenantIds}::text[]) AND state <> 'DETACHED'`;
  const ofAccounts = await tx.$executeRaw`
    UPDATE mem0_account a SET key_state = 'REFUTED', refuted_because = ${because}, proof_due_at = NULL
    FROM tenant t WHERE t.id = ANY(${tenantIds}::text[]) AND a.id = t.account_id AND a.key_state <> 'DETACHED'`;
  const keysClosed = ofProjects + ofAccounts;
  for (const tenantId of tenantIds) {
    await insertEvent(tx, {
      ...{ actor: "loci", action: "isolationBreach", decision: "ALLOWED", refusal: null, outcome: "DONE" },
      ...{ tenantId, operationId: null, reason: because },
      details: { writerId, readerId, seenBy: [...seenBy], keysClosed },
    });
  }
  return keysClosed;
}

/** The tenants whose door is closed because of a breach, by key; each until a person gave it a key again. */
export async function readBreaches(db: Db): Promise<BreachedTenant[]> {
  return db.$queryRaw<BreachedTenant[]>`
    SELECT DISTINCT ON (t.key) t.key AS "tenantKey", coalesce(k.refuted_because, a.refuted_because) AS because
    FROM tenant t
    LEFT JOIN project_key k ON k.tenant_id = t.id AND k.state = 'REFUTED' AND k.proof_due_at IS NULL
      AND k.refuted_because LIKE ${`${breachCode}%`}
      AND NOT EXISTS (SELECT 1 FROM project_key p WHERE p.tenant_id = t.id AND p.state = 'PROVED')
    LEFT JOIN mem0_account a ON a.id = t.account_id AND a.key_state = 'REFUTED'
      AND a.refuted_because LIKE ${`${breachCode}%`}
    WHERE t.status = 'ACTIVE' AND (k.id IS NOT NULL OR a.id IS NOT NULL)
    ORDER BY t.key`;
}
