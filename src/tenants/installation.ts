import { randomBytes } from "node:crypto";
import type { Mem0Account, PrismaClient } from "../generated/prisma/client.ts";
import { newId } from "./ids.ts";

/** What ping says of an API key, and where it was asked. */
export interface UpstreamIdentity {
  /** Base URL of the service, or "emulator" for the built-in one. */
  readonly upstream: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly userEmail: string;
}

/** This database belongs to another Mem0 account than the one that was configured. */
export class OtherUpstream extends Error {
  override readonly name = "OtherUpstream";

  constructor(known: UpstreamIdentity, found: UpstreamIdentity) {
    const of = (identity: UpstreamIdentity) =>
      `${identity.userEmail} (organization ${identity.orgId}) at ${identity.upstream}`;
    super(
      `This database maps tenants into the Mem0 account of ${of(known)}, but the configured key is that of ` +
        `${of(found)}; use the key of the same account, or another database or LOCI_DATA_DIR.`,
    );
  }
}

/**
 * The secret of this installation's markers: made at the first call on a database, the same ever after, also
 * when two processes call it at once.
 */
export async function openMarkerSecret(prisma: PrismaClient): Promise<Uint8Array> {
  await prisma.$executeRaw`
    INSERT INTO installation (id, marker_secret) VALUES (1, ${randomBytes(32)}) ON CONFLICT (id) DO NOTHING`;
  const installation = await prisma.installation.findUniqueOrThrow({ where: { id: 1 } });
  return installation.markerSecret;
}

/**
 * The platform's account as this database knows it; written at the first call.
 * @throws {OtherUpstream} when the database knows another service, organization or user
 */
export async function recognizeAccount(prisma: PrismaClient, found: UpstreamIdentity): Promise<Mem0Account> {
  await prisma.$executeRaw`
    INSERT INTO mem0_account (id, role, upstream, org_id, project_id, user_email)
    VALUES (${newId("acc")}, 'PLATFORM', ${found.upstream}, ${found.orgId}, ${found.projectId}, ${found.userEmail})
    ON CONFLICT DO NOTHING`;
  const known = await prisma.mem0Account.findFirstOrThrow({ where: { role: "PLATFORM" } });
  const isSame =
    known.upstream === found.upstream &&
    known.orgId === found.orgId &&
    known.userEmail.toLowerCase() === found.userEmail.toLowerCase();
  if (!isSame) throw new OtherUpstream(known, found);
  return known;
}

/** Which of Mem0's lists an account's key was seen to find its own creations in. */
export interface ListProofs {
  readonly organizations: boolean;
  readonly projects: boolean;
}

/** What is proved of the account's lists, now. One round trip. @throws {Error} when there is no such account */
export async function readListProofs(prisma: PrismaClient, accountId: string): Promise<ListProofs> {
  const [proofs] = await prisma.$queryRaw<ListProofs[]>`
    SELECT organization_list_sees_created AS organizations, project_list_sees_created AS projects
    FROM mem0_account WHERE id = ${accountId}`;
  if (proofs === undefined) throw new Error(`There is no account ${accountId}.`);
  return proofs;
}

/** By client, the accounts all of whose lists are proved. Proofs are never taken back; there are a few accounts. */
const whollyProved = new WeakMap<PrismaClient, Set<string>>();

/**
 * What is proved of the account's lists, as far as was ever read, for whoever only wants to add to it. One round trip; none
 * once all is proved.
 * @throws {Error} when there is no such account
 */
export async function recallListProofs(prisma: PrismaClient, accountId: string): Promise<ListProofs> {
  const known = whollyProved.get(prisma) ?? new Set<string>();
  if (known.has(accountId)) return { organizations: true, projects: true };
  const proofs = await readListProofs(prisma, accountId);
  if (proofs.organizations && proofs.projects) whollyProved.set(prisma, known.add(accountId));
  return proofs;
}

/** Remembers that one of the lists showed what this key created. Never taken back. */
export async function proveList(
  prisma: PrismaClient,
  accountId: string,
  list: keyof ListProofs,
): Promise<void> {
  await prisma.mem0Account.update({
    where: { id: accountId },
    data: list === "organizations" ? { organizationListSeesCreated: true } : { projectListSeesCreated: true },
  });
}

/** How the error of a step says that it waits for the proof of a list. */
export const unprovedCodes = {
  organizations: "OrganizationListUnproved",
  projects: "ProjectListUnproved",
} as const satisfies Record<keyof ListProofs, string>;
