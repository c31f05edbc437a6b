import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Caller } from "../../src/access/caller.ts";
import { callerOf, tenantScopes } from "../../src/access/caller.ts";
import type { DoorOptions } from "../../src/door/door-options.ts";
import { failuresPerMinute } from "../../src/door/limits.ts";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { Mem0Unanswered } from "../../src/mem0/errors.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { freshKey, signUp, until } from "../main-job.ts";
import { tenantWithMemories } from "../schema/memory-rig.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
const servers: HttpServer[] = [];
/** How often somebody was looked up. */
let lookUps = 0;

beforeAll(async () => {
  world = await createWorld();
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

afterAll(() => world?.close());

const json = { "content-type": "application/json" };
const callers = new Map<string, Caller>([
  ["admin", callerOf("admin", "admin")],
  ["other-admin", callerOf("admin", "admin:tok_other")],
  ["auditor", callerOf("auditor", "auditor:tok_a")],
  ["provisioner", callerOf("provisioner", "provisioner:tok_p")],
]);

/** Serves the world once more, with a door of its own; a token is a name of `callers`. */
async function serve(
  door: Partial<DoorOptions> = {},
  parts: Parameters<typeof createGraphqlEndpoint>[0] = world,
): Promise<string> {
  const log = pino({ level: "silent" });
  const server = await listen("127.0.0.1", 0, log);
  servers.push(server);
  lookUps = 0;
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(parts, log, door),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] }),
      authenticate: async (authorization) => {
        lookUps += 1;
        return callers.get((authorization ?? "").replace("Bearer ", "")) ?? null;
      },
      door,
    },
    whyNotReady: async () => null,
  });
  return server.url;
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` };
}

function post(url: string, query: string, headers: Record<string, string>, rest: object = {}) {
  const body = JSON.stringify({ query, ...rest });
  return fetch(`${url}/graphql`, { method: "POST", body, headers: { ...json, ...headers } });
}

async function codeOf(response: Response): Promise<unknown> {
  const { errors } = (await response.json()) as { errors?: { extensions?: { code?: string } }[] };
  return errors?.[0]?.extensions?.code;
}

describe("other origins", () => {
  const preflight = (origin: string) => ({ origin, "access-control-request-method": "POST" });

  it("are told nothing unless they are configured, and then exactly those", async () => {
    const url = await serve({ corsOrigins: ["https://app.test"] });
    const asked = await fetch(`${url}/graphql`, {
      method: "OPTIONS",
      headers: preflight("https://app.test"),
    });
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.test",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type, accept",
      vary: "origin",
    });
    expect(asked.headers.has("access-control-allow-credentials")).toBe(false);
    const answered = await post(url, "{ __typename }", { ...bearer("admin"), origin: "https://app.test" });
    expect([answered.status, answered.headers.get("access-control-allow-origin")]).toEqual([
      200,
      "https://app.test",
    ]);
    for (const origin of [
      "https://app.test.evil.test",
      "http://app.test",
      "https://app.test:8443",
      "https://APP.test",
      "null",
    ]) {
      const refused = await fetch(`${url}/graphql`, { method: "OPTIONS", headers: preflight(origin) });
      expect([origin, refused.status]).toEqual([origin, 401]);
      const sent = await post(url, "{ __typename }", { ...bearer("admin"), origin });
      for (const answer of [refused, sent]) {
        expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
        expect(answer.headers.get("vary")).toContain("origin");
      }
    }
  });

  it("that are allowed still need a token", async () => {
    const url = await serve({ corsOrigins: ["https://app.test"] });
    const answer = await post(url, "{ __typename }", { origin: "https://app.test" });
    expect(answer.status).toBe(401);
  });
});

describe("what a request says that it is", () => {
  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/graphql",
    "application/jsonp",
    "text/json",
    "application/json; charset=utf-16",
    "",
  ])("is refused with 415 when it is %j", async (type) => {
    const url = new URL(`${await serve()}/graphql`);
    const headers = { ...bearer("admin"), ...(type === "" ? {} : { "content-type": type }) };
    const sending = httpRequest(url, { method: "POST", headers });
    sending.end('{"query":"{ __typename }"}');
    const [answer] = (await once(sending, "response")) as [IncomingMessage];
    expect([answer.statusCode, JSON.parse(await text(answer)).errors[0].extensions.code]).toEqual([
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ]);
  });

  it.each(["application/json", "Application/JSON; Charset=UTF-8", "application/graphql-response+json"])(
    "is taken when it is %s",
    async (type) => {
      const answer = await post(await serve(), "{ __typename }", {
        ...bearer("admin"),
        "content-type": type,
      });
      expect(await answer.json()).toMatchObject({ data: { __typename: "Query" } });
    },
  );
});

describe("the headers of every answer", () => {
  it("keep it from being framed, sniffed, cached and read by other origins", async () => {
    const url = await serve({ isDevelopment: true });
    const page = await fetch(`${url}/graphql`, { headers: { accept: "text/html" } });
    const [asset = ""] = /\/graphiql\/[^"]+page\.js/.exec(await page.clone().text()) ?? [];
    const others = await Promise.all([
      fetch(`${url}${asset}`),
      fetch(`${url}/healthz`),
      fetch(`${url}/nowhere`),
      post(url, "{ __typename }", bearer("admin")),
      post(url, "{ __typename }", {}),
      post(url, "{", bearer("admin")),
    ]);
    for (const { headers } of [page, ...others]) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
      expect(headers.get("cache-control")).toMatch(/no-store|immutable/);
      expect(headers.has("strict-transport-security")).toBe(false);
    }
  });
});

describe("GraphiQL outside of development", () => {
  const open = (url: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/graphql`, { headers: { accept: "text/html", ...headers } });
  const basic = (password: string) => ({
    authorization: `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}`,
  });

  it("is given to who sends an admin token as the password, and to nobody else", async () => {
    const url = await serve();
    const asked = await open(url);
    expect([asked.status, asked.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="loci", charset="UTF-8"',
    ]);
    expect(await asked.text()).not.toContain("<html");
    for (const headers of [
      basic("wrong"),
      basic("auditor"),
      basic("provisioner"),
      basic(""),
      bearer("admin"),
    ]) {
      expect((await open(url, headers)).status).toBe(401);
    }
    const page = await open(url, basic("admin"));
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<html")]);
  });

  it("gives no way into the API by the log-in that a browser would send along by itself", async () => {
    expect((await post(await serve(), "{ __typename }", basic("admin"))).status).toBe(401);
  });
});

