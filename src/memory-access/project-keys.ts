import type { Logger } from "pino";
import type { Prisma, PrismaClient, ProjectKey } from "../generated/prisma/client.ts";
import type { CallOptions } from "../mem0/request.ts";
import { auditingRefusals, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { newId } from "../tenants/ids.ts";
import {
  EncryptionKeyMissing,
  ProjectKeyInvalid,
  ProjectKeyMismatch,
  ProjectKeyNotFound,
} from "../tenants/key-refusals.ts";
import type { PlatformIdentity } from "../tenants/memory-access.ts";
import {
  findKey,
  findKeyHome,
  forgetKey,
  type KeyHome,
  lockKeyHome,
  putProvedKey,
  readAttachedKeys,
} from "../tenants/project-keys.ts";
import type { KeyRing } from "./key-ring.ts";
import type { OpenDoor } from "./open-door.ts";
import { nextProofAt } from "./proofs.ts";
import { askWhose, isInvalidKey, isOf, type Mem0Target } from "./prove-key.ts";
import { sealedForOf } from "./sealed-for.ts";
import { CannotOpen, open, seal } from "./sealed-secret.ts";
import type { Secret } from "./secret.ts";

/** What project keys are attached and detached with. */
export interface ProjectKeys {
  readonly prisma: PrismaClient;
  readonly target: Mem0Target;
  /** Null: no key can be stored. */
  readonly ring: KeyRing | null;
  readonly platform: PlatformIdentity;
  readonly proofEveryMs: number;
  /** Told of what was changed here. */
  readonly door: Pick<OpenDoor, "forget">;
  readonly log: Logger;
}

/** Who attaches which key to which tenant. */
export interface Attaching {
  readonly actor: string;
  readonly reason: string;
  readonly tenantKey: string;
  readonly apiKey: Secret;
  /** How long the keys that it replaces still serve when it cannot. */
  readonly overlapMs: number;
  /** Told of the call of Mem0 with that key. */
  readonly onCall?: NonNullable<CallOptions["onCall"]>;
}

/**
 * Attaches a key of the tenant's own project: proved by ping, then sealed and stored. Those before it retire. The same key again
 * is one row, proved again. Audited, what is refused too.
 * @throws {TenantNotFound} {TenantStatusRefused} {EncryptionKeyMissing} {ProjectKeyInvalid} {ProjectKeyMismatch}
 * @throws {Mem0Error} when Mem0 did not say whose the key is; nothing was stored
 */
export async function attachProjectKey(keys: ProjectKeys, attaching: Attaching): Promise<ProjectKey> {
  const { prisma, target, ring, door } = keys;
  const { actor, reason, tenantKey, overlapMs } = attaching;
  const call: VerbCall = {
    ...{ actor, reason, verb: "attachProjectKey", operationId: null, tenantId: null },
    details: { tenantKey, overlapMs },
  };
  let tenantId: string | null = null;
  const attach = async () => {
    const home = await findKeyHome(prisma, tenantKey);
    tenantId = home.tenantId;
    if (ring === null) throw new EncryptionKeyMissing();
    await prove(target, attaching, home);
    const attached = await prisma.$transaction(async (tx) => {
      const locked = await lockKeyHome(tx, tenantKey, home.tenantId);
      // It was proved for the project that the tenant had before; a customer who came back meanwhile has another.
      if (locked.resourceId !== home.resourceId || locked.projectId !== home.projectId)
        throw new ProjectKeyMismatch();
      const key = await storeIn(tx, { ...keys, ring }, home, attaching);
      const details = { ...call.details, keyId: key.id };
      await recordAllowed(tx, { ...call, tenantId: home.tenantId, details });
      return key;
    });
    door.forget(home.tenantId);
    return attached;
  };
  return auditingRefusals(prisma, call, attach, () => ({ tenantId }));
}

async function prove(target: Mem0Target, { apiKey, onCall }: Attaching, home: KeyHome): Promise<void> {
  const options = onCall === undefined ? {} : { onCall };
  const identity = await askWhose(target, apiKey, options).catch((error: unknown) => {
    throw isInvalidKey(error) ? new ProjectKeyInvalid() : error;
  });
  if (!isOf(identity, home)) throw new ProjectKeyMismatch();
}

async function storeIn(
  tx: Prisma.TransactionClient,
  { ring, proofEveryMs }: { readonly ring: KeyRing; readonly proofEveryMs: number },
  home: KeyHome,
  { apiKey, actor, overlapMs }: Attaching,
): Promise<ProjectKey> {
  const id = (await findSame(tx, ring, home, apiKey)) ?? newId("key");
  return putProvedKey(tx, home, {
    ...{ id, attachedBy: actor, overlapMs },
    sealedKey: await seal(ring, apiKey, sealedForOf({ owner: "PROJECT", id })),
    keyHint: apiKey.reveal().slice(-4),
    proofDueAt: nextProofAt(proofEveryMs),
  });
}

/** The id of the row that holds this very key already. What cannot be opened here is taken for another. */
async function findSame(
  tx: Prisma.TransactionClient,
  ring: KeyRing,
  home: KeyHome,
  apiKey: Secret,
): Promise<string | null> {
  for (const { id, sealedKey } of await readAttachedKeys(tx, home.resourceId)) {
    try {
      const known = await open(ring, sealedKey, sealedForOf({ owner: "PROJECT", id }));
      if (known.reveal() === apiKey.reveal()) return id;
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
    }
  }
  return null;
}

/**
 * Forgets a key at once, everywhere. A repeat answers the same. Audited, what is refused too.
 * @throws {ProjectKeyNotFound}
 */
export async function detachProjectKey(
  { prisma, door }: ProjectKeys,
  { id, actor, reason }: { readonly id: string; readonly actor: string; readonly reason: string },
): Promise<ProjectKey> {
  const call: VerbCall = {
    ...{ actor, reason, verb: "detachProjectKey", operationId: null, tenantId: null },
    details: { keyId: id },
  };
  const detached = await auditingRefusals(prisma, call, () =>
    prisma.$transaction(async (tx) => {
      const isNew = await forgetKey(tx, id);
      const key = await findKey(tx, id);
      if (key === null) throw new ProjectKeyNotFound();
      if (isNew) await recordAllowed(tx, { ...call, tenantId: key.tenantId });
      return key;
    }),
  );
  door.forget(detached.tenantId);
  return detached;
}
