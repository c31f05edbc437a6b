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

/** What is proved of the account's lists, now. One round trip. */
export async function readListProofs(prisma: PrismaClient, accountId: string): Promise<ListProofs> {
  const account = await prisma.mem0Account.findUniqueOrThrow({
    where: { id: accountId },
    select: { organizationListSeesCreated: true, projectListSeesCreated: true },
  });
  return { organizations: account.organizationListSeesCreated, projects: account.projectListSeesCreated };
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
