import type { PrismaClient, ProjectKey } from "../generated/prisma/client.ts";
import type { Db } from "./mapping.ts";
import { TenantNotFound, TenantStatusRefused } from "./refusals.ts";
import { findTenant, mainProjectName } from "./tenant-store.ts";

/** Where a key of a tenant belongs: its own project, with Mem0's ids. */
export interface KeyHome {
  readonly tenantId: string;
  /** The PROJECT of the mapping. */
  readonly resourceId: string;
  readonly orgId: string;
  readonly projectId: string;
}

/** Most keys of a tenant that are shown. */
export const keysShownMax = 20;

/**
 * Where a key of the newest tenant with this key belongs.
 * @throws {TenantNotFound} {TenantStatusRefused} when the tenant is not ACTIVE, or its project not known to be there
 */
export async function findKeyHome(db: Db, tenantKey: string): Promise<KeyHome> {
  const tenant = await findTenant(db, tenantKey);
  if (tenant === null) throw new TenantNotFound(tenantKey);
  if (tenant.status !== "ACTIVE") {
    throw new TenantStatusRefused(
      tenant.id,
      `The tenant is ${tenant.status}; only one that is ACTIVE can be given a key.`,
    );
  }
  const project = await db.resource.findFirst({
    where: { tenantId: tenant.id, kind: "PROJECT", name: mainProjectName, state: { not: "GONE" } },
    include: { parent: true },
  });
  const projectId = project?.upstreamId ?? null;
  const orgId = project?.parent?.upstreamId ?? null;
  if (project?.state !== "PRESENT" || projectId === null || orgId === null) {
    throw new TenantStatusRefused(
      tenant.id,
      "The tenant's project is not known to be there, so no key can be of it.",
    );
  }
  return { tenantId: tenant.id, resourceId: project.id, orgId, projectId };
}

/**
 * The same inside a transaction that will change the tenant's keys: nobody else changes them, or the tenant's status, before it
 * ends.
 * @throws {TenantNotFound} {TenantStatusRefused}
 */
export async function lockKeyHome(tx: Db, tenantKey: string, tenantId: string): Promise<KeyHome> {
  await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${tenantId} FOR UPDATE`;
  return findKeyHome(tx, tenantKey);
}

/** The keys of a project that are not forgotten, the newest first. */
export async function readAttachedKeys(db: Db, resourceId: string): Promise<ProjectKey[]> {
  return db.projectKey.findMany({
    where: { resourceId, state: { not: "DETACHED" } },
    orderBy: { id: "desc" },
  });
}

/** The keys of tenants, those that were forgotten too, the newest first; of each tenant at most `keysShownMax`. */
export async function readKeysOf(prisma: PrismaClient, tenantIds: readonly string[]): Promise<ProjectKey[]> {
  const ids = await prisma.$queryRaw<{ id: string }[]>`
    SELECT k.id FROM unnest(${[...tenantIds]}::text[]) AS t (id)
    CROSS JOIN LATERAL (SELECT id FROM project_key WHERE tenant_id = t.id ORDER BY id DESC LIMIT ${keysShownMax}) k`;
  if (ids.length === 0) return [];
  return prisma.projectKey.findMany({
    where: { id: { in: ids.map(({ id }) => id) } },
    orderBy: { id: "desc" },
  });
}

/** A key that ping has just said to be of the project. */
export interface ProvedKey {
  /** Of the row. An id that is attached already is that key proved again. */
  readonly id: string;
  readonly sealedKey: object;
  readonly keyHint: string;
  readonly attachedBy: string;
  /** How long the keys that it replaces still serve. Those that retire already keep their time. */
  readonly overlapMs: number;
  readonly proofDueAt: Date;
}

/**
 * Makes a proved key the current one of a project, in a transaction under the tenant's lock (`lockKeyHome`). A repeat leaves
 * one row, proved again.
 */
export async function putProvedKey(tx: Db, home: KeyHome, key: ProvedKey): Promise<ProjectKey> {
  const { id, sealedKey, keyHint, attachedBy, overlapMs, proofDueAt } = key;
  const { tenantId, resourceId } = home;
  await tx.$executeRaw`
    UPDATE project_key SET retires_at = now() + ${overlapMs}::float8 * interval '1 millisecond'
    WHERE resource_id = ${resourceId} AND id <> ${id} AND state <> 'DETACHED' AND retires_at IS NULL`;
  await tx.$executeRaw`
    INSERT INTO project_key (id, tenant_id, resource_id, sealed_key, key_hint, proved_at, proof_due_at, attached_by)
    VALUES (${id}, ${tenantId}, ${resourceId}, ${JSON.stringify(sealedKey)}::jsonb, ${keyHint}, now(),
      ${proofDueAt}::timestamptz, ${attachedBy})
    ON CONFLICT (id) DO UPDATE SET state = 'PROVED', proved_at = now(), proof_due_at = excluded.proof_due_at,
      refuted_because = NULL, retires_at = NULL`;
  return tx.projectKey.findUniqueOrThrow({ where: { id } });
}

/** The key with this id; null when there is none. */
export async function findKey(db: Db, id: string): Promise<ProjectKey | null> {
  return db.projectKey.findUnique({ where: { id } });
}

/** Forgets a key for good. A repeat keeps the first time. Answers whether it was forgotten just now. */
export async function forgetKey(db: Db, id: string): Promise<boolean> {
  const forgotten = await db.$executeRaw`
    UPDATE project_key SET state = 'DETACHED', sealed_key = NULL, detached_at = now(), proof_due_at = NULL,
      refuted_because = NULL
    WHERE id = ${id} AND state <> 'DETACHED'`;
  return forgotten > 0;
}

/** Forgets the keys whose overlap is over. Safe at any time, in any number of processes. Answers how many. */
export async function forgetRetiredKeys(prisma: PrismaClient): Promise<number> {
  return prisma.$executeRaw`
    UPDATE project_key SET state = 'DETACHED', sealed_key = NULL, detached_at = now(), proof_due_at = NULL,
      refuted_because = NULL
    WHERE retires_at <= now() AND state <> 'DETACHED'`;
}
