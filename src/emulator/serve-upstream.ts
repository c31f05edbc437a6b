import { noticePlaceFor } from "./agent-accounts.ts";
import { type Answer, html, json } from "./answer.ts";
import { authenticate } from "./auth.ts";
import { Call, type Caller, type Received } from "./call.ts";
import { nowMs } from "./clock.ts";
import { withNotice } from "./notice.ts";
import { countUse, meterOf, refuseOverQuota } from "./quota.ts";
import { Refusal, refusalDetail } from "./refusal.ts";
import type { Route, Upstream } from "./resource.ts";
import type { Match, Router } from "./router.ts";
import type { Switches } from "./switches.ts";
import { type Throttle, throttled } from "./throttle.ts";

/** What serving needs: the state, the routes of every registered resource, and who called how often of late. */
export interface Serving extends Upstream {
  readonly router: Router<Route>;
  readonly throttle: Throttle;
}

/**
 * Does what the request asks and says what the real service would answer. Never throws, never waits: a deed is whole
 * before the next request is looked at. A fault of the emulator's own is a 500 that names it.
 */
export function serveUpstream(serving: Serving, received: Received): Answer {
  const { switches } = serving.state;
  try {
    const found = findRoute(serving, received);
    if ("status" in found) return found;
    const routes = routesUnder(switches, found);
    const asked = switches.mediaTypeMatters ? received : { ...received, contentType: "application/json" };
    const route = routes.get(received.method === "HEAD" && switches.headAnswered ? "GET" : received.method);
    if (route?.isOpen) return route.handle(serving, new Call(asked, null, found.params));
    const caller = authenticate(serving, received.authorization);
    refuseTooMany(serving, caller);
    if (received.method === "OPTIONS" && switches.optionsAnswered) return describePath(found, routes);
    if (route === undefined) throw methodNotAllowed(routes, received.method);
    const answer = answerMetered(serving, route, new Call(asked, caller, found.params));
    const noticed = withNotice(answer, noticePlaceFor(serving, caller));
    const isBare = route.method === "DELETE" && answer.status === 200 && switches.deletionAnswers204;
    return isBare ? { ...noticed, status: 204, text: "" } : noticed;
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    return html(500, `Emulator fault: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A deed of a metered route is looked at before it is done, and counted once it has been. */
function answerMetered(serving: Serving, route: Route, call: Call): Answer {
  const meter = meterOf(route);
  if (meter === null) return route.handle(serving, call);
  refuseOverQuota(serving, call.caller, meter);
  const answer = route.handle(serving, call);
  if (answer.status < 300) countUse(serving, call.caller, meter);
  return answer;
}

/** Counts every authenticated request, ping and refused ones too, whatever its method (inferred: as the framework does). */
function refuseTooMany({ state, throttle }: Serving, { apiKey }: Caller): void {
  const seconds = throttle.secondsToWait(apiKey, state.switches.throttlePerMinute, nowMs());
  if (seconds !== null) throw new Refusal(throttled(seconds));
}

/**
 * The routes of the path, or the answer when it has none. What is not built answers 501, never 404: an undoing that
 * takes 404 for "gone" would otherwise take a wrong path for "gone" too. Several slashes at its beginning are one: a
 * host with a slash at its end, to which clients add `/v1/…`, shall do (inferred). Elsewhere they stay, for between them
 * an id is missing.
 */
function findRoute({ router, state }: Serving, received: Received): Match<Route> | Answer {
  const { method, query } = received;
  const path = received.path.replace(/^\/{2,}/, "/");
  const match = router.match(path);
  if (match !== null) return match;
  const withSlash = path.endsWith("/") ? null : router.match(`${path}/`);
  if (withSlash === null) return unknownPath(state.switches, method, path);
  if (!state.switches.strictTrailingSlash) return withSlash;
  const isRead = ["GET", "HEAD", "DELETE"].includes(method);
  if (!isRead && state.switches.slashlessWrite === "404") return json(404, { detail: "Not found." });
  const location = query === "" ? `${path}/` : `${path}/?${query}`;
  return { status: 301, contentType: "text/html; charset=utf-8", text: "", headers: { location } };
}

function unknownPath(switches: Switches, method: string, path: string): Answer {
  switch (switches.unknownPath) {
    case "501":
      return json(501, { detail: `The emulator has not built ${method} ${path}.`, not_built: true });
    case "404-json":
      return json(404, { detail: "Not found." });
    case "404-html":
      return html(404, "Not Found");
  }
}

/** The routes of the path by method, without those that are there under other switches only. */
function routesUnder(switches: Switches, { byMethod }: Match<Route>): ReadonlyMap<string, Route> {
  return new Map([...byMethod].filter(([, route]) => route.isThereUnder?.(switches) ?? true));
}

function methodNotAllowed(routes: ReadonlyMap<string, Route>, method: string): Refusal {
  return refusalDetail(405, `Method "${method}" not allowed.`, { allow: [...routes.keys()].join(", ") });
}

/** What Django REST Framework answers OPTIONS with, unless it was told otherwise. */
function describePath({ path }: Match<Route>, routes: ReadonlyMap<string, Route>): Answer {
  const media = ["application/json"];
  const allow = [...routes.keys(), "OPTIONS"].join(", ");
  return json(200, { name: path, description: "", renders: media, parses: media }, { allow });
}
