import type { PrismaClient } from "../generated/prisma/client.ts";
import { newId } from "./ids.ts";
import { commitsLater } from "./later-commit.ts";
import { type StepEnd, stepEndAfter } from "./operation-steps.ts";

const suspiciousBeginning = "Suspicious ";

/** What a read-back found. */
export interface ReadBack {
  readonly operationId: string;
  readonly tenantId: string;
  /** A sentence for each thing that is not as we asked for it. */
  readonly drift: readonly string[];
  /** The organization's own project, which is not ours to touch but goes with it. Null: it was not found. */
  readonly defaultProject: {
    readonly upstreamId: string;
    readonly name: string;
    readonly parentId: string;
  } | null;
}

/**
 * Writes a read-back, unless its operation was superseded or ended meanwhile. What is suspicious stays in the drift: only
 * another look can tell that it is not there any more. A repeat writes the same. With `end` the step is recorded as done
 * in the same statement. Answers whether it was written. One round trip. It reaches the disk with what the run writes
 * next.
 */
export async function recordReadBack(
  prisma: PrismaClient,
  readBack: ReadBack,
  end: StepEnd | null = null,
): Promise<boolean> {
  const { operationId, tenantId, defaultProject } = readBack;
  const { upstreamId, name, parentId } = defaultProject ?? { upstreamId: null, name: null, parentId: null };
  // It locks in the order of an off-boarding that supersedes it, first the tenant and then the operation: rows are locked
  // after they are joined, and the locking of the tenant is a part of what is joined.
  const written = await prisma.$queryRaw<unknown[]>`
    WITH held AS MATERIALIZED (
      SELECT id, drift FROM tenant WHERE id = ${tenantId} FOR UPDATE
    ), open AS MATERIALIZED (
      SELECT o.id, held.drift FROM held JOIN operation o ON o.tenant_id = held.id
      WHERE o.id = ${operationId} AND o.status = 'RUNNING' FOR UPDATE OF o
    ), written AS (
      UPDATE tenant SET read_back_at = ${new Date()}::timestamptz, drift = ARRAY(
          SELECT sentence FROM unnest(open.drift) WITH ORDINALITY AS told (sentence, position)
          WHERE starts_with(sentence, ${suspiciousBeginning}) ORDER BY position) || ${[...readBack.drift]}::text[]
      FROM open WHERE tenant.id = ${tenantId} AND ${commitsLater} RETURNING tenant.id
    ), found AS (
      INSERT INTO resource (id, tenant_id, operation_id, kind, name, parent_id, upstream_id, state, present_at, desired)
      SELECT ${newId("res")}, ${tenantId}, open.id, 'PROJECT', 'default-project', ${parentId}, ${upstreamId}::text,
        'PRESENT', now(), jsonb_build_object('name', ${name}::text)
      FROM open WHERE ${upstreamId}::text IS NOT NULL
      ON CONFLICT DO NOTHING
    )${stepEndAfter("written", end)}
    SELECT id FROM written`;
  return written.length === 1;
}

/** Something upstream that bears a marker of ours and yet is not provably ours. */
export interface Suspicion {
  readonly upstreamId: string;
  /** In words, to follow "but". */
  readonly why: string;
}

/**
 * Writes into the drift of a tenant what is suspicious now among things of one kind ("organization", "project"); what
 * was written of that kind before goes, the rest stays. A repeat writes the same.
 */
export async function recordSuspicions(
  prisma: PrismaClient,
  tenantId: string,
  what: string,
  suspicions: readonly Suspicion[],
): Promise<void> {
  const beginning = beginningOf(what);
  const sentences = suspicions.map(
    ({ upstreamId, why }) =>
      `${beginning}${upstreamId}: it bears the marker of this tenant's own, but ${why}. It is left alone.`,
  );
  await prisma.$executeRaw`
    UPDATE tenant SET drift = ${sentences}::text[] || ARRAY(
      SELECT sentence FROM unnest(drift) WITH ORDINALITY AS told(sentence, position)
      WHERE NOT starts_with(sentence, ${beginning}) ORDER BY position)
    WHERE id = ${tenantId} AND (${sentences.length} > 0
      OR EXISTS (SELECT FROM unnest(drift) AS told(sentence) WHERE starts_with(sentence, ${beginning})))`;
}

function beginningOf(what: string): string {
  return `${suspiciousBeginning}${what} `;
}
