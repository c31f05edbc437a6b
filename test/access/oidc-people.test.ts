import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthenticator } from "../../src/access/authenticator.ts";
import { parseRoleMapping } from "../../src/access/claims.ts";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { presetTabs } from "../../src/graphiql/presets.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { freshKey, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { goodClaims, type IssuerKey, newKey, sign, startIssuer, type TestIssuer } from "./oidc-issuer.ts";
import { sendAs } from "./token-rig.ts";

let world: World;
let issuer: TestIssuer;
let key: IssuerKey;
let server: HttpServer;

/** The same Loci once more, with the issuer configured, as it is outside of development. */
beforeAll(async () => {
  world = await createWorld();
  key = await newKey("RS256");
  issuer = await startIssuer(key);
  const log = pino({ level: "silent" });
  const oidc = {
    ...{ issuer: issuer.url, audience: "loci", jwksUrl: null, rolesClaim: "realm_access.roles" },
    roles: parseRoleMapping("loci-admins=admin,support=auditor,sales=provisioner") ?? new Map(),
  };
  server = await listen("127.0.0.1", 0, log);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(world, log),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: presetTabs }),
      ...createAuthenticator({ ...world.apiTokens, log, adminToken: world.token, oidc }),
    },
    whyNotReady: async () => null,
  });
});
afterAll(async () => {
  await server?.close(100);
  await issuer?.close();
  await world?.close();
});

/** Somebody with these roles. */
const person = (sub: string, ...roles: readonly string[]) =>
  sign(key, { ...goodClaims(issuer), sub, realm_access: { roles } });

const viewer = "{ viewer { actor scopes tenant { key } } }";
const signUpMutation = `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
  ... on SignUpTenantPayload { operation { id } } } }`;

describe("a person who signed in at the issuer", () => {
  it("is who the issuer says, bound to no tenant", async () => {
    expect((await sendAs(server, await person("auth0|ada", "loci-admins"), viewer)).data).toMatchObject({
      viewer: { actor: "oidc:auth0|ada", tenant: null },
    });
  });

  it("as an auditor reads all tenants, and signs none up", async () => {
    await signUp(world, { key: "seen" });
    const token = await person("bob", "support");
    const { data } = await sendAs(server, token, '{ tenant(key: "seen") { key } }');
    expect(data).toEqual({ tenant: { key: "seen" } });
    const input = { key: "refused", name: "Refused", idempotencyKey: freshKey() };
    expect((await sendAs(server, token, signUpMutation, { input })).codes).toEqual(["FORBIDDEN"]);
    expect(await world.prisma.tenant.count({ where: { key: "refused" } })).toBe(0);
  });

  it("as a provisioner signs up, and sees that and nothing that others signed up", async () => {
    const token = await person("cy", "sales");
    const input = { key: "sold", name: "Sold", idempotencyKey: freshKey() };
    const { data } = await sendAs(server, token, signUpMutation, { input });
    expect(data).toMatchObject({ signUpTenant: { __typename: "SignUpTenantPayload" } });
    const look = '{ sold: tenant(key: "sold") { key } seen: tenant(key: "seen") { key } }';
    expect((await sendAs(server, token, look)).data).toEqual({ sold: { key: "sold" }, seen: null });
    const colleague = await sendAs(server, await person("dee", "sales"), look);
    expect(colleague.data).toEqual({ sold: null, seen: null });
  });

  it("is named in the audit of what was done", async () => {
    const token = await person("eve", "loci-admins");
    const { data } = await sendAs(
      server,
      token,
      `mutation { createApiToken(input: { kind: AUDITOR, label: "x", reason: "By a person." }) { __typename } }`,
    );
    expect(data).toEqual({ createApiToken: { __typename: "ApiTokenPayload" } });
    const written = await world.prisma.auditEvent.findMany({ where: { actor: "oidc:eve" } });
    expect(written).toEqual([expect.objectContaining({ action: "createApiToken", reason: "By a person." })]);
  });

  it("without a role gets the answer of a stranger, letter for letter, and so does everybody where no issuer is configured", async () => {
    const stranger = await sendAs(server, "made-up", viewer);
    expect(stranger.status).toBe(401);
    for (const token of [
      await person("fay"),
      await person("fay", "admin"),
      await sign(await newKey(), goodClaims(issuer)),
    ])
      expect(await sendAs(server, token, viewer)).toEqual(stranger);
    expect(await sendAs(world, await person("ada", "loci-admins"), viewer)).toEqual(stranger);
  });

  it("who is an admin opens GraphiQL with that token as the password, and nobody else does", async () => {
    const open = async (password: string) => {
      const authorization = `Basic ${Buffer.from(`ada:${password}`).toString("base64")}`;
      const response = await fetch(`${server.url}/graphql`, {
        headers: { accept: "text/html", authorization },
      });
      await response.text();
      return response.status;
    };
    expect(await open(await person("ada", "loci-admins"))).toBe(200);
    expect(await open(await person("bob", "support"))).toBe(401);
    expect(await open(await person("fay"))).toBe(401);
  });
});
