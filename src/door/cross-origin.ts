import type { IncomingMessage } from "node:http";

/** For how long a browser may remember that an origin may call, in seconds. */
const preflightSeconds = 600;

/** What an answer says about other origins, and whether it is all that was asked. */
export interface CrossOrigin {
  readonly headers: Readonly<Record<string, string>>;
  /** A browser asks whether it may send a request: to be answered by the headers alone, for it carries no token. */
  readonly isPreflight: boolean;
}

/**
 * What a browser is told of a request from another origin. Where none is configured that is nothing, and so it is for an origin
 * that is not exactly one of them. Cookies and the browser's own log-in are never allowed: a token is sent by the page itself.
 */
export function crossOrigin(
  { method, headers }: Pick<IncomingMessage, "method" | "headers">,
  origins: readonly string[],
): CrossOrigin {
  if (origins.length === 0) return { headers: {}, isPreflight: false };
  const { origin } = headers;
  const vary = { vary: "origin" };
  if (origin === undefined || !origins.includes(origin)) return { headers: vary, isPreflight: false };
  const allowed = {
    ...vary,
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "x-request-id, retry-after",
  };
  if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined)
    return { headers: allowed, isPreflight: false };
  return {
    headers: {
      ...allowed,
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type, accept",
      "access-control-max-age": String(preflightSeconds),
    },
    isPreflight: true,
  };
}
