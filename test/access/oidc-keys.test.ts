import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK } from "jose";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseRoleMapping } from "../../src/access/claims.ts";
import { createOidc } from "../../src/access/oidc.ts";
import { goodClaims, type IssuerKey, newKey, sign, startIssuer, type TestIssuer } from "./oidc-issuer.ts";

const second = 1_000;
const minute = 60 * second;

let issuer: TestIssuer;
let first: IssuerKey;
let clockMs: number;
let warnings: number;

beforeEach(async () => {
  first = await newKey();
  issuer = await startIssuer(first);
  clockMs = 0;
  warnings = 0;
});
afterEach(() => issuer.close());

function openDoor(jwksUrl: string | null = null) {
  const write = () => {
    warnings += 1;
  };
  const log = pino({ level: "warn" }, { write });
  const { authenticate } = createOidc({
    settings: {
      ...{ issuer: issuer.url, audience: "loci", jwksUrl, rolesClaim: "realm_access.roles" },
      roles: parseRoleMapping("loci-admins=admin") ?? new Map(),
    },
    log,
    now: () => clockMs,
  });
  return async (token: string) => (await authenticate(token)) !== null;
}

const tokenBy = (key: IssuerKey, header: object = {}) => sign(key, goodClaims(issuer), header);

describe("the issuer's keys", () => {
  it("are read once for many at once, and not again for five minutes", async () => {
    const enter = openDoor();
    const token = await tokenBy(first);
    expect(issuer.asked).toEqual({ keys: 0, description: 0 });
    expect(await Promise.all(Array.from({ length: 20 }, () => enter(token)))).not.toContain(false);
    clockMs += 5 * minute - 1;
    expect(await enter(token)).toBe(true);
    expect(issuer.asked).toEqual({ keys: 1, description: 1 });
    clockMs += 1;
    expect(await enter(token)).toBe(true);
    expect(issuer.asked).toEqual({ keys: 2, description: 2 });
  });

  it("are read where the configuration says, without asking the issuer where", async () => {
    expect(await openDoor(issuer.jwksUrl)(await tokenBy(first))).toBe(true);
    expect(issuer.asked).toEqual({ keys: 1, description: 0 });
  });

  it("are read again for an id that is not among them, so that a new key counts at once", async () => {
    const enter = openDoor();
    expect(await enter(await tokenBy(first))).toBe(true);
    const next = await newKey();
    issuer.shown.push(next.jwk);
    clockMs += 10 * second;
    expect(await enter(await tokenBy(next))).toBe(true);
    expect(await enter(await tokenBy(first))).toBe(true);
    expect(issuer.asked.keys).toBe(2);
  });

  it("are read once in ten seconds at most, however many made-up ids come in", async () => {
    const enter = openDoor();
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, number) => tokenBy(first, { kid: `made-up-${number}` })),
    );
    expect(await Promise.all(made.map(enter))).not.toContain(true);
    for (const token of made) expect(await enter(token)).toBe(false);
    clockMs += 10 * second - 1;
    for (const token of made) expect(await enter(token)).toBe(false);
    expect(issuer.asked.keys).toBe(1);
    clockMs += 1;
    expect(await Promise.all(made.map(enter))).not.toContain(true);
    expect(issuer.asked.keys).toBe(2);
  });

  it("count no more once the issuer has taken them back and five minutes are over", async () => {
    const enter = openDoor();
    const token = await tokenBy(first);
    expect(await enter(token)).toBe(true);
    issuer.shown = [(await newKey()).jwk];
    clockMs += 5 * minute;
    expect(await enter(token)).toBe(false);
  });

  it("count for an hour while the issuer is away, and nobody is let in after it", async () => {
    const enter = openDoor();
    const token = await tokenBy(first);
    expect(await enter(token)).toBe(true);
    issuer.broken = (response) => response.destroy();
    for (let minutes = 10; minutes < 60; minutes += 10) {
      clockMs = minutes * minute;
      expect(await enter(token)).toBe(true);
    }
    clockMs = 60 * minute - 1;
    expect(await enter(token)).toBe(true);
    clockMs = 60 * minute;
    expect(await enter(token)).toBe(false);
    issuer.broken = null;
    clockMs += 10 * second;
    expect(await enter(token)).toBe(true);
  });

  it("are not asked for by every stranger while the issuer is away, nor is that logged each time", async () => {
    const enter = openDoor();
    issuer.broken = (response) => response.writeHead(503).end();
    const token = await tokenBy(first);
    for (let times = 0; times < 20; times += 1) expect(await enter(token)).toBe(false);
    expect(issuer.asked.description).toBe(1);
    expect(warnings).toBe(1);
  });

  it("are waited for no longer than five seconds", async () => {
    const enter = openDoor();
    // Takes the question, and says nothing.
    issuer.broken = () => {};
    const token = await tokenBy(first);
    const began = performance.now();
    expect(await enter(token)).toBe(false);
    expect(performance.now() - began).toBeGreaterThan(4_900);
    expect(warnings).toBe(1);
  }, 15_000);

  it("are not taken from where a redirect leads", async () => {
    const elsewhere = await startIssuer(first);
    issuer.broken = (response) => response.writeHead(302, { location: elsewhere.jwksUrl }).end();
    expect(await openDoor(issuer.jwksUrl)(await tokenBy(first))).toBe(false);
    expect(elsewhere.asked.keys).toBe(0);
    await elsewhere.close();
  });

  it("are not taken from a description that is another issuer's, or that points to plain http elsewhere", async () => {
    const token = await tokenBy(first);
    for (const description of [
      { issuer: `${issuer.url}/` },
      { issuer: undefined },
      { jwks_uri: "http://issuer.invalid/keys" },
      { jwks_uri: "file:///etc/passwd" },
      { jwks_uri: undefined },
    ]) {
      issuer.description = description;
      expect(await openDoor()(token)).toBe(false);
    }
    expect(issuer.asked.keys).toBe(0);
    issuer.description = {};
    expect(await openDoor()(token)).toBe(true);
  });

  it("are not taken from an answer without an end, and not when there are more than a hundred", async () => {
    const token = await tokenBy(first);
    let isCut = false;
    const endless = createServer((_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(" ".repeat(64 * 1024)));
      };
      response.on("drain", more).on("close", () => {
        isCut = true;
      });
      more();
    });
    endless.listen(0, "127.0.0.1");
    await once(endless, "listening");
    const { port } = endless.address() as AddressInfo;
    expect(await openDoor(`http://127.0.0.1:${port}/keys`)(token)).toBe(false);
    await expect.poll(() => isCut).toBe(true);
    endless.close();

    issuer.shown = [first.jwk, ...Array.from({ length: 100 }, (_, at) => ({ ...first.jwk, kid: `${at}` }))];
    expect(await openDoor()(token)).toBe(false);
    issuer.shown.pop();
    expect(await openDoor()(token)).toBe(true);
  });

  it("let nobody in that are shared secrets, for encryption, private, or two of one id", async () => {
    const token = await tokenBy(first);
    const { kid } = first;
    for (const shown of [
      [{ kty: "oct", k: "c2VjcmV0", kid, alg: "ES256" }],
      [{ ...first.jwk, use: "enc" }],
      [{ ...first.jwk, ...(await exportJWK(first.privateKey)) }],
      [first.jwk, { ...(await newKey()).jwk, kid }],
      [{ ...first.jwk, x: "AA" }],
    ]) {
      issuer.shown = shown;
      expect(await openDoor()(token)).toBe(false);
    }
  });
});
