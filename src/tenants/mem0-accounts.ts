import type { Mem0Account, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import { AccountInUse, AccountNotFound, AccountNotLinkable } from "./account-refusals.ts";
import type { UpstreamIdentity } from "./installation.ts";
import type { Db } from "./mapping.ts";
import type { PlatformIdentity } from "./memory-access.ts";
import { closedStatuses } from "./tenant.ts";

/** The Mem0 accounts of customers: what ping said of the key that a customer gave us, and the key, sealed. */

/** What Mem0 shows a key of its own organization and project, when it is linked. */
export interface LinkedIdentity extends PlatformIdentity {
  /** The Mem0 user whose key it is. */
  readonly userEmail: string;
  readonly organizationName: string;
  readonly projectName: string;
}

/** A customer's key that was just proved. */
export interface LinkedKey extends LinkedIdentity {
  readonly id: string;
  readonly upstream: string;
  readonly label: string;
  readonly sealedKey: object;
  /** Its last four characters. */
  readonly keyHint: string;
  readonly linkedBy: string;
  readonly proofDueAt: Date;
}

/**
 * The platform's account as it was recognized at the start, in a transaction that links another one: nobody else links any
 * before it ends, so that of two who bring the same key the second finds the account of the first.
 */
export async function lockLinking(tx: Prisma.TransactionClient): Promise<UpstreamIdentity> {
  await tx.$queryRaw`SELECT id FROM mem0_account WHERE role = 'PLATFORM' FOR NO KEY UPDATE`;
  return tx.mem0Account.findFirstOrThrow({ where: { role: "PLATFORM" } });
}

/**
 * Refuses what is no customer's own account: the platform's user, its organization, and a place that Loci made for a tenant.
 * @throws {AccountNotLinkable}
 */
export async function refuseUnlessLinkable(
  db: Db,
  platform: UpstreamIdentity,
  found: Pick<LinkedIdentity, "orgId" | "projectId" | "userEmail">,
): Promise<void> {
  if (found.userEmail.toLowerCase() === platform.userEmail.toLowerCase() || found.orgId === platform.orgId) {
    throw new AccountNotLinkable(
      "This API key is of the platform's own Mem0 account or organization. A customer's account is linked by a key that the customer made.",
    );
  }
  const made = await db.resource.findFirst({
    where: {
      ...{ kind: "ORGANIZATION", upstreamId: found.orgId },
      tenant: { accountId: null, status: { notIn: [...closedStatuses] } },
    },
  });
  if (made === null) return;
  throw new AccountNotLinkable(
    "This API key is of an organization that Loci made for a tenant. Attach it to that tenant with the mutation attachProjectKey.",
  );
}

/** The account of this organization and project that is linked now; null when there is none. */
export async function findLinked(
  db: Db,
  { upstream, orgId, projectId }: Pick<LinkedKey, "upstream" | "orgId" | "projectId">,
): Promise<Mem0Account | null> {
  return db.mem0Account.findFirst({
    where: { role: "CUSTOMER", upstream, orgId, projectId, keyState: { not: "DETACHED" } },
  });
}

/**
 * Writes the account of a key that was just proved, in a transaction that has linking to itself (`lockLinking`). An id that is
 * linked already gets this key in place of its own. A proof under way counts for nothing thereby.
 */
export async function putLinked(tx: Prisma.TransactionClient, key: LinkedKey): Promise<Mem0Account> {
  const { id, upstream, orgId, projectId, linkedBy, ...shown } = key;
  const proved = { ...shown, keyState: "PROVED", provedAt: new Date(), refutedBecause: null } as const;
  return tx.mem0Account.upsert({
    where: { id },
    create: { id, role: "CUSTOMER", upstream, orgId, projectId, linkedBy, ...proved },
    update: proved,
  });
}

/** The account of a customer with this id, unlinked ones too; null when there is none. */
export async function findAccount(db: Db, id: string): Promise<Mem0Account | null> {
  return db.mem0Account.findFirst({ where: { id, role: "CUSTOMER" } });
}

/**
 * The same inside a transaction that goes by what it says: nobody links, unlinks or signs up onto it before that ends.
 * @throws {AccountNotFound}
 */
export async function lockAccount(tx: Prisma.TransactionClient, id: string): Promise<Mem0Account> {
  await tx.$queryRaw`SELECT id FROM mem0_account WHERE id = ${id} FOR UPDATE`;
  const account = await findAccount(tx, id);
  if (account === null) throw new AccountNotFound();
  return account;
}

/** The tenant that is on an account and not closed; null when there is none. */
export async function tenantOn(db: Db, accountId: string): Promise<string | null> {
  const tenant = await db.tenant.findFirst({
    where: { accountId, status: { notIn: [...closedStatuses] } },
    select: { id: true },
  });
  return tenant?.id ?? null;
}

/**
 * Forgets the key of an account for good, in a transaction that holds it (`lockAccount`). Answers whether it was forgotten
 * just now; a repeat keeps the first time.
 * @throws {AccountInUse} while a tenant is on it
 */
export async function forgetAccount(tx: Prisma.TransactionClient, id: string): Promise<boolean> {
  const tenantId = await tenantOn(tx, id);
  if (tenantId !== null) {
    throw new AccountInUse(tenantId, "A tenant is on this account: off-board it first.");
  }
  const forgotten = await tx.$executeRaw`
    UPDATE mem0_account SET key_state = 'DETACHED', sealed_key = NULL, detached_at = now(), proof_due_at = NULL,
      refuted_because = NULL
    WHERE id = ${id} AND role = 'CUSTOMER' AND key_state <> 'DETACHED'`;
  return forgotten > 0;
}

/**
 * The accounts of customers, unlinked ones too, by id in the direction of reading: the newest first, or backward the oldest.
 * `after` and `before` are ids in the list.
 */
export async function findAccounts(
  prisma: PrismaClient,
  page: {
    readonly limit: number;
    readonly after?: string | undefined;
    readonly before?: string | undefined;
    readonly isBackward: boolean;
  },
): Promise<Mem0Account[]> {
  const { limit, after, before, isBackward } = page;
  return prisma.mem0Account.findMany({
    where: {
      role: "CUSTOMER",
      id: {
        ...(after === undefined ? {} : { lt: after }),
        ...(before === undefined ? {} : { gt: before }),
      },
    },
    orderBy: { id: isBackward ? "asc" : "desc" },
    take: limit,
  });
}
