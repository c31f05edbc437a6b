import { readResults } from "./event-stream.js";
import { dropToken, readToken, waitForToken } from "./token.js";

/**
 * Makes the function through which GraphiQL sends everything: queries, mutations, subscriptions, introspection. Each goes
 * to `endpoint` as a POST with the token as it is at that moment. `showToken` is told what the server thinks of it.
 *
 * Introspection waits for a token that the server accepts, however long that takes: GraphiQL asks for the schema once,
 * when it opens, and the documentation then appears by itself as soon as there is a token.
 */
export function createFetcher({ endpoint, showToken }) {
  const send = async (request) => {
    const token = readToken();
    const abort = new AbortController();
    const response = await post({ endpoint, request, token, signal: abort.signal }).catch((error) => {
      if (token !== null) showToken("unreachable");
      throw new Error(`The server could not be reached: ${error.message}`);
    });
    if (response.status === 401) return refuse({ response, token, showToken });
    if (token !== null && token === readToken()) showToken("accepted");
    return readAnswer(response, abort);
  };
  return async (request) => {
    if (request.operationName !== "IntrospectionQuery") return send(request);
    for (let refused = null; ; ) {
      const token = await waitForToken(refused);
      const answer = await send(request);
      if (readToken() === token) return answer;
      refused = token;
    }
  };
}

function post({ endpoint, request, token, signal }) {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  // No cookies: the token alone says who asks. No redirects: it is for this server only.
  return fetch(endpoint, {
    method: "POST",
    headers,
    body: JSON.stringify(withoutStaleName(request)),
    credentials: "omit",
    redirect: "error",
    signal,
  });
}

/**
 * GraphiQL learns the name of a tab's operation a moment after the tab was chosen; whoever presses Play before that sends
 * the name from the tab before. Without a name, the server runs the document's only operation.
 */
function withoutStaleName({ operationName, ...request }) {
  const isNamed = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`).test(request.query);
  return isNamed ? { operationName, ...request } : request;
}

/** A 401 in words, in the form of a GraphQL answer, with what the server said beside it. */
async function refuse({ response, token, showToken }) {
  if (token === null) showToken("missing");
  else if (dropToken(token)) showToken("refused");
  const message =
    token === null
      ? "The server wants a token (HTTP 401). Paste the admin token at the top of this page, then press Play again."
      : "The server refused the token (HTTP 401). Paste the right one at the top of this page, then press Play again.";
  return { errors: [{ message, extensions: { serverSaid: await readBody(response) } }] };
}

async function readAnswer(response, abort) {
  const contentType = response.headers.get("content-type") ?? "";
  if (contentType.startsWith("text/event-stream")) return toStoppable(readResults(response.body), abort);
  const body = await readBody(response);
  if (typeof body === "object" && body !== null) return body;
  return {
    errors: [
      {
        message: `The server answered HTTP ${response.status}, and not with JSON.`,
        extensions: { serverSaid: body },
      },
    ],
  };
}

/** The body as JSON where it is JSON, else the beginning of its text. */
async function readBody(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 500);
  }
}

/**
 * Lets GraphiQL's stop button end a subscription at once. A generator's own `return` would wait for the next result,
 * which may never come; cutting the connection does not.
 */
function toStoppable(results, abort) {
  let isStopped = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        return await results.next();
      } catch (error) {
        if (isStopped) return { done: true, value: undefined };
        throw error;
      }
    },
    async return() {
      isStopped = true;
      abort.abort();
      return { done: true, value: undefined };
    },
  };
}
