import { timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { PrismaClient } from "../generated/prisma/client.ts";
import { readTokenForUse, type TokenForUse, touchToken } from "../tenants/api-tokens.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";
import { bearerOf, tokenCheck } from "./admin-token.ts";
import { type Caller, type CallerEntity, callerOf, tenantScopes } from "./caller.ts";
import { createOidc, type OidcSettings } from "./oidc.ts";
import { readToken, type TokenKind, type TokenName } from "./token-format.ts";
import type { TokenKey } from "./token-key.ts";

/** What tells callers apart. */
export interface AuthenticatorOptions {
  readonly prisma: PrismaClient;
  /** The token of the configuration, which needs no database. */
  readonly adminToken: string;
  readonly tokenKey: Pick<TokenKey, "hash">;
  /** Whose tokens count beside Loci's own. Null or left out: nobody's. */
  readonly oidc?: OidcSettings | null;
  readonly log: Logger;
}

/** Tells who asks. */
export interface Authenticator {
  /**
   * The caller that an `Authorization` header speaks for. Null: nobody's that we let in, and no more is told.
   *
   * What is read of a token counts for a second from before it was read, so that one that was revoked is taken for no longer, in
   * any process, and with no message that could be lost.
   * @throws whatever the database throws: who cannot be told is not let in
   */
  authenticate(authorization: string | undefined): Promise<Caller | null>;
}

const keptMs = 1_000;
const keptMax = 10_000;
const touchEveryMs = 60_000;

/** What was read of a token, and when the reading began, on the process's own clock. */
interface Kept {
  readonly atMs: number;
  readonly token: Promise<TokenForUse | null>;
}

/** See `Authenticator`. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { prisma, tokenKey, log, oidc: settings = null } = options;
  const oidc = settings === null ? null : createOidc({ settings, log });
  const isAdminToken = tokenCheck(options.adminToken);
  const kept = new LRUCache<string, Kept>({ max: keptMax });
  const touched = new LRUCache<string, true>({ max: keptMax, ttl: touchEveryMs });

  function read(id: string): Kept {
    const atMs = performance.now();
    const known = kept.get(id);
    if (known !== undefined && atMs - known.atMs < keptMs) return known;
    const token = readTokenForUse(prisma, id);
    const reading = { atMs, token };
    kept.set(id, reading);
    token.catch(() => {
      if (kept.peek(id) === reading) kept.delete(id);
    });
    return reading;
  }

  function touch(id: string): void {
    if (touched.has(id)) return;
    touched.set(id, true);
    touchToken(prisma, id).catch((error: unknown) => {
      touched.delete(id);
      log.warn({ err: error }, "the last use of a token could not be written");
    });
  }

  async function byToken(text: string, name: TokenName): Promise<Caller | null> {
    const { atMs, token: reading } = read(name.id);
    const token = await reading;
    if (token === null || token.kind !== name.kind.toUpperCase()) return null;
    const { usableForMs } = token;
    if (usableForMs !== null && usableForMs <= performance.now() - atMs) return null;
    const hash = await tokenKey.hash(text);
    if (hash === null || !timingSafeEqual(hash, token.hash)) return null;
    touch(name.id);
    return callerByToken(name.kind, token);
  }

  return {
    authenticate: async (authorization) => {
      const text = bearerOf(authorization);
      if (text === null) return null;
      if (isAdminToken(text)) return callerOf("admin", "admin");
      const name = readToken(text);
      if (name === null) return oidc === null ? null : oidc.authenticate(text);
      return byToken(text, name).catch((error: unknown) => {
        // Such a process cannot know any token, and a stranger is not to learn that.
        if (error instanceof EncryptionKeyMissing) return null;
        throw error;
      });
    },
  };
}

function callerByToken(kind: TokenKind, token: TokenForUse): Caller {
  const actor = `${kind}:${token.lineId}`;
  if (kind !== "tenant") return callerOf(kind, actor);
  // The database holds that a tenant's token has its tenant.
  if (token.tenantId === null) throw new Error(`The token line ${token.lineId} is of no tenant.`);
  const entity = entityOf(token);
  const scopes = new Set(tenantScopes({ isReadOnly: token.isReadOnly, hasEntity: entity !== null }));
  return { actor, scopes, tenantId: token.tenantId, entity };
}

function entityOf({ entityType, entityId }: TokenForUse): CallerEntity | null {
  if (entityType === null || entityId === null) return null;
  const type = (["user", "agent", "app", "run"] as const).find((known) => known === entityType);
  if (type === undefined) throw new Error("There is no such type of entity.");
  return { type, id: entityId };
}
