import { randomBytes } from "node:crypto";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { KeyRing } from "../memory-access/key-ring.ts";
import { open, type SealedFor, seal } from "../memory-access/sealed-secret.ts";
import { Secret } from "../memory-access/secret.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";

const sealedFor: SealedFor = { purpose: "audit-key", id: "installation" };

/** What opens what is sealed with the installation's audit key, and what makes it. */
interface AuditKeyWays {
  readonly prisma: PrismaClient;
  readonly ring: KeyRing | null;
}

/**
 * The key of the tags of the audit's seals. It is stored sealed, so that whoever can write the database alone cannot make a
 * chain of his own look like ours. Made at the first call on a database, also when two processes call it at once. Null: this
 * process has nothing to seal it with, and no other ever had: then seals bear no tags.
 * @throws {EncryptionKeyMissing} {CannotOpen} when there is one, and this process cannot open it
 */
export async function openAuditKey({ prisma, ring }: AuditKeyWays): Promise<Uint8Array | null> {
  if (ring !== null && (await readSealed(prisma)) === null) {
    const made = new Secret(randomBytes(32).toString("base64"));
    const sealed = JSON.stringify(await seal(ring, made, sealedFor));
    await prisma.$executeRaw`
      UPDATE installation SET sealed_audit_key = ${sealed}::jsonb WHERE id = 1 AND sealed_audit_key IS NULL`;
  }
  return findAuditKey({ prisma, ring });
}

/** The same, where nothing may be written: null where there is no key. */
export async function findAuditKey({ prisma, ring }: AuditKeyWays): Promise<Uint8Array | null> {
  const kept = await readSealed(prisma);
  if (kept === null) return null;
  if (ring === null) throw new EncryptionKeyMissing();
  const key = await open(ring, kept, sealedFor);
  return new Uint8Array(Buffer.from(key.reveal(), "base64"));
}

async function readSealed(prisma: PrismaClient): Promise<unknown> {
  const [row] = await prisma.$queryRaw<{ sealed: unknown }[]>`
    SELECT sealed_audit_key AS sealed FROM installation WHERE id = 1`;
  return row?.sealed ?? null;
}
