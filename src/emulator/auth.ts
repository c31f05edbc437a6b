import type { Caller } from "./call.ts";
import { refusalDetail } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { keys, organizations, projects, users } from "./rows.ts";

/**
 * Finds out who calls from `Authorization: Token <key>`.
 * @throws {Refusal} 401 without the header or with another scheme (inferred: DRF default), and 401 with Mem0's own
 *   text for a key that is unknown, revoked, or whose project or organization is gone (the latter inferred).
 */
export function authenticate({ state }: Upstream, authorization: string | undefined): Caller {
  const [scheme = "", apiKey = ""] = (authorization ?? "").trim().split(/\s+/);
  const isAccepted = /^token$/i.test(scheme) || (/^bearer$/i.test(scheme) && state.switches.bearerAccepted);
  if (!isAccepted) throw refusalDetail(401, "Authentication credentials were not provided.");
  const key = state.table(keys).get(apiKey);
  const user = key && state.table(users).get(key.email.toLowerCase());
  const isBound =
    key !== undefined &&
    state.table(organizations).get(key.org_id) !== undefined &&
    state.table(projects).get(key.project_id) !== undefined;
  if (!isBound || user === undefined) {
    throw refusalDetail(
      401,
      "Invalid API key. You can find your API key on https://app.mem0.ai/dashboard/api-keys.",
    );
  }
  return { apiKey, user, orgId: key.org_id, projectId: key.project_id };
}