describe("the schema", () => {
  const questions = [
    "{ __schema { queryType { name } } }",
    '{ __type(name: "Tenant") { name } }',
    "{ tenantz { id } }",
    "{ tenant(kee: 1) { id } }",
    "{ tenants {",
    "query Q($n: Int!) { tenants(first: $n) { edges { cursor } } }",
    "query Q($n: Strang) { tenants(first: $n) { edges { cursor } } }",
  ];

  it("is told to nobody without control:read: all mistakes are answered alike", async () => {
    const url = await serve();
    const answers = await Promise.all(
      questions.map(async (query) => {
        const response = await post(url, query, bearer("provisioner"));
        return [response.status, await response.text()];
      }),
    );
    expect(new Set(answers.map(String)).size).toBe(1);
    expect(answers[0]).toEqual([
      400,
      '{"errors":[{"message":"The request is not valid.","extensions":{"code":"BAD_REQUEST"}}]}',
    ]);
  });

  it("is told, with what is wrong, to who has control:read, and in development to all", async () => {
    const production = await serve();
    const development = await serve({ isDevelopment: true });
    for (const [url, token] of [
      [production, "auditor"],
      [development, "provisioner"],
    ] as const) {
      const asked = await post(url, questions[0] ?? "", bearer(token));
      expect(await asked.json()).toMatchObject({ data: { __schema: { queryType: { name: "Query" } } } });
      expect(await (await post(url, "{ tenantz { id } }", bearer(token))).text()).toContain("Did you mean");
    }
  });
});

