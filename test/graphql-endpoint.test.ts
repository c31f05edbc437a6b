import { once } from "node:events";
import { request as httpRequest } from "node:http";
import pino from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loadGraphiql } from "../src/graphiql/page.ts";
import { presetTabs } from "../src/graphiql/presets.ts";
import { createGraphqlEndpoint, type GraphqlEndpoint } from "../src/graphql-endpoint.ts";
import { type HttpServer, listen } from "../src/server.ts";
import { freshKey, settled, signUp, until } from "./main-job.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
let server: HttpServer;
/** What was logged since the test began. */
let logged: Record<string, unknown>[] = [];
/** How many requests the endpoint is working on. */
let underWay = 0;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(async () => {
  await world?.close();
});

// The world's own server logs nothing, so each test has another one on the same world.
beforeEach(async () => {
  logged = [];
  const log = pino({ level: "trace" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const endpoint = createGraphqlEndpoint(world, log);
  server = await listen("127.0.0.1", 0, log);
  serve(async (request) => {
    underWay += 1;
    return endpoint.fetch(request).finally(() => {
      underWay -= 1;
    });
  });
});

function serve(fetchGraphql: GraphqlEndpoint["fetch"]) {
  server.serve({
    api: {
      graphql: { fetch: fetchGraphql },
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: presetTabs }),
      authenticate: world.authenticate,
    },
    whyNotReady: async () => null,
  });
}

afterEach(async () => {
  world.setAround();
  await server.close(0);
});

interface GraphqlAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly string[];
    readonly extensions?: { readonly code?: string; readonly correlationId?: string };
  }[];
}

function headers() {
  return { "content-type": "application/json", authorization: `Bearer ${world.token}` };
}

async function ask(query: string, variables: object = {}) {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(`${server.url}/graphql`, { method: "POST", headers: headers(), body });
  const text = await response.text();
  return { response, text, answer: JSON.parse(text) as GraphqlAnswer };
}

function signUpDocument(key: string, waitMs: number) {
  return `mutation { signUpTenant(input: { key: "${key}", name: "N", idempotencyKey: "${freshKey()}", waitMs: ${waitMs} }) {
    __typename ... on SignUpTenantPayload { operation { status } tenant { status } } } }`;
}

/** Breaks the database for real, under whatever runs meanwhile. */
async function withoutTable(table: string, run: () => Promise<void>) {
  await world.prisma.$executeRawUnsafe(`ALTER TABLE "${table}" RENAME TO "${table}_away"`);
  try {
    await run();
  } finally {
    await world.prisma.$executeRawUnsafe(`ALTER TABLE "${table}_away" RENAME TO "${table}"`);
  }
}

describe("a fault", () => {
  it("is told by a number alone, under which the log has the cause, and which heads the answer, too", async () => {
    await signUp(world, { key: "faulty" });
    await settled(world, "faulty");
    await withoutTable("resource", async () => {
      const { response, text, answer } = await ask('{ tenant(key: "faulty") { key resources { name } } }');
      const [error] = answer.errors ?? [];
      const correlationId = error?.extensions?.correlationId;
      expect(answer.errors).toEqual([
        {
          message: `Internal error. The log tells more, under ${correlationId}.`,
          path: expect.any(Array),
          locations: expect.any(Array),
          extensions: { code: "INTERNAL_SERVER_ERROR", correlationId: response.headers.get("x-request-id") },
        },
      ]);
      expect(text).not.toMatch(/prisma|P20\d\d|relation "|does not exist|stack|postgres|node_modules/i);
      const lines = logged.filter((line) => line["correlationId"] === correlationId);
      expect(lines).toMatchObject([{ level: 50, msg: "graphql fault" }]);
      expect(JSON.stringify(lines[0]?.["err"])).toMatch(/does not exist/);
    });
  });

  it("of a mutation is masked, too, and leaves nothing behind", async () => {
    await world.emulator.clearRequests();
    await withoutTable("operation_step", async () => {
      const { text, answer } = await ask(signUpDocument("half", 0));
      expect(answer.errors).toMatchObject([{ extensions: { code: "INTERNAL_SERVER_ERROR" } }]);
      expect(text).not.toMatch(/operation_step|prisma|does not exist/i);
    });
    expect(await world.prisma.tenant.count({ where: { key: "half" } })).toBe(0);
    expect((await world.emulator.requests()).requests).toEqual([]);
  });
});

describe("a failure outside of GraphQL", () => {
  it("is told by a number alone, too", async () => {
    serve(async () => {
      throw new Error("the s3cret cause");
    });
    const { response, text, answer } = await ask("{ __typename }");
    expect(response.status).toBe(500);
    const requestId = response.headers.get("x-request-id");
    expect(answer.errors).toEqual([
      {
        message: `Internal error. The log tells more, under ${requestId}.`,
        extensions: { code: "INTERNAL_SERVER_ERROR" },
      },
    ]);
    expect(text).not.toContain("s3cret");
    expect(logged.filter((line) => line["requestId"] === requestId)).toMatchObject([
      { level: 50, err: { message: "the s3cret cause" } },
    ]);
  });

  it("cuts an answer that has begun, so that half of it is not taken for the whole", async () => {
    serve(async () => {
      const halves = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"data":')),
        pull: () => Promise.reject(new Error("the rest is lost")),
      });
      return new Response(halves, { headers: { "content-type": "application/json" } });
    });
    await expect(ask("{ __typename }")).rejects.toThrow(/terminated|fetch failed/);
    expect(logged.filter((line) => Number(line["level"]) >= 50)).toHaveLength(1);
  });

  it("is not the client's going away in the midst of its request", async () => {
    const sending = httpRequest(`${server.url}/graphql`, { method: "POST", headers: headers() });
    sending.on("error", () => {});
    await new Promise<void>((resolve) => sending.write('{ "query":', () => resolve()));
    await until(async () => ((await fetch(`${server.url}/healthz`)).ok ? true : null), "it is connected");
    sending.destroy();
    await until(async () => logged.some((line) => line["msg"] === "the client went away"), "it is noticed");
    expect(logged.filter((line) => Number(line["level"]) >= 30)).toEqual([]);
  });
});

