import { createHash } from "node:crypto";

/** The length of a key-encryption key: that of AES-256. */
const keyBytes = 32;

/** A key-encryption key with the id that what it sealed carries. */
export interface RingKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The key-encryption keys that this process knows, so that they can be changed without losing what an earlier one sealed. */
export interface KeyRing {
  /** Seals from now on. */
  readonly sealing: RingKey;
  /** All, the one that seals first. */
  readonly keys: readonly RingKey[];
  /** The key with this id. Null: this process does not know it. */
  find(id: string): RingKey | null;
}

/**
 * Makes a ring: the first key seals, all open. A key's id is made from the key itself, so every process gives it the same one,
 * and it tells nothing of the key.
 * @throws {RangeError} when there is none, or one of another length than 32 bytes
 */
export function createKeyRing(keys: readonly Uint8Array[]): KeyRing {
  const ring = keys.map((bytes): RingKey => {
    if (bytes.length !== keyBytes) throw new RangeError(`A key-encryption key has ${keyBytes} bytes.`);
    return { id: idOf(bytes), bytes };
  });
  const [sealing] = ring;
  if (sealing === undefined) throw new RangeError("A key ring holds at least one key.");
  const byId = new Map(ring.map((key) => [key.id, key]));
  return { sealing, keys: ring, find: (id) => byId.get(id) ?? null };
}

function idOf(bytes: Uint8Array): string {
  return createHash("sha256").update("loci key-encryption key\0").update(bytes).digest("hex").slice(0, 16);
}