describe("the cost of an operation", () => {
  it("is told in every answer, and what is beyond the caller's limit is refused", async () => {
    const url = await serve();
    const list = (first: number) => `{ tenants(first: ${first}) { edges { node { id } } } }`;
    const cost = (requested: number, limit: number) => ({ extensions: { cost: { requested, limit } } });
    expect(await (await post(url, list(10), bearer("admin"))).json()).toMatchObject(cost(31, 50_000));
    const refused = await post(url, list(20_000), bearer("admin"));
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      ...cost(60_001, 50_000),
      errors: [{ extensions: { code: "TOO_COSTLY" } }],
    });
    const ofOthers = await post(url, list(7_000), bearer("provisioner"));
    expect(await ofOthers.json()).toMatchObject({
      ...cost(21_001, 20_000),
      errors: [{ extensions: { code: "TOO_COSTLY" } }],
    });
  });
});

describe("one caller", () => {
  it("asks as often in a minute as it may, and then hears when to come again; others go on", async () => {
    const url = await serve({ ratePerMinute: 3 });
    const ask = (token: string) => post(url, "{ __typename }", bearer(token));
    for (let count = 0; count < 3; count += 1) expect((await ask("other-admin")).status).toBe(200);
    const refused = await ask("other-admin");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect(await codeOf(refused)).toBe("TOO_MANY_REQUESTS");
    expect((await ask("auditor")).status).toBe(200);
  });

  it("that bears the token of the configuration is exempt", async () => {
    const url = await serve({ ratePerMinute: 1, concurrencyMax: 1 });
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await post(url, "{ __typename }", bearer("admin"))).status),
    );
    expect(statuses).toEqual([200, 200, 200]);
  });

  it("has as many requests under way as it may, and room again when one has ended", async () => {
    const url = await serve({ concurrencyMax: 1 });
    const headers = { ...json, ...bearer("auditor") };
    // It has been let in, and its body does not come.
    const hanging = httpRequest(`${url}/graphql`, { method: "POST", headers });
    hanging.on("error", () => {});
    await new Promise<void>((resolve) => hanging.write('{ "query":', () => resolve()));
    const ask = async () => (await post(url, "{ __typename }", bearer("auditor"))).status;
    await until(async () => (await ask()) === 429, "the first counts");
    expect((await post(url, "{ __typename }", bearer("other-admin"))).status).toBe(200);
    hanging.destroy();
    await until(async () => (await ask()) === 200, "there is room");
  });
});

describe("who guesses tokens", () => {
  it("is looked up no more after so many failures, and locks out nobody who was let in before", async () => {
    const url = await serve();
    expect((await post(url, "{ __typename }", bearer("auditor"))).status).toBe(200);
    lookUps = 0;
    const guess = async (index: number) =>
      (await post(url, "{ __typename }", bearer(`guess-${index}`))).status;
    const statuses = await Promise.all(
      Array.from({ length: failuresPerMinute + 50 }, (_, index) => guess(index)),
    );
    expect(lookUps).toBe(failuresPerMinute);
    expect(statuses.filter((status) => status === 401)).toHaveLength(failuresPerMinute);
    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
    expect((await post(url, "{ __typename }", bearer("auditor"))).status).toBe(200);
    expect((await post(url, "{ __typename }", {})).status).toBe(401);
    const stream = await fetch(`${url}/graphql`, {
      headers: { accept: "text/html", authorization: `Basic ${btoa("x:guess-1")}` },
    });
    expect(stream.status).toBe(429);
  });

  it("is told apart by what the proxy in front has seen, where there is one, and not by what he writes", async () => {
    const url = await serve({ proxies: 1 });
    const guess = (seen: string) =>
      post(url, "{ __typename }", { ...bearer("guess"), "x-forwarded-for": `${Math.random()}, ${seen}` });
    for (let count = 0; count < failuresPerMinute; count += 1) await guess("192.0.2.1");
    expect((await guess("192.0.2.1")).status).toBe(429);
    expect((await guess("::ffff:192.0.2.1")).status).toBe(429);
    expect((await guess("192.0.2.2")).status).toBe(401);
  });
});

