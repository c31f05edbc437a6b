import type { Logger } from "pino";
import type { Mem0Account, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { getProject } from "../mem0/projects.ts";
import type { CallOptions } from "../mem0/request.ts";
import { openMem0 } from "../mem0/request.ts";
import { auditingRefusals, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { newId } from "../tenants/ids.ts";
import { EncryptionKeyMissing, ProjectKeyInvalid } from "../tenants/key-refusals.ts";
import {
  findLinked,
  forgetAccount,
  type LinkedIdentity,
  lockAccount,
  lockLinking,
  putLinked,
  refuseUnlessLinkable,
  tenantOn,
} from "../tenants/mem0-accounts.ts";
import type { KeyRing } from "./key-ring.ts";
import type { OpenDoor } from "./open-door.ts";
import { nextProofAt } from "./proofs.ts";
import { askWhose, isInvalidKey, type Mem0Target } from "./prove-key.ts";
import { sealedForOf } from "./sealed-for.ts";
import { CannotOpen, open, seal } from "./sealed-secret.ts";
import type { Secret } from "./secret.ts";

/** What customers' accounts are linked and unlinked with. */
export interface LinkWork {
  readonly prisma: PrismaClient;
  readonly target: Mem0Target;
  /** Null: no key can be stored. */
  readonly ring: KeyRing | null;
  readonly proofEveryMs: number;
  /** Told of what was changed here. */
  readonly door: Pick<OpenDoor, "forget">;
  readonly log: Logger;
}

/** Who links which account. */
export interface Linking {
  readonly actor: string;
  readonly reason: string;
  readonly apiKey: Secret;
  /** What people call it. */
  readonly label: string;
  /** Told of the calls of Mem0 with the customer's key. */
  readonly onCall?: NonNullable<CallOptions["onCall"]>;
}

/**
 * Links a customer's own Mem0 account: its key says by ping whose it is, and shows its organization and project; then it is
 * sealed and stored. The same key again is the same account, proved again; another key of the same organization and project
 * replaces the account's key at once. Audited, what is refused too.
 * @throws {EncryptionKeyMissing} {ProjectKeyInvalid}
 * @throws {AccountNotLinkable} when it is no customer's own: the platform's, or of a place that Loci made
 * @throws {Mem0Error} when Mem0 did not say whose the key is, or what it is of; nothing was stored
 */
export async function linkMem0Account(work: LinkWork, linking: Linking): Promise<Mem0Account> {
  const { prisma, ring, door } = work;
  const { actor, reason, label } = linking;
  const call: VerbCall = {
    ...{ actor, reason, verb: "linkMem0Account", operationId: null, tenantId: null },
    details: { label },
  };
  const linked = await auditingRefusals(prisma, call, async () => {
    if (ring === null) throw new EncryptionKeyMissing();
    const identity = await identify(work, linking);
    return prisma.$transaction(async (tx) => {
      const platform = await lockLinking(tx);
      await refuseUnlessLinkable(tx, platform, identity);
      const before = await findLinked(tx, { ...identity, upstream: platform.upstream });
      const account = await store(tx, { ...work, ring }, linking, { identity, before, ...platform });
      const tenantId = await tenantOn(tx, account.id);
      const details = { label, accountId: account.id, was: before === null ? "new" : "linked before" };
      await recordAllowed(tx, { ...call, tenantId, details });
      return { account, tenantId };
    });
  });
  if (linked.tenantId !== null) door.forget(linked.tenantId);
  return linked.account;
}

/** Asks Mem0, before anything is stored. @throws {ProjectKeyInvalid} {AccountNotLinkable} {Mem0Error} */
async function identify({ prisma, target }: LinkWork, { apiKey, onCall }: Linking): Promise<LinkedIdentity> {
  const ours = { ...(onCall === undefined ? {} : { onCall }) };
  const ping = await askWhose(target, apiKey, ours).catch((error: unknown) => {
    throw isInvalidKey(error) ? new ProjectKeyInvalid() : error;
  });
  const platform = await prisma.mem0Account.findFirstOrThrow({ where: { role: "PLATFORM" } });
  await refuseUnlessLinkable(prisma, platform, ping);
  const { baseUrl, timeoutMs } = target;
  const mem0 = openMem0({ baseUrl, timeoutMs, apiKey: apiKey.reveal(), breaker: false, connections: 2 });
  try {
    const [organization, project] = await Promise.all([
      getOrganization(mem0, ping.orgId, ours),
      getProject(mem0, ping.orgId, ping.projectId, ours),
    ]);
    return { ...ping, organizationName: organization.name, projectName: project.name };
  } finally {
    await mem0.close();
  }
}

async function store(
  tx: Prisma.TransactionClient,
  { ring, proofEveryMs }: LinkWork & { readonly ring: KeyRing },
  { apiKey, label, actor }: Linking,
  found: {
    readonly identity: LinkedIdentity;
    readonly upstream: string;
    readonly before: Mem0Account | null;
  },
): Promise<Mem0Account> {
  const { identity, upstream, before } = found;
  const id = before?.id ?? newId("acc");
  const sealedFor = sealedForOf({ owner: "ACCOUNT", id });
  const isSame = before !== null && (await holds(ring, before, apiKey));
  return putLinked(tx, {
    ...{ ...identity, id, upstream, label, linkedBy: actor },
    // What is sealed anew is taken for another key; so the same one stays as it lies.
    sealedKey: isSame ? sealedIn(before) : await seal(ring, apiKey, sealedFor),
    keyHint: apiKey.reveal().slice(-4),
    proofDueAt: nextProofAt(proofEveryMs),
  });
}

function sealedIn({ id, sealedKey }: Mem0Account): object {
  if (typeof sealedKey === "object" && sealedKey !== null) return sealedKey;
  throw new Error(`The account ${id} is linked without a key.`);
}

/** Whether an account's key is this one. What cannot be opened here is taken for another. */
async function holds(ring: KeyRing, { id, sealedKey }: Mem0Account, apiKey: Secret): Promise<boolean> {
  try {
    const known = await open(ring, sealedKey, sealedForOf({ owner: "ACCOUNT", id }));
    return known.reveal() === apiKey.reveal();
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    return false;
  }
}

/**
 * Forgets an account's key at once, everywhere, and for good. In Mem0 it stays valid. A repeat answers the same. Audited, what
 * is refused too.
 * @throws {AccountNotFound}
 * @throws {AccountInUse} while a tenant that is not closed is on it
 */
export async function unlinkMem0Account(
  { prisma }: LinkWork,
  { id, actor, reason }: { readonly id: string; readonly actor: string; readonly reason: string },
): Promise<Mem0Account> {
  const call: VerbCall = {
    ...{ actor, reason, verb: "unlinkMem0Account", operationId: null, tenantId: null },
    details: { accountId: id },
  };
  return auditingRefusals(prisma, call, () =>
    prisma.$transaction(async (tx) => {
      await lockAccount(tx, id);
      if (await forgetAccount(tx, id)) await recordAllowed(tx, call);
      return lockAccount(tx, id);
    }),
  );
}
