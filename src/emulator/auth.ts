import type { Caller } from "./call.ts";
import { type Refusal, refusalDetail } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { type KeyRow, keys, organizations, projects, users } from "./rows.ts";

const notProvided = "Authentication credentials were not provided.";
const invalidKey = "Invalid API key. You can find your API key on https://app.mem0.ai/dashboard/api-keys.";

/**
 * Finds out who calls from `Authorization: Token <key>`.
 * @throws {Refusal} 401 without the header or with another scheme (inferred: DRF default; a switch), and 401 with
 *   Mem0's own text for a key that is unknown, revoked, or whose project or organization is gone (the latter inferred,
 *   and a switch).
 */
export function authenticate(upstream: Upstream, authorization: string | undefined): Caller {
  const { state } = upstream;
  const [scheme = "", apiKey = ""] = (authorization ?? "").trim().split(/\s+/);
  const isAccepted = /^token$/i.test(scheme) || (/^bearer$/i.test(scheme) && state.switches.bearerAccepted);
  if (!isAccepted) throw missingCredentials(upstream);
  const key = state.table(keys).get(apiKey);
  const user = key && state.table(users).get(key.email.toLowerCase());
  if (key === undefined || user === undefined) throw refusalDetail(401, invalidKey);
  if (!isBound(upstream, key)) {
    throw state.switches.deletedPlaceKey === "401"
      ? refusalDetail(401, invalidKey)
      : refusalDetail(403, "You do not have permission to perform this action.");
  }
  return { apiKey, user, orgId: key.org_id, projectId: key.project_id };
}

function isBound({ state }: Upstream, { org_id: orgId, project_id: projectId }: KeyRow): boolean {
  const organization = state.table(organizations).get(orgId);
  return organization !== undefined && state.table(projects).get(projectId) !== undefined;
}

function missingCredentials({ state }: Upstream): Refusal {
  switch (state.switches.missingCredentials) {
    case "401":
      return refusalDetail(401, notProvided);
    case "401-invalid-key":
      return refusalDetail(401, invalidKey);
    case "403":
      return refusalDetail(403, notProvided);
  }
}