describe("an operation that takes too long", () => {
  /** Serves a world in which Mem0 hangs; tells why each call of the platform's client ended without an answer. */
  async function serveHanging(match: { method: string; path: string }) {
    const { mem0 } = world.provisioning;
    const reasons: string[] = [];
    const watched: Mem0 = {
      ...{ origin: mem0.origin, close: () => mem0.close(), clockOffsetMs: () => mem0.clockOffsetMs() },
      send: (request) =>
        mem0.send(request).catch((error: unknown) => {
          reasons.push(error instanceof Mem0Unanswered ? error.reason : String(error));
          throw error;
        }),
    };
    const parts = { ...world, provisioning: { ...world.provisioning, mem0: watched } };
    const url = await serve({ requestTimeoutMs: 300 }, parts);
    await world.emulator.failNext({ match, fault: { kind: "hang", done: false } });
    return { url, reasons };
  }

  it("is answered with 504, and what it reads of Mem0 is broken off", async () => {
    const { url, reasons } = await serveHanging({ method: "GET", path: "/api/v1/orgs/**" });
    const answer = await post(url, "{ mem0Organizations { __typename } }", bearer("admin"));
    expect([answer.status, await codeOf(answer)]).toEqual([504, "OPERATION_TIMEOUT"]);
    await until(async () => reasons.length === 1, "the call has ended");
    expect(reasons).toEqual(["aborted"]);
  });

  it("is answered with 504, and what it writes is not broken off: it ends as it would have", async () => {
    const { url, reasons } = await serveHanging({ method: "POST", path: "/api/v1/orgs/**" });
    const query = `mutation { createMem0Organization(input: { name: "Late", reason: "A test." }) { __typename } }`;
    const answer = await post(url, query, bearer("admin"));
    expect([answer.status, await codeOf(answer)]).toEqual([504, "OPERATION_TIMEOUT"]);
    expect(reasons).toEqual([]);
    await until(async () => reasons.length === 1, "the call has ended");
    expect(reasons).toEqual(["timeout"]);
  });

  it("is none while a subscription goes on, which ends with what it watches", async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await held;
      return proceed();
    });
    const { operation } = await signUp(world, { key: freshKey(), waitMs: 0 });
    const url = await serve({ requestTimeoutMs: 1_500 });
    const headers = { ...bearer("admin"), accept: "text/event-stream" };
    const query = "subscription ($id: ID!) { operationUpdated(id: $id) { status } }";
    const response = await post(url, query, headers, { variables: { id: operation?.id } });
    const beganMs = Date.now();
    await until(async () => Date.now() - beganMs > 3_000, "twice the time is over");
    letGo();
    world.setAround();
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("SUCCEEDED")]);
  });
});

describe("trusted documents", () => {
  const document = "query Mine($key: String!) { tenant(key: $key) { key } }";
  const hash = createHash("sha256").update(document).digest("hex");
  const trustedDocuments = new Map([[hash, document]]);
  const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });

  it("are all that a tenant's caller may send, by their hashes, by POST and by GET", async () => {
    const tenant = await tenantWithMemories(world);
    callers.set("tenant", {
      ...{ actor: "tenant:tok_t", tenantId: tenant.tenantId, entity: null },
      scopes: new Set(tenantScopes({ isReadOnly: false, hasEntity: false })),
    });
    const url = await serve({ trustedDocuments });
    const variables = { key: tenant.key };
    const body = JSON.stringify({ extensions: persisted(hash), variables });
    const posted = await fetch(`${url}/graphql`, {
      method: "POST",
      body,
      headers: { ...json, ...bearer("tenant") },
    });
    expect(await posted.json()).toMatchObject({ data: { tenant: { key: tenant.key } } });
    const search = new URLSearchParams({
      extensions: JSON.stringify(persisted(hash)),
      variables: JSON.stringify(variables),
    });
    const got = await fetch(`${url}/graphql?${search}`, { headers: bearer("tenant") });
    expect(await got.json()).toMatchObject({ data: { tenant: { key: tenant.key } } });
    for (const sent of [
      { query: document, variables },
      { query: document, variables, extensions: persisted(hash) },
      { extensions: persisted("0".repeat(64)) },
      { query: "{ __typename }" },
      {},
    ]) {
      const refused = await fetch(`${url}/graphql`, {
        ...{ method: "POST", body: JSON.stringify(sent) },
        headers: { ...json, ...bearer("tenant") },
      });
      expect([refused.status, await codeOf(refused)]).toEqual([400, "PERSISTED_QUERY_NOT_IN_LIST"]);
    }
  });

  it("bind nobody else", async () => {
    const url = await serve({ trustedDocuments });
    const answer = await post(url, "{ __typename }", bearer("provisioner"));
    expect(await answer.json()).toMatchObject({ data: { __typename: "Query" } });
  });
});
