import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { securityHeaders } from "./door/security-headers.ts";
import { type Exchange, isPageWanted, refusal, sendJson } from "./http-answer.ts";
import { discardBody } from "./request-body.ts";
import { type Api, createGraphqlRoute, type ServeGraphql } from "./serve-graphql.ts";
import { isDatabaseOutage } from "./tenants/database-outage.ts";

/** Time for a request's headers, and for all of it, to come in; in milliseconds. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

/**
 * How long a connection may idle. Longer than proxies keep theirs (a minute, mostly): who closes first must not be the one that a
 * request is just being sent to, for that one gets no answer. A busy process would close what it has not yet read.
 */
const keepAliveTimeoutMs = 75_000;

/** When to come again after a refusal that has to do with the whole process, in seconds. */
const retryAfterSeconds = 1;

/** What a server bears. */
export interface ServerLimits {
  /**
   * Requests of GraphQL under way at once, whoever sends them: the bound of the memory they take. Each counts from its headers
   * to its answer's end, so subscriptions and mutations that wait are among them. 500 unless told.
   */
  readonly requestsMax?: number;
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
  serveGraphql: ServeGraphql | null;
  isClosing: boolean;
  readonly requestsMax: number;
  /** One for each GraphQL request under way; aborted, it waits no longer for its operation. */
  readonly waits: Set<AbortController>;
}

/**
 * Binds the port, before anything else is started, so that a port in use is known at once.
 * @throws Node's error (`EADDRINUSE`, `EACCES`, …) when it cannot be bound
 */
export async function listen(
  host: string,
  port: number,
  log: Logger,
  { requestsMax = 500 }: ServerLimits = {},
): Promise<HttpServer> {
  const state: ServerState = {
    ...{ service: null, serveGraphql: null, isClosing: false },
    ...{ requestsMax, waits: new Set<AbortController>() },
  };
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
    },
    (request, response) => {
      const requestId = randomUUID();
      response.setHeader("x-request-id", requestId);
      for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
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
      state.serveGraphql = ready.api === null ? null : createGraphqlRoute(ready.api);
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
  else if (isDatabaseOutage(error)) {
    // Who asks could not be looked up: nothing of the request was done.
    const message = "The database is away for the moment. `Retry-After` says when to come again.";
    sendUnavailable({ request, response, requestId }, "DATABASE_UNAVAILABLE", message);
  } else
    sendJson(
      response,
      500,
      refusal("INTERNAL_SERVER_ERROR", `Internal error. The log tells more, under ${requestId}.`),
    );
}

/** A refusal that will be over by itself. What is still to come of the request is not kept. */
function sendUnavailable({ request, response }: Exchange, code: string, message: string): void {
  response.setHeader("retry-after", String(retryAfterSeconds));
  sendJson(response, 503, refusal(code, message));
  discardBody(request);
}

async function route(state: ServerState, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { service, serveGraphql } = state;
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
  if (api === null || serveGraphql === null)
    return sendJson(response, 404, refusal("NOT_FOUND", "This process serves no GraphQL."));
  if (path === "/graphql") {
    if (state.waits.size < state.requestsMax) return serveGraphql(exchange, waitOf(state, exchange));
    const message = "Too many requests are under way. `Retry-After` says when to come again.";
    return sendUnavailable(exchange, "OVERLOADED", message);
  }
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

/** What tells a request to wait no longer: because the server closes, or nobody wants the answer any more. */
function waitOf(state: ServerState, { response }: Exchange): AbortController {
  const wait = new AbortController();
  state.waits.add(wait);
  if (state.isClosing) wait.abort();
  response.once("close", () => {
    state.waits.delete(wait);
    wait.abort();
  });
  return wait;
}
