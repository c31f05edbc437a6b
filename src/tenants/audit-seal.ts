import { createHash, createHmac } from "node:crypto";

/** What a seal is made over; see the columns of `audit_seal`. */
export interface SealFacts {
  readonly no: number;
  readonly sealedAt: Date;
  readonly newestAt: Date;
  readonly count: number;
  readonly root: Uint8Array;
}

/** What stands before the first seal. */
export const firstHash: Uint8Array = new Uint8Array(32);

/**
 * The text of an event that its digest is made of, as an expression over a row of `audit_event`: every column, in this order,
 * in Postgres' own writing of `jsonb`, which is the same for the same values. The first item is the version of this list.
 */
export const canonicalEvent = `jsonb_build_array(1, id, (extract(epoch FROM at) * 1000)::bigint, actor, action,
  decision, outcome, refusal, tenant_id, operation_id, reason, details, call_id, correlation_id)::text`;

function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** The digest of an event, by the text that `canonicalEvent` makes of it. 32 bytes. */
export function digestOf(canonical: string): Uint8Array<ArrayBuffer> {
  return sha256(canonical);
}

/** The digest of many, by their digests one behind the other. 32 bytes. */
export function rootOf(digests: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(digests);
}

/** The hash of a seal, which depends on all seals before it by the hash of the one before. 32 bytes. */
export function hashOfSeal(
  previous: Uint8Array,
  { no, sealedAt, newestAt, count, root }: SealFacts,
): Uint8Array<ArrayBuffer> {
  return sha256(
    previous,
    root,
    JSON.stringify(["loci audit seal", 1, no, sealedAt.toISOString(), newestAt.toISOString(), count]),
  );
}

/** What only who has the installation's audit key can make of a hash. 32 bytes. */
export function tagOf(key: Uint8Array, hash: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", key).update(hash).digest());
}
