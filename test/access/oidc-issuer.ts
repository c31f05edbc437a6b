import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** What an issuer signs with. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

/** An issuer of tokens over HTTP on this machine. */
export interface TestIssuer {
  readonly url: string;
  readonly jwksUrl: string;
  /** How often its keys, and its description, were asked for. */
  readonly asked: { keys: number; description: number };
  /** What it shows, by path, in place of its own answer; null: it answers as it should. */
  broken: ((response: ServerResponse) => void) | null;
  /** What it shows of itself over the usual. */
  description: object;
  /** The keys it shows. */
  shown: JWK[];
  close(): Promise<void>;
}

let made = 0;

/** A new pair of keys. */
export async function newKey(alg = "ES256"): Promise<IssuerKey> {
  made += 1;
  const kid = `key-${made}`;
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { kid, alg, privateKey, publicKey, jwk };
}

/** An issuer that shows these keys. */
export async function startIssuer(...keys: readonly IssuerKey[]): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    const isKeys = request.url === "/realm/keys";
    if (isKeys) issuer.asked.keys += 1;
    else issuer.asked.description += 1;
    if (issuer.broken !== null) return issuer.broken(response);
    if (!isKeys && request.url !== "/realm/.well-known/openid-configuration")
      return response.writeHead(404).end();
    const usual = { issuer: issuer.url, jwks_uri: issuer.jwksUrl };
    const shown = isKeys ? { keys: issuer.shown } : { ...usual, ...issuer.description };
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(shown));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/realm`;
  const issuer: TestIssuer = {
    url,
    jwksUrl: `${url}/keys`,
    asked: { keys: 0, description: 0 },
    broken: null,
    description: {},
    shown: keys.map(({ jwk }) => jwk),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return issuer;
}

/** Seconds from now, as tokens have them. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** The claims of a token that lets its bearer in as an admin. */
export function goodClaims({ url }: Pick<TestIssuer, "url">): JWTPayload {
  return {
    ...{ iss: url, aud: "loci", sub: "ada", realm_access: { roles: ["loci-admins"] } },
    ...{ iat: inSeconds(0), exp: inSeconds(300) },
  };
}

/** A token by a key. What is undefined is left out. */
export function sign(key: IssuerKey, claims: object, header: object = {}): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
}
