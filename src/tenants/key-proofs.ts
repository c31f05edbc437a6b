import type { PrismaClient } from "../generated/prisma/client.ts";

/** Whose keys are proved: those attached to tenants, and those of customers' own accounts. */
export type KeyOwner = "PROJECT" | "ACCOUNT";

/** A proof that this process has taken over, and what a good one has to say. */
export interface ProofTask {
  readonly owner: KeyOwner;
  readonly id: string;
  readonly sealedKey: unknown;
  readonly orgId: string;
  readonly projectId: string;
  /** Until when no other process takes it. Whoever changes the key meanwhile changes this, and the proof counts for nothing. */
  readonly claimedUntil: Date;
}

/** What a proof came to. UNANSWERED says nothing of the key. */
export type ProofOutcome =
  | { readonly is: "PROVED" | "UNANSWERED" }
  | { readonly is: "REFUTED"; readonly because: string };

/** How long a process has a proof to itself; longer than a proof takes. After a crash another takes it up. */
const claimMs = 60_000;

/** Takes over proofs that are due, at most `limit` of each kind of key. Each goes to one process. */
export async function claimDueProofs(prisma: PrismaClient, limit: number): Promise<ProofTask[]> {
  const claimedUntil = new Date(Date.now() + claimMs);
  const ofProjects = await prisma.$queryRaw<ProofTask[]>`
    WITH due AS (
      SELECT id FROM project_key WHERE proof_due_at <= now() ORDER BY proof_due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE project_key k SET proof_due_at = ${claimedUntil}::timestamptz FROM due, resource p, resource o
    WHERE k.id = due.id AND p.id = k.resource_id AND o.id = p.parent_id
    RETURNING 'PROJECT' AS owner, k.id, k.sealed_key AS "sealedKey", o.upstream_id AS "orgId", p.upstream_id AS "projectId",
      k.proof_due_at AS "claimedUntil"`;
  const ofAccounts = await prisma.$queryRaw<ProofTask[]>`
    WITH due AS (
      SELECT id FROM mem0_account WHERE proof_due_at <= now() AND key_state <> 'DETACHED'
      ORDER BY proof_due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE mem0_account a SET proof_due_at = ${claimedUntil}::timestamptz FROM due WHERE a.id = due.id
    RETURNING 'ACCOUNT' AS owner, a.id, a.sealed_key AS "sealedKey", a.org_id AS "orgId", a.project_id AS "projectId",
      a.proof_due_at AS "claimedUntil"`;
  return [...ofProjects, ...ofAccounts];
}

/**
 * Closes the door to a key that Mem0 has just refused, and takes over its proof. Null when it is closed already, which is
 * how many calls refused at once make one proof.
 */
export async function refuteAndClaim(
  prisma: PrismaClient,
  { owner, id }: Pick<ProofTask, "owner" | "id">,
  because: string,
): Promise<ProofTask | null> {
  const claimedUntil = new Date(Date.now() + claimMs);
  const [task] =
    owner === "PROJECT"
      ? await prisma.$queryRaw<ProofTask[]>`
          UPDATE project_key k SET state = 'REFUTED', refuted_because = ${because}, proof_due_at = ${claimedUntil}::timestamptz
          FROM resource p, resource o
          WHERE k.id = ${id} AND k.state = 'PROVED' AND p.id = k.resource_id AND o.id = p.parent_id
          RETURNING 'PROJECT' AS owner, k.id, k.sealed_key AS "sealedKey", o.upstream_id AS "orgId",
            p.upstream_id AS "projectId", k.proof_due_at AS "claimedUntil"`
      : await prisma.$queryRaw<ProofTask[]>`
          UPDATE mem0_account SET key_state = 'REFUTED', refuted_because = ${because},
            proof_due_at = ${claimedUntil}::timestamptz
          WHERE id = ${id} AND key_state = 'PROVED'
          RETURNING 'ACCOUNT' AS owner, id, sealed_key AS "sealedKey", org_id AS "orgId", project_id AS "projectId",
            proof_due_at AS "claimedUntil"`;
  return task ?? null;
}

/**
 * Writes down what a proof came to, and when the next is due. It counts only while its claim does: a key that was refused,
 * replaced or forgotten meanwhile keeps what it got by that. Answers whether it counted.
 */
export async function recordProof(
  prisma: PrismaClient,
  { owner, id, claimedUntil }: ProofTask,
  outcome: ProofOutcome,
  nextDueAt: Date,
): Promise<boolean> {
  const state = outcome.is === "UNANSWERED" ? null : outcome.is;
  const because = outcome.is === "REFUTED" ? outcome.because : null;
  // Unanswered: state, reason and time of the last proof stay as they are.
  const written =
    owner === "PROJECT"
      ? await prisma.$executeRaw`
          UPDATE project_key SET proof_due_at = ${nextDueAt}::timestamptz, state = coalesce(${state}::"KeyState", state),
            refuted_because = CASE WHEN ${state}::text IS NULL THEN refuted_because ELSE ${because}::text END,
            proved_at = CASE WHEN ${state}::text = 'PROVED' THEN now() ELSE proved_at END
          WHERE id = ${id} AND proof_due_at = ${claimedUntil}::timestamptz`
      : await prisma.$executeRaw`
          UPDATE mem0_account SET proof_due_at = ${nextDueAt}::timestamptz,
            key_state = coalesce(${state}::"KeyState", key_state),
            refuted_because = CASE WHEN ${state}::text IS NULL THEN refuted_because ELSE ${because}::text END,
            proved_at = CASE WHEN ${state}::text = 'PROVED' THEN now() ELSE proved_at END
          WHERE id = ${id} AND proof_due_at = ${claimedUntil}::timestamptz`;
  return written > 0;
}
