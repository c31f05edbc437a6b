import { decodeProtectedHeader, errors, FlattenedEncrypt, flattenedDecrypt } from "jose";
import { z } from "zod";
import type { KeyRing } from "./key-ring.ts";
import { Secret } from "./secret.ts";

/** What a sealed secret is for, and of which row. In another row, or for another purpose, it does not open. */
export interface SealedFor {
  readonly purpose: "project-key" | "account-key" | "token-key" | "audit-key";
  readonly id: string;
}

/**
 * A secret as it is stored: a JWE in its flattened JSON form (RFC 7516). A content key of its own (AES-256-GCM), wrapped by a
 * key of the ring (A256GCMKW) whose id stands in the protected header. Wrapping is what makes a change of the ring's key cheap.
 */
const sealedSchema = z.object({
  protected: z.string(),
  encrypted_key: z.string(),
  iv: z.string(),
  ciphertext: z.string(),
  tag: z.string(),
  aad: z.string(),
});

/** See `sealedSchema`. */
export type SealedSecret = z.infer<typeof sealedSchema>;

/** A sealed secret cannot be opened: its key is not in the ring, or it is not what was sealed here. */
export class CannotOpen extends Error {
  override readonly name = "CannotOpen";
}

const wrapping = "A256GCMKW";
const content = "A256GCM";

/** Seals a secret for one row. Each call answers another ciphertext. */
export async function seal(ring: KeyRing, secret: Secret, { purpose, id }: SealedFor): Promise<SealedSecret> {
  const sealed = await new FlattenedEncrypt(new TextEncoder().encode(secret.reveal()))
    .setProtectedHeader({ alg: wrapping, enc: content, kid: ring.sealing.id })
    .setAdditionalAuthenticatedData(boundTo({ purpose, id }))
    .encrypt(ring.sealing.bytes);
  return sealedSchema.parse(sealed);
}

/**
 * Opens what was sealed for this very row and purpose.
 * @throws {CannotOpen} the message says which of the reasons it is, and holds nothing of the secret
 */
export async function open(ring: KeyRing, stored: unknown, sealedFor: SealedFor): Promise<Secret> {
  const parsed = sealedSchema.safeParse(stored);
  if (!parsed.success) throw new CannotOpen("What is stored is not a sealed secret.");
  const expected = boundTo(sealedFor);
  // The stored text names the row it was sealed for; what counts is the row that it lies in now.
  const sealed = { ...parsed.data, aad: Buffer.from(expected).toString("base64url") };
  try {
    const { plaintext } = await flattenedDecrypt(
      sealed,
      (header?: { readonly kid?: string }) => {
        const kid = header?.kid;
        const key = kid === undefined ? null : ring.find(kid);
        if (key === null)
          throw new CannotOpen("The key that it was sealed with is not in LOCI_ENCRYPTION_KEY.");
        return key.bytes;
      },
      { keyManagementAlgorithms: [wrapping], contentEncryptionAlgorithms: [content] },
    );
    return new Secret(new TextDecoder().decode(plaintext));
  } catch (error) {
    if (error instanceof CannotOpen) throw error;
    if (!(error instanceof errors.JOSEError)) throw error;
    throw new CannotOpen("It was changed, or sealed for something else.");
  }
}

/** Whether the ring has the key that this was sealed with, as far as that can be told without opening it. */
export function isSealedBy(ring: KeyRing, stored: unknown): boolean {
  const keyId = sealingKeyIdOf(stored);
  return keyId !== null && ring.find(keyId) !== null;
}

/** The id of the key that this says it was sealed with. Null: it is no sealed secret. */
export function sealingKeyIdOf(stored: unknown): string | null {
  const parsed = sealedSchema.safeParse(stored);
  if (!parsed.success) return null;
  try {
    return decodeProtectedHeader(parsed.data).kid ?? null;
  } catch {
    // It was changed: what it says is worth nothing.
    return null;
  }
}

function boundTo({ purpose, id }: SealedFor): Uint8Array {
  return new TextEncoder().encode(`loci:${purpose}:${id}`);
}
