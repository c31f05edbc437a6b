import { createHmac, randomBytes } from "node:crypto";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { KeyRing } from "../memory-access/key-ring.ts";
import { open, type SealedFor, seal } from "../memory-access/sealed-secret.ts";
import { Secret } from "../memory-access/secret.ts";
import { keepSealedTokenKey, readSealedTokenKey } from "../tenants/api-tokens.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";

const sealedFor: SealedFor = { purpose: "token-key", id: "installation" };
const keyBytes = 32;

/**
 * What tokens are hashed by: a random key of the installation, stored sealed. Whoever has a dump of the database alone can
 * neither make a token nor try one out.
 */
export class TokenKey {
  readonly #prisma: PrismaClient;
  readonly #ring: KeyRing | null;
  #key: Promise<Secret | null> | null = null;

  constructor(prisma: PrismaClient, ring: KeyRing | null) {
    this.#prisma = prisma;
    this.#ring = ring;
  }

  /**
   * HMAC-SHA256 of a token, to compare. Null: no token was ever made, so that it can be none of ours.
   * @throws {EncryptionKeyMissing} when this process has nothing to unseal the key with
   * @throws {CannotOpen} when what it has does not open it
   */
  async hash(token: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const key = await this.#find();
    return key === null ? null : hmac(key, token);
  }

  /** The same for a token that is being made. Makes the key at the first call on a database, also when two processes call it at once. */
  async hashOfNew(token: string): Promise<Uint8Array<ArrayBuffer>> {
    const known = await this.#find();
    if (known !== null) return hmac(known, token);
    const ring = this.#ringOrThrow();
    const made = new Secret(randomBytes(keyBytes).toString("base64"));
    const kept = await keepSealedTokenKey(this.#prisma, await seal(ring, made, sealedFor));
    return hmac(await open(ring, kept, sealedFor), token);
  }

  /** Read once; while there is none, or it could not be read, the next call looks again. */
  async #find(): Promise<Secret | null> {
    this.#key ??= this.#read();
    const reading = this.#key;
    try {
      const key = await reading;
      if (key === null && this.#key === reading) this.#key = null;
      return key;
    } catch (error) {
      if (this.#key === reading) this.#key = null;
      throw error;
    }
  }

  async #read(): Promise<Secret | null> {
    const sealed = await readSealedTokenKey(this.#prisma);
    return sealed === null ? null : open(this.#ringOrThrow(), sealed, sealedFor);
  }

  #ringOrThrow(): KeyRing {
    if (this.#ring === null) throw new EncryptionKeyMissing();
    return this.#ring;
  }
}

function hmac(key: Secret, token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", Buffer.from(key.reveal(), "base64")).update(token).digest());
}
