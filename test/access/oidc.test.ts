import { createHmac } from "node:crypto";
import { CompactEncrypt, CompactSign, exportJWK, exportSPKI } from "jose";
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { roleScopes, scopes } from "../../src/access/caller.ts";
import { parseRoleMapping } from "../../src/access/claims.ts";
import { createOidc, type OidcSettings } from "../../src/access/oidc.ts";
import {
  goodClaims,
  type IssuerKey,
  inSeconds,
  newKey,
  sign,
  startIssuer,
  type TestIssuer,
} from "./oidc-issuer.ts";

let issuer: TestIssuer;
let keys: { rsa: IssuerKey; pss: IssuerKey; es: IssuerKey; ed: IssuerKey };
let logged = "";
let authenticate: (token: string) => Promise<unknown>;

const mappingText = "loci-admins=admin,support=auditor,sales=provisioner,leaving=offboarder,sales=auditor";

function settingsOf(over: Partial<OidcSettings> = {}): OidcSettings {
  return {
    ...{ issuer: issuer.url, audience: "loci", jwksUrl: null, rolesClaim: "realm_access.roles" },
    roles: parseRoleMapping(mappingText) ?? new Map(),
    ...over,
  };
}

function openDoor(over: Partial<OidcSettings> = {}) {
  const write = (line: string) => {
    logged += line;
  };
  const log = pino({ level: "trace" }, { write });
  return createOidc({ settings: settingsOf(over), log }).authenticate;
}

beforeAll(async () => {
  const [rsa, pss, es, ed] = await Promise.all(["RS256", "PS256", "ES256", "EdDSA"].map(newKey));
  if (rsa === undefined || pss === undefined || es === undefined || ed === undefined) throw new Error();
  keys = { rsa, pss, es, ed };
  issuer = await startIssuer(rsa, pss, es, ed);
});
afterAll(() => issuer?.close());
beforeEach(() => {
  logged = "";
  issuer.asked.keys = 0;
  authenticate = openDoor();
});

/** A token whose claims are good but for these. */
const withClaims = (over: object, header: object = {}) =>
  sign(keys.es, { ...goodClaims(issuer), ...over }, header);

const encode = (value: object | string) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A well-signed token of these very texts. */
function signText(claims: string, header: object = {}): Promise<string> {
  return new CompactSign(new TextEncoder().encode(claims))
    .setProtectedHeader({ alg: "ES256", kid: keys.es.kid, ...header })
    .sign(keys.es.privateKey);
}

describe("a person's token lets in", () => {
  it.each(["rsa", "pss", "es", "ed"] as const)("signed by the issuer's %s key", async (name) => {
    expect(await authenticate(await sign(keys[name], goodClaims(issuer)))).toEqual({
      ...{ actor: "oidc:ada", scopes: new Set(scopes), tenantId: null, entity: null },
    });
  });

  it("with the union of what its roles may do, and nothing for roles that mean nothing to us", async () => {
    const roles = ["leaving", "sales", "superadmin", "constructor"];
    expect(await authenticate(await withClaims({ realm_access: { roles } }))).toMatchObject({
      scopes: new Set([...roleScopes.offboarder, ...roleScopes.provisioner, ...roleScopes.auditor]),
    });
  });

  it("of every type that bearers have, and with one of several audiences", async () => {
    for (const typ of [undefined, "JWT", "at+jwt", "application/at+JWT"])
      expect(await authenticate(await withClaims({}, { typ }))).not.toBeNull();
    expect(await authenticate(await withClaims({ aud: ["else", "loci"] }))).not.toBeNull();
  });

  it("half a minute before its time and after it, for clocks differ", async () => {
    for (const times of [{ exp: inSeconds(-20) }, { nbf: inSeconds(20) }, { iat: inSeconds(20) }])
      expect(await authenticate(await withClaims(times))).not.toBeNull();
  });

  it("whose one role is a text, in a claim that has a URL for its name", async () => {
    const enter = openDoor({ rolesClaim: "https://acme.test/roles" });
    const caller = await enter(await withClaims({ "https://acme.test/roles": "support" }));
    expect(caller).toMatchObject({ scopes: new Set(roleScopes.auditor) });
  });
});

