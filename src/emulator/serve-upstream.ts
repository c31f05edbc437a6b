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
  try {
    const found = findRoute(serving, received);
    if ("status" in found) return found;
    const route = found.byMethod.get(received.method === "HEAD" ? "GET" : received.method);
    if (route?.isOpen) return route.handle(serving, new Call(received, null, found.params));
    const caller = authenticate(serving, received.authorization);
    refuseTooMany(serving, caller);
    if (route === undefined) throw methodNotAllowed(found, received.method);
    const answer = answerMetered(serving, route, new Call(received, caller, found.params));
    return withNotice(answer, noticePlaceFor(serving, caller));
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