describe("a mistake of the caller", () => {
  it.each([
    ["a field that is not there", "{ tenants { edges { node { colour } } } }", {}, /colour/],
    ["a query that cannot be parsed", "{ tenants {", {}, /Syntax Error/],
    ["a variable that is missing", "query ($key: String!) { tenant(key: $key) { id } }", {}, /\$key/],
    [
      "a variable of another type",
      "query ($n: Int) { tenants(first: $n) { edges { cursor } } }",
      { n: "x" },
      /Int/,
    ],
    ["a number out of bounds", "{ tenants(first: -1) { edges { cursor } } }", {}, /first/i],
    ["a cursor that is none", '{ tenants(after: "bm9uZQ") { edges { cursor } } }', {}, /cursor/],
    ["an id that is none", '{ operation(id: "!") { id } }', {}, /id/i],
  ])("is told as it is: %s", async (_what, query, variables, words) => {
    const { answer } = await ask(query, variables);
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]?.message).toMatch(words);
    expect(answer.errors?.[0]?.message).not.toMatch(/Internal error/);
    expect(logged.filter((line) => Number(line["level"]) >= 50)).toEqual([]);
  });
});

describe("a request that waits for an operation", () => {
  /** Holds every step of every saga until it is told to let go. */
  function holdSteps() {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await held;
      return proceed();
    });
    return letGo;
  }

  it("waits no longer when its client has gone, and the operation goes on", async () => {
    const letGo = holdSteps();
    const sending = httpRequest(`${server.url}/graphql`, { method: "POST", headers: headers() });
    sending.on("error", () => {});
    sending.end(JSON.stringify({ query: signUpDocument("gone", 60_000) }));
    await until(
      async () => (await world.prisma.tenant.count({ where: { key: "gone" } })) === 1,
      "it was started",
    );
    expect(underWay).toBe(1);
    sending.destroy();
    await until(async () => underWay === 0, "nobody waits");
    expect(logged.filter((line) => Number(line["level"]) >= 40)).toEqual([]);
    letGo();
    await until(async () => (await settled(world, "gone")).status === "ACTIVE", "the tenant is ACTIVE");
  });

  it("is answered with what there is when the server closes, and then the server is closed", async () => {
    const letGo = holdSteps();
    const asked = ask(signUpDocument("closing", 60_000));
    await until(
      async () => underWay === 1 && (await world.prisma.tenant.count({ where: { key: "closing" } })) === 1,
      "it waits",
    );
    // Its patience is longer than the test's, so only an early answer lets it end.
    await server.close(120_000);
    const { answer } = await asked;
    expect(answer).toMatchObject({ data: { signUpTenant: { tenant: { status: "PROVISIONING" } } } });
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
    letGo();
    await settled(world, "closing");
  });

  it("is cut when it has no answer by the end of the server's patience", async () => {
    const sending = httpRequest(`${server.url}/graphql`, { method: "POST", headers: headers() });
    const failed = once(sending, "error");
    await new Promise<void>((resolve) => sending.write('{ "query":', () => resolve()));
    await until(async () => ((await fetch(`${server.url}/healthz`)).ok ? true : null), "it is connected");
    await server.close(50);
    expect(await failed).toMatchObject([{ code: "ECONNRESET" }]);
  });
});
