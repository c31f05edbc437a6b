import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { loadGraphiql } from "./graphiql/page.ts";
import type { GraphqlEndpoint } from "./graphql-endpoint.ts";
import { bodyBytesMax, discardBody, readBody } from "./request-body.ts";

/** Time for a request's headers, and for all of it, to come in; in milliseconds. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

/** GraphQL and its page, and who may use them. */
export interface Api {
  readonly graphql: GraphqlEndpoint;
  readonly graphiql: ReturnType<typeof loadGraphiql>;
  /** Whether an `Authorization` header lets its bearer in. */
  readonly isAllowed: (authorization: string | undefined) => boolean;
}

/** What the server serves, once everything it needs is up. */
export interface Service {
  /** Null in a process that serves its health and nothing else. */
  readonly api: Api | null;
  /** Null when all is well; else what is not, in words. */
  readonly whyNotReady: () => Promise<string | null>;
}

/** A bound server. Until `serve` is called it answers 503. */
export interface HttpServer {
  readonly url: string;
  serve(service: Service): void;
  /**
   * Takes no more connections, tells requests that wait for an operation to answer now, lets what is under way end
   * for at most `patienceMs`, then cuts it. A repeat waits for the same end.
   */
  close(patienceMs: number): Promise<void>;
}

/** What all requests of a server share. */
interface ServerState {
  service: Service | null;
  isClosing: boolean;
  /** One for each GraphQL request under way; aborted, it waits no longer for its operation. */
  readonly waits: Set<AbortController>;
}

/** One request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/**
 * Binds the port, before anything else is started, so that a port in use is known at once.
 * @throws Node's error (`EADDRINUSE`, `EACCES`, …) when it cannot be bound
 */
export async function listen(host: string, port: number, log: Logger): Promise<HttpServer> {
  const state: ServerState = { service: null, isClosing: false, waits: new Set() };
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs },
    (request, response) => {
      const requestId = randomUUID();
      response.setHeader("x-request-id", requestId);
      response.setHeader("x-content-type-options", "nosniff");
      // An answer given while closing leaves its connection idle, and idle ones are in the way of the end.
      response.once("close", () => {
        if (state.isClosing) setImmediate(() => server.closeIdleConnections());
      });
      route(state, { request, response, requestId }).catch((error: unknown) => {
        fail({ request, response, requestId }, error, log);
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port: bound } = server.address() as AddressInfo;
  let closed: Promise<void> | null = null;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    serve: (ready) => {
      state.service = ready;
    },
    close: (patienceMs) => {
      closed ??= closeServer(server, state, patienceMs);
      return closed;
    },
  };
}

async function closeServer(server: Server, state: ServerState, patienceMs: number): Promise<void> {
  state.isClosing = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const wait of state.waits) wait.abort();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearTimeout(timer);
}

/** A client that has gone is not told anything, and its going is no fault of ours. */
function fail({ request, response, requestId }: Exchange, error: unknown, log: Logger): void {
  if (response.destroyed) {
    log.debug({ err: error, requestId }, "the client went away");
    return;
  }
  log.error({ err: error, requestId, path: (request.url ?? "").split("?", 1)[0] }, "request failed");
  if (response.headersSent) response.destroy();
  else
    sendJson(
      response,
      500,
      refusal("INTERNAL_SERVER_ERROR", `Internal error. The log tells more, under ${requestId}.`),
    );
}

async function route(state: ServerState, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { service } = state;
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/healthz") return sendJson(response, 200, { status: "ok" });
  if (service === null) return sendJson(response, 503, { status: "starting" });
  if (path === "/readyz") {
    const reason = await service.whyNotReady();
    return reason === null
      ? sendJson(response, 200, { status: "ready" })
      : sendJson(response, 503, { status: "not ready", reason });
  }
  const { api } = service;
  if (api === null) return sendJson(response, 404, refusal("NOT_FOUND", "This process serves no GraphQL."));
  if (path === "/graphql") return serveGraphql(state, api, exchange);
  if (path === "/" && isPageWanted(request)) {
    response.writeHead(302, { location: "/graphql" }).end();
    return;
  }
  const asset = request.method === "GET" ? api.graphiql.asset(path) : null;
  if (asset === null)
    return sendJson(response, 404, refusal("NOT_FOUND", "There is nothing here; try /graphql."));
  response
    .writeHead(200, { "content-type": asset.contentType, "cache-control": asset.cacheControl })
    .end(asset.body);
}

/** A browser that opens the page asks for HTML; programs ask for JSON, or do not say. */
function isPageWanted(request: IncomingMessage): boolean {
  return request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
}

async function serveGraphql(state: ServerState, { graphql, graphiql, isAllowed }: Api, exchange: Exchange) {
  const { request, response, requestId } = exchange;
  if (isPageWanted(request)) {
    response.writeHead(200, graphiql.headers).end(graphiql.page);
    return;
  }
  if (!isAllowed(request.headers.authorization)) {
    response.setHeader("www-authenticate", 'Bearer realm="loci"');
    sendJson(
      response,
      401,
      refusal("UNAUTHENTICATED", "Send the admin token as `Authorization: Bearer <token>`."),
    );
    return discardBody(request);
  }
  const gone = new AbortController();
  const wait = new AbortController();
  state.waits.add(wait);
  if (state.isClosing) wait.abort();
  response.once("close", () => {
    state.waits.delete(wait);
    gone.abort();
    wait.abort();
  });
  const body = await readBody(request);
  if (body === null) {
    sendJson(
      response,
      413,
      refusal("BODY_TOO_LARGE", `The request body is larger than ${bodyBytesMax} bytes.`),
    );
    return discardBody(request);
  }
  const answer = await graphql.fetch({ request, body, requestId, gone: gone.signal, wait: wait.signal });
  response.statusCode = answer.status;
  answer.headers.forEach((value, name) => {
    response.setHeader(name, value);
  });
  if (answer.body !== null) {
    for await (const chunk of answer.body) {
      if (!response.write(chunk)) await once(response, "drain", { signal: gone.signal });
    }
  }
  response.end();
}

/** A refusal in the shape of a GraphQL answer, which is what clients of this server can read. */
function refusal(code: string, message: string): object {
  return { errors: [{ message, extensions: { code } }] };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
