import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Authenticator } from "./access/authenticator.ts";
import type { Caller } from "./access/caller.ts";
import { basicPassword } from "./door/basic-password.ts";
import { CallerLimits, type Rejection } from "./door/caller-limits.ts";
import { isJsonType } from "./door/content-type.ts";
import { crossOrigin } from "./door/cross-origin.ts";
import { closedDoor, type DoorOptions } from "./door/door-options.ts";
import { GuessLimit } from "./door/guess-limit.ts";
import { remoteAddress } from "./door/remote-address.ts";
import type { loadGraphiql } from "./graphiql/page.ts";
import type { GraphqlEndpoint } from "./graphql-endpoint.ts";
import { type Exchange, isPageWanted, refusal, sendJson } from "./http-answer.ts";
import { bodyBytesMax, discardBody, readBody } from "./request-body.ts";

/** GraphQL and its page, and who may use them. */
export interface Api {
  readonly graphql: GraphqlEndpoint;
  readonly graphiql: ReturnType<typeof loadGraphiql>;
  readonly authenticate: Authenticator["authenticate"];
  /** What is left out is as in `closedDoor`. */
  readonly door?: Partial<DoorOptions>;
}

/** Answers one request of `/graphql`. `wait` is aborted when an answer is wanted early, and by the answer's end. */
export type ServeGraphql = (exchange: Exchange, wait: AbortController) => Promise<void>;

/** An operation took longer than it may. */
class TimedOut extends Error {
  override readonly name = "TimedOut";
}

interface Served extends Api {
  readonly options: DoorOptions;
  readonly callerLimits: CallerLimits;
  readonly guessLimit: GuessLimit;
}

/** Makes what serves `/graphql`. It counts what its callers ask, so there is one of it. */
export function createGraphqlRoute(api: Api): ServeGraphql {
  const options = { ...closedDoor, ...api.door };
  const served: Served = {
    ...{ ...api, options },
    callerLimits: new CallerLimits(options),
    guessLimit: new GuessLimit(),
  };
  return (exchange, wait) => serve(served, exchange, wait);
}

async function serve(served: Served, exchange: Exchange, wait: AbortController): Promise<void> {
  const { request, response } = exchange;
  const { headers, isPreflight } = crossOrigin(request, served.options.corsOrigins);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (isPreflight) {
    response.writeHead(204).end();
    return;
  }
  if (isPageWanted(request)) return servePage(served, exchange);
  const asked = await whoAsks(served, exchange, request.headers.authorization);
  if (asked === null) {
    response.setHeader("www-authenticate", 'Bearer realm="loci"');
    sendJson(response, 401, refusal("UNAUTHENTICATED", "Send a token as `Authorization: Bearer <token>`."));
    return discardBody(request);
  }
  if ("retryAfterSeconds" in asked) return sendTooMany(exchange, asked);
  const admitted = await served.callerLimits.admit(asked);
  if ("retryAfterSeconds" in admitted) return sendTooMany(exchange, admitted);
  response.once("close", admitted.leave);
  // It may have gone while it was asked who it is.
  if (response.destroyed) return admitted.leave();
  await serveCaller(served, exchange, asked, wait);
}

/** The page needs no secret to be served, but says what is here: outside of development an admin alone sees it. */
async function servePage(served: Served, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const { graphiql, options } = served;
  if (!options.isDevelopment) {
    // A page that is opened cannot send a bearer token. The API takes none by this scheme, which a browser sends by itself.
    const password = basicPassword(request.headers.authorization);
    const asked = password === null ? null : await whoAsks(served, exchange, `Bearer ${password}`);
    if (asked !== null && "retryAfterSeconds" in asked) return sendTooMany(exchange, asked);
    if (asked === null || !asked.scopes.has("tokens:manage")) {
      response.setHeader("www-authenticate", 'Basic realm="loci", charset="UTF-8"');
      return sendJson(response, 401, refusal("UNAUTHENTICATED", "The password is an admin token."));
    }
  }
  response.writeHead(200, graphiql.headers).end(graphiql.page);
}

function whoAsks(
  { guessLimit, authenticate, options }: Served,
  { request }: Exchange,
  authorization: string | undefined,
): Promise<Caller | Rejection | null> {
  const address = remoteAddress(request, options.proxies);
  return guessLimit.ask(authorization, address, () => authenticate(authorization));
}

function sendTooMany({ request, response }: Exchange, { retryAfterSeconds }: Rejection): void {
  response.setHeader("retry-after", String(retryAfterSeconds));
  sendJson(
    response,
    429,
    refusal("TOO_MANY_REQUESTS", "Too many requests. `Retry-After` says when to come again."),
  );
  discardBody(request);
}

async function serveCaller(served: Served, exchange: Exchange, caller: Caller, wait: AbortController) {
  const { graphql, authenticate, options } = served;
  const { request, response, requestId } = exchange;
  if (request.method === "POST" && !isJsonType(request.headers["content-type"])) {
    const message = "Send `Content-Type: application/json`.";
    sendJson(response, 415, refusal("UNSUPPORTED_MEDIA_TYPE", message));
    return discardBody(request);
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const body = await readBody(request);
  if (body === null) {
    const message = `The request body is larger than ${bodyBytesMax} bytes.`;
    sendJson(response, 413, refusal("BODY_TOO_LARGE", message));
    return discardBody(request);
  }
  const answer = await within(options.requestTimeoutMs, [gone, wait], () =>
    graphql.fetch({ ...{ request, body, requestId, caller }, gone: gone.signal, wait: wait.signal }),
  );
  if (answer === null) {
    const message =
      "The operation took too long and is not waited for. What a query read was broken off; a mutation may have been done.";
    return sendJson(response, 504, refusal("OPERATION_TIMEOUT", message));
  }
  response.statusCode = answer.status;
  answer.headers.forEach((value, name) => {
    response.setHeader(name, value);
  });
  const isLetIn = async () => (await authenticate(request.headers.authorization)) !== null;
  await writeBody(response, answer, { isLetIn, gone: gone.signal });
  response.end();
}

/** Runs something for at most `timeoutMs`, then aborts. Null: it was not done by then. */
async function within<T>(
  timeoutMs: number,
  aborts: readonly AbortController[],
  run: () => Promise<T>,
): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new TimedOut());
      for (const abort of aborts) abort.abort();
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    if (error instanceof TimedOut) return null;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Writes an answer. One that goes on for long is ended as soon as its caller would not be let in any more. */
async function writeBody(
  response: ServerResponse,
  { headers, body }: Response,
  { isLetIn, gone }: { readonly isLetIn: () => Promise<boolean>; readonly gone: AbortSignal },
): Promise<void> {
  if (body === null) return;
  const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
  for await (const chunk of body) {
    if (isStream && !(await isLetIn())) return;
    if (!response.write(chunk)) await once(response, "drain", { signal: gone });
  }
}
