import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createYoga } from "graphql-yoga";
import { loadGraphiql, type PresetTab } from "../../src/graphiql/page.ts";
import { createTenantSchema } from "./tenant-schema.ts";

/** A request to the API as the server saw it. */
export interface SeenRequest {
  readonly authorization: string | undefined;
  readonly body: { readonly operationName?: string; readonly query: string; readonly variables?: unknown };
}

/** A small server with the shape of the real one: the page, its assets, and an API behind a token. */
export interface TenantServer {
  /** The address of the page and of the API. */
  readonly url: string;
  readonly token: string;
  /** Every request to the API, in order. */
  readonly seen: readonly SeenRequest[];
  /** How many subscriptions run now. */
  runningSubscriptions(): number;
  close(): Promise<void>;
}

type ServeQuery = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts the server on a free port of 127.0.0.1, its page with these presets. */
export async function startTenantServer(presets: readonly PresetTab[]): Promise<TenantServer> {
  const token = "test-token-5f0c2d";
  const seen: SeenRequest[] = [];
  const subscriptions = { running: 0 };
  const graphiql = loadGraphiql({ endpoint: "/graphql", title: "Loci", presets });
  const yoga = createYoga({
    schema: createTenantSchema(subscriptions),
    graphiql: false,
    logging: false,
    plugins: [
      {
        async onRequest({ request, endResponse, fetchAPI }) {
          const authorization = request.headers.get("authorization") ?? undefined;
          // The page is the only client of this server, and the page sends this shape.
          const body = (await request.clone().json()) as SeenRequest["body"];
          seen.push({ authorization, body });
          // Before the document is executed, as in the real server.
          if (authorization === `Bearer ${token}`) return;
          const refusal = {
            errors: [{ message: "no valid token", extensions: { code: "UNAUTHENTICATED" } }],
          };
          endResponse(fetchAPI.Response.json(refusal, { status: 401 }));
        },
      },
    ],
  });
  const serveQuery: ServeQuery = (request, response) => void yoga(request, response);
  const server = createServer((request, response) => serve({ graphiql, serveQuery }, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an object for its address.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    token,
    seen,
    runningSubscriptions: () => subscriptions.running,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function serve(
  { graphiql, serveQuery }: { graphiql: ReturnType<typeof loadGraphiql>; serveQuery: ServeQuery },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === "/graphql" && request.method === "GET") {
    response.writeHead(200, graphiql.headers).end(graphiql.page);
    return;
  }
  if (path === "/graphql") {
    serveQuery(request, response);
    return;
  }
  const asset = graphiql.asset(path);
  if (asset === null) {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, { "content-type": asset.contentType, "cache-control": asset.cacheControl })
    .end(asset.body);
}
