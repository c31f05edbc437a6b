import { errors, type JWTVerifyResult, jwtVerify } from "jose";
import type { Logger } from "pino";
import { type Caller, roleScopes } from "./caller.ts";
import { actorOf, hasNameTwice, type RoleMapping, rolesOf } from "./claims.ts";
import { IssuerKeys } from "./issuer-keys.ts";

/** Whose tokens let people in, and as what. */
export interface OidcSettings {
  /** Letter for letter as it stands in tokens. */
  readonly issuer: string;
  /** What a token has to be for. */
  readonly audience: string;
  /** Null: the issuer is asked where its keys are. */
  readonly jwksUrl: string | null;
  /** See `rolesOf`. */
  readonly rolesClaim: string;
  readonly roles: RoleMapping;
}

/** What tokens are judged with. */
export interface OidcOptions {
  readonly settings: OidcSettings;
  readonly log: Logger;
  /** For the age of keys; the process's own clock when left out. What a token says of times is held against the wall clock. */
  readonly now?: () => number;
}

/** Tells people by what an issuer signed. */
export interface Oidc {
  /**
   * The caller of a bearer token (JWS, compact): the union of what its roles may do, bound to no tenant, as the actor `oidc:` and
   * the subject. Null: it is none that we let in, or gives no role; no more is told. Never throws. Nothing is kept of a token: each
   * call judges it anew, so that it counts no longer than it and its key do.
   */
  authenticate(token: string): Promise<Caller | null>;
}

const tokenCharsMax = 8 * 1024;
/** Three parts. A JWE has five. */
const signedShape = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Asymmetric alone: a public key must never do as a shared secret. */
const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
/** ID tokens and access tokens (RFC 9068, section 2.1), and what says nothing. Not logout tokens, proofs or events. */
const types = ["jwt", "application/jwt", "at+jwt", "application/at+jwt"];
const leewaySeconds = 30;
/** A token cannot be taken back, so one that was meant to live for long is not for here. */
const ageSecondsMax = 24 * 3_600;

/** See `Oidc`. */
export function createOidc({ settings, log, now = () => performance.now() }: OidcOptions): Oidc {
  const { issuer, audience, jwksUrl, rolesClaim, roles } = settings;
  const keys = new IssuerKeys({ issuer, jwksUrl, log, now });

  async function judge(token: string): Promise<Caller | null> {
    const judged = await jwtVerify(token, (header, input) => keys.find(header, input), {
      ...{ algorithms, issuer, audience },
      ...{ clockTolerance: leewaySeconds, maxTokenAge: ageSecondsMax, requiredClaims: ["exp", "sub"] },
    });
    const actor = actorOf(judged.payload.sub);
    if (actor === null || !isForBearers(judged) || token.split(".", 2).some(isAmbiguous)) {
      log.debug("a token of the issuer was refused for its type, its subject or its form");
      return null;
    }
    const given = rolesOf(judged.payload, rolesClaim, roles);
    if (given.length === 0) return null;
    const scopes = new Set(given.flatMap((role) => [...roleScopes[role]]));
    return { actor, scopes, tenantId: null, entity: null };
  }

  return {
    authenticate: async (token) => {
      if (token.length > tokenCharsMax || !signedShape.test(token)) return null;
      return judge(token).catch((error: unknown) => {
        // Errors of claims hold all the claims, so that only their codes are for the log.
        if (error instanceof errors.JOSEError) log.debug({ code: error.code }, "a token was refused");
        else log.debug({ err: error }, "a token could not be judged");
        return null;
      });
    },
  };
}

/** Whether whoever bears a token may be who it speaks of: it is of a type for that, and asks for no proof of a key (RFC 7800). */
function isForBearers({ protectedHeader: { typ }, payload }: JWTVerifyResult): boolean {
  return (typ === undefined || types.includes(typ.toLowerCase())) && payload["cnf"] === undefined;
}

/** Whether a part of a token that was read could be read in another way. */
function isAmbiguous(part: string): boolean {
  return hasNameTwice(Buffer.from(part, "base64url").toString("utf8"));
}
