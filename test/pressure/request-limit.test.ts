import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { bodyBytesMax } from "../../src/request-body.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { freshKey } from "../main-job.ts";
import { waitUntil } from "../wait-until.ts";
import { createWorld, type World } from "../world.ts";

const requestsMax = 2;
const document = JSON.stringify({ query: "{ __typename }" });

let world: World;
let server: HttpServer;
let held: ClientRequest[];

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

beforeEach(async () => {
  held = [];
  const log = pino({ level: "silent" });
  server = await listen("127.0.0.1", 0, log, { requestsMax });
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(world, log),
      graphiql: { page: "", headers: {}, asset: () => null },
      authenticate: world.authenticate,
    },
    whyNotReady: async () => null,
  });
  return async () => {
    for (const request of held) request.destroy();
    await server.close(100);
  };
});

function headers() {
  return { authorization: `Bearer ${world.token}`, "content-type": "application/json" };
}

function headersOf(bytes: number) {
  return { ...headers(), "content-length": String(bytes) };
}

/** Begins a request that stays under way until its body is sent: the server waits for it. */
async function hold(): Promise<ClientRequest> {
  const request = httpRequest(`${server.url}/graphql`, {
    method: "POST",
    agent: false,
    // With this the server says when it has read the headers, which is when a request counts.
    headers: { ...headersOf(Buffer.byteLength(document)), expect: "100-continue" },
  });
  request.on("error", () => {});
  held.push(request);
  request.flushHeaders();
  await once(request, "continue");
  return request;
}

function ask(query = "{ __typename }"): Promise<Response> {
  const body = JSON.stringify({ query });
  return fetch(`${server.url}/graphql`, { method: "POST", body, headers: headers() });
}

async function fill(): Promise<void> {
  for (let index = 0; index < requestsMax; index += 1) await hold();
}

describe("the bound of requests under way", () => {
  it("refuses the next one with 503, a code and a time to come again, and does nothing of it", async () => {
    await fill();
    const key = freshKey();
    const answer = await ask(
      `mutation { signUpTenant(input: { key: "${key}", name: "N", idempotencyKey: "${key}" }) { __typename } }`,
    );
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await answer.json()).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: "OVERLOADED" } }],
    });
    expect(await world.prisma.tenant.count({ where: { key } })).toBe(0);
  });

  it("leaves health and readiness to be asked for", async () => {
    await fill();
    const paths = ["/healthz", "/readyz"];
    const statuses = await Promise.all(
      paths.map(async (path) => (await fetch(`${server.url}${path}`)).status),
    );
    expect(statuses).toEqual([200, 200]);
  });

  it("lets the next one in when one was answered, and when the client of one has gone", async () => {
    await fill();
    const [first, second] = held;
    const answered = once(first ?? expect.fail(), "response");
    first?.end(document);
    const [response] = (await answered) as [IncomingMessage];
    expect(JSON.parse(await text(response))).toMatchObject({ data: { __typename: "Query" } });
    await waitUntil(async () => (await ask()).status === 200, { what: "one is let in", timeoutMs: 5_000 });

    await hold();
    expect((await ask()).status).toBe(503);
    second?.destroy();
    await waitUntil(async () => (await ask()).status === 200, { what: "one is let in", timeoutMs: 5_000 });
  });

  it("tells the one it refuses also while a long body is still being sent", async () => {
    await fill();
    const sending = httpRequest(`${server.url}/graphql`, {
      method: "POST",
      headers: headersOf(bodyBytesMax),
    });
    const answered = once(sending, "response");
    sending.end(Buffer.alloc(bodyBytesMax, "x"));
    const [answer] = (await answered) as [IncomingMessage];
    expect(answer.statusCode).toBe(503);
    expect(await text(answer)).toContain("OVERLOADED");
  });
});

it("an idle connection is kept for longer than proxies keep theirs, so that none is closed under a request", async () => {
  const sending = httpRequest(`${server.url}/healthz`, { headers: { connection: "keep-alive" } }).end();
  const [answer] = (await once(sending, "response")) as [IncomingMessage];
  const seconds = Number(/timeout=(\d+)/.exec(String(answer.headers["keep-alive"]))?.[1]);
  expect(seconds).toBeGreaterThan(60);
  await text(answer);
});