describe("a person's token is refused", () => {
  it.each<[string, () => object]>([
    ["of another issuer", () => ({ iss: `${issuer.url}/` })],
    ["of a list of issuers", () => ({ iss: [issuer.url] })],
    ["for another audience", () => ({ aud: "loci-admin" })],
    ["for no audience", () => ({ aud: undefined })],
    ["whose time is over", () => ({ exp: inSeconds(-40) })],
    ["without an end", () => ({ exp: undefined })],
    ["whose end is a text", () => ({ exp: "9999999999" })],
    ["whose time has not come", () => ({ nbf: inSeconds(60) })],
    ["made in the future", () => ({ iat: inSeconds(60) })],
    ["made more than a day ago, whenever it ends", () => ({ iat: inSeconds(-86_500) })],
    ["without the time it was made at", () => ({ iat: undefined })],
    ["without a subject", () => ({ sub: undefined })],
    ["with an empty subject", () => ({ sub: "" })],
    ["with a subject that is no text", () => ({ sub: ["ada"] })],
    ["with a subject that is too long", () => ({ sub: "a".repeat(256) })],
    ["with a subject that would break a line of the log", () => ({ sub: "ada\nadmin" })],
    ["bound to a key, which a bearer does not show", () => ({ cnf: { jkt: "x" } })],
    ["without roles", () => ({ realm_access: undefined })],
    ["whose roles mean nothing to us", () => ({ realm_access: { roles: ["Loci-Admins", "admin"] } })],
    ["whose roles are in one text", () => ({ realm_access: { roles: "support loci-admins" } })],
    ["with a list of roles that holds something else", () => ({ realm_access: { roles: ["support", 1] } })],
    ["with roles in a list of lists", () => ({ realm_access: { roles: [["loci-admins"]] } })],
    ["with roles in an object", () => ({ realm_access: { roles: { "loci-admins": true } } })],
    [
      "with roles under a name with a dot",
      () => ({ realm_access: 0, "realm_access.roles": ["loci-admins"] }),
    ],
  ])("%s", async (_what, over) => {
    expect(await authenticate(await withClaims({}))).not.toBeNull();
    expect(await authenticate(await withClaims(over()))).toBeNull();
  });

  it("of a type that is not for bearers", async () => {
    for (const typ of ["logout+jwt", "dpop+jwt", "secevent+jwt", "id_token+jwt", ""])
      expect(await authenticate(await withClaims({}, { typ }))).toBeNull();
  });

  it("with no signature at all, whatever it says of its algorithm, and the issuer is not asked", async () => {
    for (const alg of ["none", "None", "NONE", "", undefined]) {
      const head = `${encode({ alg, kid: keys.es.kid })}.${encode(goodClaims(issuer))}`;
      for (const token of [`${head}.`, head, `${head}.AA`]) expect(await authenticate(token)).toBeNull();
    }
    expect(issuerWasAsked()).toBe(false);
  });

  it("signed with the public key as if that were a secret", async () => {
    const { kid, publicKey } = keys.rsa;
    const secrets = [await exportSPKI(publicKey), JSON.stringify(await exportJWK(publicKey))];
    for (const alg of ["HS256", "HS384", "HS512"])
      for (const secret of secrets) {
        const head = `${encode({ alg, kid })}.${encode(goodClaims(issuer))}`;
        const signature = createHmac(alg.replace("HS", "sha"), secret).update(head).digest("base64url");
        expect(await authenticate(`${head}.${signature}`)).toBeNull();
      }
    expect(issuerWasAsked()).toBe(false);
  });

  it("signed by the right key with an algorithm that is not taken", async () => {
    const strong = await newKey("RS512");
    issuer.shown.push(strong.jwk);
    expect(await authenticate(await sign(strong, goodClaims(issuer)))).toBeNull();
    expect(issuerWasAsked()).toBe(false);
    issuer.shown.pop();
  });

  it("signed by a stranger under the id of the issuer's key, whatever its header points to", async () => {
    const stranger = await newKey();
    const evil = await startIssuer(stranger);
    const { kid } = keys.es;
    const headers = [
      ...[{ kid }, { kid, jku: evil.jwksUrl }, { kid, x5u: evil.jwksUrl }],
      ...[
        { kid, jwk: stranger.jwk },
        { kid, x5c: ["MIIB"] },
      ],
      ...[{ jku: evil.jwksUrl }, { jku: evil.jwksUrl, x5u: evil.jwksUrl, jwk: stranger.jwk }],
    ];
    for (const header of headers)
      expect(await authenticate(await sign(stranger, goodClaims(issuer), header))).toBeNull();
    expect(evil.asked).toEqual({ keys: 0, description: 0 });
    await evil.close();
  });

  it("with an id of a key that would be a path, an address or a query, for which nothing is read", async () => {
    const stranger = await newKey();
    for (const kid of [
      "../../../../dev/null",
      "/dev/null",
      "http://127.0.0.1:1/",
      "x' OR '1'='1",
      "",
      "__proto__",
    ])
      expect(await authenticate(await sign(stranger, goodClaims(issuer), { kid }))).toBeNull();
    expect(await authenticate(await withClaims({}, { kid: ["x"] }))).toBeNull();
  });

  it("whose header asks for something that it says has to be understood", async () => {
    const header = { crit: ["exp"], exp: 1 };
    const head = `${encode({ alg: "ES256", kid: keys.es.kid, ...header })}.${encode(goodClaims(issuer))}`;
    expect(await authenticate(`${head}.AAAA`)).toBeNull();
    const [, claims, signature] = (await withClaims({})).split(".");
    expect(
      await authenticate(`${encode({ alg: "ES256", b64: false, crit: ["b64"] })}.${claims}.${signature}`),
    ).toBeNull();
  });

  it("encrypted, whoever could open it", async () => {
    const token = await new CompactEncrypt(new TextEncoder().encode(await withClaims({})))
      .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM", kid: keys.rsa.kid, cty: "JWT" })
      .encrypt({ ...keys.rsa.jwk, alg: "RSA-OAEP-256", use: "enc" });
    expect(token.split(".")).toHaveLength(5);
    expect(await authenticate(token)).toBeNull();
    expect(issuerWasAsked()).toBe(false);
  });

  it("of more than 8 KiB, before anything of it is read", async () => {
    const fits = await withClaims({ filler: "x".repeat(5_700) });
    expect(fits.length).toBeLessThan(8_192);
    expect(await authenticate(fits)).not.toBeNull();
    expect(await authenticate(await withClaims({ filler: "x".repeat(6_200) }))).toBeNull();
  });

  it("with a name twice in its claims or its header, however it is written", async () => {
    const good = JSON.stringify(goodClaims(issuer));
    const and = (more: string) => `${good.slice(0, -1)},${more}}`;
    expect(await authenticate(await signText(good))).not.toBeNull();
    expect(await authenticate(await signText(and('"a":[{"a":{"b":"\\"a\\":,{"}},"a"]')))).not.toBeNull();
    for (const more of ['"sub":"eve"', '"s\\u0075b":"ada"', '"x":[{"y":1,"y":1}]'])
      expect(await authenticate(await signText(and(more)))).toBeNull();
    const head = encode(`{"alg":"none","alg":"ES256","kid":"${keys.es.kid}"}`);
    expect(await authenticate(await resigned(head, encode(good)))).toBeNull();
  });

  it("changed in any part", async () => {
    const token = await withClaims({ realm_access: { roles: ["support"] } });
    const [head = "", , signature = ""] = token.split(".");
    expect(await authenticate(token)).not.toBeNull();
    const forged = [head, encode(goodClaims(issuer)), signature].join(".");
    for (const text of [
      forged,
      `${token}A`,
      token.slice(0, -2),
      `${token}.`,
      `.${token}`,
      `${head}..${signature}`,
      "..",
    ])
      expect(await authenticate(text)).toBeNull();
    for (const text of ["", "null", "a.b.c", "e30.e30.e30", `${encode("[]")}.${encode("1")}.AA`])
      expect(await authenticate(text)).toBeNull();
  });

  it("with nothing of it in the log", async () => {
    const secret = { sub: "canary-subject", email: "canary@acme.test", aud: "canary-audience" };
    for (const over of [
      secret,
      { ...secret, aud: "loci", exp: 1 },
      { ...secret, aud: "loci", sub: "canary\n" },
    ])
      expect(await authenticate(await withClaims(over))).toBeNull();
    expect(logged).not.toBe("");
    expect(logged).not.toMatch(/canary|eyJ/);
  });
});

/** Whether the issuer's keys were read in this test. */
const issuerWasAsked = () => issuer.asked.keys > 0;

/** Signs a header as it is written, which the library would not write. */
async function resigned(head: string, claims: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${head}.${claims}`);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.es.privateKey, bytes);
  return `${head}.${claims}.${Buffer.from(signature).toString("base64url")}`;
}
