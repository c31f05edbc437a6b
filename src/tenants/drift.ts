import type { PrismaClient } from "../generated/prisma/client.ts";
import { newId } from "./ids.ts";

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
 * another look can tell that it is not there any more. A repeat writes the same.
 */
export async function recordReadBack(prisma: PrismaClient, readBack: ReadBack): Promise<void> {
  const { operationId, tenantId, defaultProject } = readBack;
  await prisma.$transaction(async (tx) => {
    // In the order of an off-boarding that supersedes it: first the tenant, then the operation.
    const [tenant] = await tx.$queryRaw<{ drift: string[] }[]>`
      SELECT drift FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
    const open = await tx.$queryRaw<unknown[]>`
      SELECT id FROM operation WHERE id = ${operationId} AND status = 'RUNNING' FOR UPDATE`;
    if (open.length === 0) return;
    const suspicious = tenant?.drift.filter((sentence) => sentence.startsWith(suspiciousBeginning)) ?? [];
    await tx.tenant.update({
      where: { id: tenantId },
      data: { drift: [...suspicious, ...readBack.drift], readBackAt: new Date() },
    });
    if (defaultProject === null) return;
    const { upstreamId, name, parentId } = defaultProject;
    await tx.resource.createMany({
      data: [
        {
          id: newId("res"),
          tenantId,
          operationId,
          kind: "PROJECT",
          name: "default-project",
          parentId,
          upstreamId,
          state: "PRESENT",
          presentAt: new Date(),
          desired: { name },
        },
      ],
      skipDuplicates: true,
    });
  });
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
