import type { ApiToken, PrismaClient } from "../generated/prisma/client.ts";
import type { ApiTokenKind } from "../generated/prisma/enums.ts";
import { Secret } from "../memory-access/secret.ts";
import {
  insertToken,
  lockLivingToken,
  readTokenKind,
  retireToken,
  revokeToken,
} from "../tenants/api-tokens.ts";
import { auditingRefusals, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { newId } from "../tenants/ids.ts";
import type { Db } from "../tenants/mapping.ts";
import { TenantNotFound, TenantStatusRefused } from "../tenants/refusals.ts";
import { closedStatuses } from "../tenants/tenant.ts";
import { findTenant } from "../tenants/tenant-store.ts";
import { ApiTokenNotFound } from "../tenants/token-refusals.ts";
import type { CallerEntity } from "./caller.ts";
import { makeToken, tokenKinds } from "./token-format.ts";
import type { TokenKey } from "./token-key.ts";

/** What tokens are made and ended with. */
export interface ApiTokens {
  readonly prisma: PrismaClient;
  readonly tokenKey: TokenKey;
}

/** What a token is to be for. */
export interface TokenWish {
  readonly kind: ApiTokenKind;
  readonly label: string;
  /** TENANT, and only there: whose memories. The newest tenant of that key. */
  readonly tenantKey: string | null;
  readonly isReadOnly: boolean;
  readonly entity: CallerEntity | null;
  /** Null: until it is revoked. */
  readonly lifetimeMs: number | null;
}

/** Who does it, and why. */
export interface TokenVerbCall {
  readonly actor: string;
  readonly reason: string;
}

/** A token that was just made. This is the only time that it can be shown. */
export interface MadeToken {
  readonly row: ApiToken;
  readonly token: Secret;
}

/**
 * Makes a token. Every call makes another. Audited, what is refused too.
 * @throws {TenantNotFound} {TenantStatusRefused} the tenant is closed
 * @throws {EncryptionKeyMissing} tokens are hashed by a key that is stored sealed
 */
export function createApiToken(
  { prisma, tokenKey }: ApiTokens,
  { actor, reason }: TokenVerbCall,
  wish: TokenWish,
): Promise<MadeToken> {
  const { kind, label, tenantKey, isReadOnly, entity, lifetimeMs } = wish;
  const call: VerbCall = {
    ...{ actor, reason, verb: "createApiToken", operationId: null, tenantId: null },
    details: { kind, label, lifetimeMs, isReadOnly, ...(tenantKey === null ? {} : { tenantKey }) },
  };
  return auditingRefusals(prisma, call, async () => {
    const id = newId("tok");
    const token = makeToken({ id, kind: kindOf(kind) });
    const hash = await tokenKey.hashOfNew(token);
    return prisma.$transaction(async (tx) => {
      const tenantId = tenantKey === null ? null : await lockOpenTenant(tx, tenantKey);
      const row = await insertToken(tx, {
        ...{ id, lineId: id, kind, label, tenantId, isReadOnly, hash, createdBy: actor },
        ...{ entityType: entity?.type ?? null, entityId: entity?.id ?? null },
        lifetimeMs,
      });
      await recordAllowed(tx, { ...call, tenantId, details: { ...call.details, tokenId: id } });
      return { row, token: new Secret(token) };
    });
  });
}

/**
 * Makes a token that may do what another may, which lives on for `overlapMs` at most: nobody has to be stopped for it. Callers go
 * on as the same actor. A repeat finds the token replaced. Audited, what is refused too.
 * @throws {ApiTokenNotFound} {ApiTokenEnded} {EncryptionKeyMissing}
 */
export function rotateApiToken(
  { prisma, tokenKey }: ApiTokens,
  { actor, reason }: TokenVerbCall,
  { id: oldId, overlapMs, lifetimeMs }: { id: string; overlapMs: number; lifetimeMs: number | null },
): Promise<MadeToken> {
  const call: VerbCall = {
    ...{ actor, reason, verb: "rotateApiToken", operationId: null, tenantId: null },
    details: { tokenId: oldId, overlapMs, lifetimeMs },
  };
  return auditingRefusals(prisma, call, async () => {
    const kind = await readTokenKind(prisma, oldId);
    if (kind === null) throw new ApiTokenNotFound();
    const id = newId("tok");
    const token = makeToken({ id, kind: kindOf(kind) });
    // Outside the transaction, because it may need a connection of its own.
    const hash = await tokenKey.hashOfNew(token);
    return prisma.$transaction(async (tx) => {
      const old = await lockLivingToken(tx, oldId);
      const { lineId, label, tenantId, isReadOnly, entityType, entityId } = old;
      await retireToken(tx, oldId, overlapMs);
      const row = await insertToken(tx, {
        ...{ id, lineId, kind, label, tenantId, isReadOnly, entityType, entityId, createdBy: actor },
        ...{ hash, lifetimeMs },
      });
      await recordAllowed(tx, { ...call, tenantId, details: { ...call.details, newTokenId: id } });
      return { row, token: new Secret(token) };
    });
  });
}

/**
 * Ends a token for good: no process takes it for longer than a second more. A repeat answers the same. Audited, what is refused too.
 * @throws {ApiTokenNotFound}
 */
export function revokeApiToken(
  { prisma }: Pick<ApiTokens, "prisma">,
  { actor, reason }: TokenVerbCall,
  id: string,
): Promise<ApiToken> {
  const call: VerbCall = {
    ...{ actor, reason, verb: "revokeApiToken", operationId: null, tenantId: null },
    details: { tokenId: id },
  };
  return auditingRefusals(prisma, call, () =>
    prisma.$transaction(async (tx) => {
      const revoked = await revokeToken(tx, id, actor);
      if (revoked === null) throw new ApiTokenNotFound();
      await recordAllowed(tx, { ...call, tenantId: revoked.tenantId });
      return revoked;
    }),
  );
}

/** The newest tenant of a key, which nobody closes before the transaction ends: closing revokes what is there by then. */
async function lockOpenTenant(tx: Db, key: string): Promise<string> {
  const found = await findTenant(tx, key);
  if (found === null) throw new TenantNotFound(key);
  await tx.$queryRaw`SELECT id FROM tenant WHERE id = ${found.id} FOR SHARE`;
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: found.id } });
  if (closedStatuses.some((status) => status === tenant.status))
    throw new TenantStatusRefused(tenant.id, `The tenant is ${tenant.status}.`);
  return tenant.id;
}

function kindOf(kind: ApiTokenKind) {
  const found = tokenKinds.find((known) => known.toUpperCase() === kind);
  if (found === undefined) throw new Error(`There is no kind of token ${kind}.`);
  return found;
}
