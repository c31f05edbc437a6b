import type { ApiToken, Prisma, PrismaClient } from "../generated/prisma/client.ts";
import type { ApiTokenKind } from "../generated/prisma/enums.ts";
import { commitsLater } from "./later-commit.ts";
import type { Db } from "./mapping.ts";
import { ApiTokenEnded, ApiTokenNotFound } from "./token-refusals.ts";

/** A token that is to be: everything but when. */
export type NewApiToken = Pick<
  ApiToken,
  "id" | "lineId" | "kind" | "label" | "tenantId" | "isReadOnly" | "entityType" | "entityId" | "createdBy"
> & {
  readonly hash: Uint8Array<ArrayBuffer>;
  /** For how long from now on, in milliseconds by the database's clock. Null: until it is revoked. */
  readonly lifetimeMs: number | null;
};

/** What decides whether a token is let in, and as whom. */
export interface TokenForUse {
  readonly lineId: string;
  readonly kind: ApiTokenKind;
  readonly hash: Uint8Array;
  readonly tenantId: string | null;
  readonly isReadOnly: boolean;
  readonly entityType: string | null;
  readonly entityId: string | null;
  /** How long it may be used from now on, in milliseconds; not at all where that is not above 0. Null: without end. */
  readonly usableForMs: number | null;
}

/** Stores a token by its hash. */
export async function insertToken(tx: Prisma.TransactionClient, wish: NewApiToken): Promise<ApiToken> {
  const { lifetimeMs, ...token } = wish;
  if (lifetimeMs === null) return tx.apiToken.create({ data: token });
  const [{ at }] = await tx.$queryRaw<[{ at: Date }]>`
    SELECT now() + ${lifetimeMs}::float8 * interval '1 ms' AS at`;
  return tx.apiToken.create({ data: { ...token, expiresAt: at } });
}

/** What a token of this id is for, which never changes. Null: there is none. */
export async function readTokenKind(db: Db, id: string): Promise<ApiTokenKind | null> {
  const token = await db.apiToken.findUnique({ where: { id }, select: { kind: true } });
  return token?.kind ?? null;
}

/** The token of this id as it is now, by the database's clock. One round trip. Null: there is none, or it was revoked. */
export async function readTokenForUse(db: Db, id: string): Promise<TokenForUse | null> {
  const [token] = await db.$queryRaw<TokenForUse[]>`
    SELECT line_id AS "lineId", kind::text AS kind, hash, tenant_id AS "tenantId", is_read_only AS "isReadOnly",
      entity_type AS "entityType", entity_id AS "entityId",
      (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "usableForMs"
    FROM api_token WHERE id = ${id} AND revoked_at IS NULL`;
  return token ?? null;
}

/** Remembers that a token was used now, unless that is known to the minute already. */
export async function touchToken(prisma: PrismaClient, id: string): Promise<void> {
  await prisma.$executeRaw`
    UPDATE api_token SET last_used_at = now()
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute') AND ${commitsLater}`;
}

/**
 * Locks a token, to put another into its place.
 * @throws {ApiTokenNotFound}
 * @throws {ApiTokenEnded} when it was revoked, replaced, or has expired
 */
export async function lockLivingToken(tx: Prisma.TransactionClient, id: string): Promise<ApiToken> {
  await tx.$queryRaw`SELECT id FROM api_token WHERE id = ${id} FOR UPDATE`;
  const token = await tx.apiToken.findUnique({ where: { id } });
  if (token === null) throw new ApiTokenNotFound();
  const [{ now }] = await tx.$queryRaw<[{ now: Date }]>`SELECT now() AS now`;
  if (token.revokedAt !== null) throw new ApiTokenEnded(id, "It was revoked.");
  if (token.expiresAt !== null && token.expiresAt <= now) throw new ApiTokenEnded(id, "It has expired.");
  if (token.replacedAt !== null) throw new ApiTokenEnded(id, "Another has taken its place.");
  return token;
}

/** Lets a token that another replaces live for so long yet, in milliseconds, and not longer than it would have. */
export async function retireToken(tx: Db, id: string, overlapMs: number): Promise<void> {
  await tx.$executeRaw`
    UPDATE api_token SET replaced_at = now(),
      expires_at = least(coalesce(expires_at, 'infinity'), now() + ${overlapMs}::int * interval '1 ms')
    WHERE id = ${id}`;
}

/** Ends a token for good. A repeat changes nothing. Answers it as it is now; null: there is none. */
export async function revokeToken(tx: Db, id: string, by: string): Promise<ApiToken | null> {
  await tx.$executeRaw`
    UPDATE api_token SET revoked_at = now(), revoked_by = ${by} WHERE id = ${id} AND revoked_at IS NULL`;
  return tx.apiToken.findUnique({ where: { id } });
}

/** The sealed key that tokens are hashed by. Null: no token was ever made. */
export async function readSealedTokenKey(db: Db): Promise<unknown> {
  const installation = await db.installation.findUniqueOrThrow({ where: { id: 1 } });
  return installation.sealedTokenKey;
}

/** Keeps a sealed key for the hashes of tokens, unless there is one. Answers the one that is kept. */
export async function keepSealedTokenKey(db: Db, sealed: object): Promise<unknown> {
  await db.$executeRaw`
    UPDATE installation SET sealed_token_key = ${JSON.stringify(sealed)}::jsonb WHERE id = 1 AND sealed_token_key IS NULL`;
  return readSealedTokenKey(db);
}
