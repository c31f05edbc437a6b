import { isObjectType } from "graphql";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf } from "../../src/access/caller.ts";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { schema } from "../../src/schema/schema.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { createWorld, type World } from "../world.ts";
import { type HostileDocument, readHostileDocuments } from "./hostile-documents.ts";

let world: World;
let server: HttpServer;
/** How many resolvers of the root have run. */
let resolved = 0;
const logged: { readonly level?: number }[] = [];

beforeAll(async () => {
  world = await createWorld();
  countResolvers();
  const log = pino({ level: "warn" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  server = await listen("127.0.0.1", 0, log);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(world, log),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] }),
      authenticate: async (authorization) => {
        if (authorization === "Bearer stranger") return callerOf("provisioner", "stranger");
        return authorization === undefined ? null : callerOf("admin", "admin");
      },
    },
    whyNotReady: async () => null,
  });
});

afterAll(async () => {
  await server?.close(0);
  await world?.close();
});

/** All of the schema is behind these. */
function countResolvers() {
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    if (!isObjectType(root)) throw new Error("The schema has no such root.");
    for (const field of Object.values(root.getFields())) {
      const { resolve, subscribe } = field;
      if (resolve !== undefined)
        field.resolve = (...args) => {
          resolved += 1;
          return resolve(...args);
        };
      if (subscribe !== undefined)
        field.subscribe = (...args) => {
          resolved += 1;
          return subscribe(...args);
        };
    }
  }
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly extensions?: object;
}

async function send(
  { query, variables, operationName, method }: Omit<HostileDocument, "name" | "code">,
  token: string,
) {
  const request = { query, variables, operationName };
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const url = `${server.url}/graphql`;
  const body = JSON.stringify(request);
  // Of this process, client and server: the clock on the wall would tell of the machine's other work.
  const before = process.cpuUsage();
  const response =
    method === "GET"
      ? await fetch(`${url}?query=${encodeURIComponent(query)}`, { headers })
      : await fetch(url, { method, body, headers });
  const text = await response.text();
  const used = process.cpuUsage(before);
  return {
    tookMs: (used.user + used.system) / 1_000,
    status: response.status,
    text,
    answer: JSON.parse(text) as Answer,
  };
}

const good = {
  query: "{ installation { __typename } }",
  variables: {},
  operationName: undefined,
  method: "POST",
};

const corpus = readHostileDocuments();

/** What a caller without `control:read` is told: codes about size are the same for all. */
const aboutTheSchema = ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_RESOLUTION_FAILURE"];

describe("the hostile documents", () => {
  it("are many", () => {
    expect(corpus.length).toBeGreaterThan(50);
  });

  it.each(corpus)("$name: $code, at once, and nothing of it is executed", async (document) => {
    // What is only made at the first request is not the document's fault.
    await send(good, "admin");
    resolved = 0;
    const { tookMs, status, text, answer } = await send(document, "admin");
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors?.[0]?.extensions?.code).toBe(document.code);
    expect([resolved, tookMs < 500]).toEqual([0, true]);
    expect([400, 405]).toContain(status);
    expect(text.length).toBeLessThan(20_000);
    expect(logged).toEqual([]);
    expect((await send(good, "admin")).answer).toMatchObject({ data: { installation: {} } });
    expect(resolved).toBe(1);
  });

  it("are answered to a stranger by their size, or by one and the same error that tells nothing", async () => {
    const messages = new Set<string>();
    for (const document of corpus) {
      resolved = 0;
      const { answer, status } = await send(document, "stranger");
      expect([document.name, answer.data ?? null, resolved]).toEqual([document.name, null, 0]);
      expect([400, 405]).toContain(status);
      const [error] = answer.errors ?? [];
      const isSaid = !aboutTheSchema.includes(document.code) && document.method === "POST";
      if (!isSaid) messages.add(JSON.stringify(answer));
      else if (!document.name.startsWith("introspection"))
        expect([document.name, error?.extensions?.code]).toEqual([document.name, document.code]);
    }
    const generic = [...messages].filter((message) => !message.includes("GET"));
    expect(generic).toEqual([
      '{"errors":[{"message":"The request is not valid.","extensions":{"code":"BAD_REQUEST"}}]}',
    ]);
  });
});
