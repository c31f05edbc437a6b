import { type Answer, html, json } from "./answer.ts";
import { authenticate } from "./auth.ts";
import { Call, type Received } from "./call.ts";
import { Refusal, refusalDetail } from "./refusal.ts";
import type { Route, Upstream } from "./resource.ts";
import type { Match, Router } from "./router.ts";

/** What serving needs: the state, and the routes of every registered resource. */
export interface Serving extends Upstream {
  readonly router: Router<Route>;
}

/**
 * Does what the request asks and says what the real service would answer. Never throws, never waits: a deed is whole
 * before the next request is looked at. A fault of the emulator's own is a 500 that names it.
 */
export function serveUpstream(serving: Serving, received: Received): Answer {
  try {
    const found = findRoute(serving, received);
    if ("status" in found) return found;
    const caller = authenticate(serving, received.authorization);
    const route = found.byMethod.get(received.method === "HEAD" ? "GET" : received.method);
    if (route === undefined) throw methodNotAllowed(found, received.method);
    return route.handle(serving, new Call(received, caller, found.params));
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    return html(500, `Emulator fault: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * The routes of the path, or the answer when it has none. What is not built answers 501, never 404: an undoing that
 * takes 404 for "gone" would otherwise take a wrong path for "gone" too.
 */
function findRoute({ router, state }: Serving, { method, path, query }: Received): Match<Route> | Answer {
  const match = router.match(path);
  if (match !== null) return match;
  const withSlash = path.endsWith("/") ? null : router.match(`${path}/`);
  if (withSlash === null) {
    return json(501, { detail: `The emulator has not built ${method} ${path}.`, not_built: true });
  }
  if (!state.switches.strictTrailingSlash) return withSlash;
  if (!["GET", "HEAD", "DELETE"].includes(method)) return json(404, { detail: "Not found." });
  const location = query === "" ? `${path}/` : `${path}/?${query}`;
  return { status: 301, contentType: "text/html; charset=utf-8", text: "", headers: { location } };
}

function methodNotAllowed(match: Match<Route>, method: string): Refusal {
  const allow = [...match.byMethod.keys()].join(", ");
  return refusalDetail(405, `Method "${method}" not allowed.`, { allow });
}
