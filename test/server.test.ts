import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bodyBytesMax } from "../src/request-body.ts";
import { type HttpServer, listen } from "../src/server.ts";
import { freshKey } from "./main-job.ts";
import { createWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(async () => {
  await world?.close();
});

const json = { "content-type": "application/json" };
const introspection = "{ __schema { queryType { name } } }";

function bearer(token = world.token) {
  return { authorization: `Bearer ${token}` };
}

function post(body: string, headers: Record<string, string>, path = "/graphql") {
  return fetch(`${world.url}${path}`, { method: "POST", body, headers });
}

function postQuery(query: string, headers: Record<string, string> = bearer()) {
  return post(JSON.stringify({ query }), { ...json, ...headers });
}

function get(path: string, headers: Record<string, string> = {}) {
  return fetch(`${world.url}${path}`, { headers, redirect: "manual" });
}

function address() {
  const { hostname, port } = new URL(world.url);
  return { hostname, port };
}

function signUpDocument(key: string) {
  const input = `{ key: "${key}", name: "N", idempotencyKey: "${freshKey()}" }`;
  return `mutation { signUpTenant(input: ${input}) { __typename } }`;
}

describe("the door to /graphql", () => {
  it.each<[string, () => Record<string, string>]>([
    ["no token", () => ({})],
    ["another token", () => bearer("test-admin-token-0123456780")],
    ["the beginning of the token", () => bearer(world.token.slice(0, -1))],
    ["the token and more", () => bearer(`${world.token}0`)],
    ["an empty token", () => ({ authorization: "Bearer " })],
    ["the token without a scheme", () => ({ authorization: world.token })],
    ["the token by another scheme", () => ({ authorization: `Basic ${world.token}` })],
  ])("answers 401 to %s, before anything of the request is looked at", async (_what, headers) => {
    const key = `stranger-${freshKey()}`;
    const answers = await Promise.all([
      postQuery(signUpDocument(key), headers()),
      postQuery(introspection, headers()),
      post("{ not json", { ...json, ...headers() }),
      post("--x", { "content-type": "multipart/form-data; boundary=x", ...headers() }),
      get(`/graphql?query=${encodeURIComponent(introspection)}`, headers()),
      get("/graphql", headers()),
      fetch(`${world.url}/graphql`, { method: "OPTIONS", headers: headers() }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(await answer.json()).toEqual({
        errors: [{ message: expect.any(String), extensions: { code: "UNAUTHENTICATED" } }],
      });
    }
    expect(await world.prisma.tenant.count({ where: { key } })).toBe(0);
  });

  it("lets the token in, by POST and by GET, whatever the case of the scheme's name", async () => {
    const answers = await Promise.all([
      postQuery("{ __typename }"),
      postQuery("{ __typename }", { authorization: `bearer ${world.token}` }),
      get("/graphql?query={__typename}", bearer()),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ data: { __typename: "Query" } });
    }
  });

  it("gives a browser the page without a token, and nothing else", async () => {
    const page = await get("/graphql", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(await page.text()).toContain("<html");
    const posted = await fetch(`${world.url}/graphql`, { method: "POST", headers: { accept: "text/html" } });
    expect(posted.status).toBe(401);
    const root = await get("/", { accept: "text/html" });
    expect([root.status, root.headers.get("location")]).toEqual([302, "/graphql"]);
  });
});

describe("what the server takes", () => {
  it("answers 400 to JSON that is none, and to JSON that is no request", async () => {
    for (const body of ["{ not json", "", "17", "null", '"{ __typename }"']) {
      const answer = await post(body, { ...json, ...bearer() });
      expect([body, answer.status]).toEqual([body, 400]);
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
    }
  });

  it("refuses a mutation by GET, and does nothing of it", async () => {
    const key = `by-get-${freshKey()}`;
    const answer = await get(`/graphql?query=${encodeURIComponent(signUpDocument(key))}`, bearer());
    expect(answer.status).toBe(405);
    expect(await world.prisma.tenant.count({ where: { key } })).toBe(0);
  });

  it.each(["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])("answers 405 to %s", async (method) => {
    // fetch sends no TRACE.
    const sending = httpRequest({ ...address(), path: "/graphql", method, headers: bearer() }).end();
    const [answer] = (await once(sending, "response")) as [IncomingMessage];
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, "GET, POST"]);
    answer.resume();
  });

  it("refuses forms and plain text, which a browser sends across origins without asking", async () => {
    const key = `by-form-${freshKey()}`;
    const form = new FormData();
    form.append("operations", JSON.stringify({ query: signUpDocument(key) }));
    form.append("map", "{}");
    const answers = await Promise.all([
      fetch(`${world.url}/graphql`, { method: "POST", body: form, headers: bearer() }),
      post(JSON.stringify({ query: signUpDocument(key) }), { "content-type": "text/plain", ...bearer() }),
    ]);
    for (const answer of answers) expect(answer.status).toBe(415);
    expect(await world.prisma.tenant.count({ where: { key } })).toBe(0);
  });

  it("refuses several operations in one request", async () => {
    const key = `batched-${freshKey()}`;
    const batch = [{ query: "{ __typename }" }, { query: signUpDocument(key) }];
    const answer = await post(JSON.stringify(batch), { ...json, ...bearer() });
    expect(answer.status).toBe(400);
    expect(await world.prisma.tenant.count({ where: { key } })).toBe(0);
  });

  it("lets no other origin in", async () => {
    const origin = { origin: "https://elsewhere.test" };
    const preflight = { ...origin, "access-control-request-method": "POST" };
    const answers = await Promise.all([
      postQuery("{ __typename }", { ...bearer(), ...origin }),
      postQuery("{ __typename }", origin),
      fetch(`${world.url}/graphql`, { method: "OPTIONS", headers: preflight }),
    ]);
    for (const answer of answers) {
      expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });
});

/** Sends a body in one piece, with its length before it or chunked, and reads the answer while still sending. */
async function send(bytes: number, { isChunked }: { isChunked: boolean }): Promise<IncomingMessage> {
  const start = '{"query":"{ __typename }","extensions":{"x":"';
  const body = `${start}${"x".repeat(bytes - start.length - 3)}"}}`;
  const length = isChunked ? { "transfer-encoding": "chunked" } : { "content-length": String(bytes) };
  const sending = httpRequest(`${world.url}/graphql`, {
    method: "POST",
    headers: { ...json, ...bearer(), ...length },
  });
  const answered = once(sending, "response");
  sending.end(body);
  const [answer] = (await answered) as [IncomingMessage];
  return answer;
}

describe("the limit on a body", () => {
  it.each([
    ["with its length told", { isChunked: false }],
    ["in chunks", { isChunked: true }],
  ])("answers 413 to one byte too many, %s, and takes one byte fewer", async (_how, how) => {
    const tooLong = await send(bodyBytesMax + 1, how);
    expect(tooLong.statusCode).toBe(413);
    expect(JSON.parse(await text(tooLong))).toMatchObject({
      errors: [{ extensions: { code: "BODY_TOO_LARGE" } }],
    });
    const fits = await send(bodyBytesMax, how);
    expect(fits.statusCode).toBe(200);
    expect(JSON.parse(await text(fits))).toMatchObject({ data: { __typename: "Query" } });
  });

  it.each([
    ["with its length told", { isChunked: false }],
    ["in chunks", { isChunked: true }],
  ])("tells a client that is still sending many megabytes, %s", async (_how, how) => {
    const answer = await send(64 * 1024 * 1024, how);
    expect(answer.statusCode).toBe(413);
    expect(await text(answer)).toContain("BODY_TOO_LARGE");
  });

  it("cuts off a stranger who sends without end", async () => {
    const { hostname, port } = address();
    const socket = connect(Number(port), hostname);
    let said = "";
    socket.setEncoding("utf8").on("data", (part) => {
      said += part;
    });
    socket.on("error", () => {});
    const closed = once(socket, "close");
    socket.write("POST /graphql HTTP/1.1\r\nHost: loci\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    const sending = setInterval(() => socket.write("1\r\nx\r\n"), 50);
    await closed;
    clearInterval(sending);
    expect(said).toMatch(/^HTTP\/1.1 401 /);
  });
});

describe("what the server answers besides", () => {
  it("is healthy and ready, without a token", async () => {
    const healthy = await get("/healthz");
    expect([healthy.status, await healthy.json()]).toEqual([200, { status: "ok" }]);
    const ready = await get("/readyz");
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
  });

  it.each(["/", "/graphql/", "/graphqls", "/readyz/x", "/../package.json", "/graphiql/../../package.json"])(
    "answers 404 in JSON to %s",
    async (path) => {
      // fetch would resolve the dots before it sends.
      const sending = httpRequest({ ...address(), path }).end();
      const [answer] = (await once(sending, "response")) as [IncomingMessage];
      expect([answer.statusCode, answer.headers["content-type"]]).toEqual([404, "application/json"]);
      expect(JSON.parse(await text(answer))).toMatchObject({
        errors: [{ extensions: { code: "NOT_FOUND" } }],
      });
    },
  );

  it("numbers every answer", async () => {
    const answers = await Promise.all([
      get("/healthz"),
      get("/nowhere"),
      postQuery("{ __typename }"),
      get("/graphql"),
    ]);
    const ids = answers.map((answer) => answer.headers.get("x-request-id"));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a server that is not ready", () => {
  let server: HttpServer;

  beforeAll(async () => {
    server = await listen("127.0.0.1", 0, pino({ level: "silent" }));
  });

  afterAll(async () => {
    await server?.close(0);
  });

  it("answers 503 while Loci starts, and is alive", async () => {
    for (const path of ["/readyz", "/graphql", "/"]) {
      const answer = await fetch(`${server.url}${path}`, { headers: { accept: "text/html" } });
      expect([path, answer.status, await answer.json()]).toEqual([path, 503, { status: "starting" }]);
    }
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it("answers 503 and says why while something is not well", async () => {
    server.serve({
      api: null,
      whyNotReady: async () => "The database is newer.",
    });
    const answer = await fetch(`${server.url}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "not ready", reason: "The database is newer." },
    ]);
  });

  it("serves its health and nothing else where there is no API", async () => {
    server.serve({ api: null, whyNotReady: async () => null });
    const paths = ["/healthz", "/readyz", "/graphql", "/", "/graphiql/graphiql.js"];
    const statuses = await Promise.all(
      paths.map(async (path) => (await fetch(`${server.url}${path}`)).status),
    );
    expect(statuses).toEqual([200, 200, 404, 404, 404]);
  });
});
