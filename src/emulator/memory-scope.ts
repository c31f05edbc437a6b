import { roleInProject } from "./access.ts";
import type { Call } from "./call.ts";
import { type Scope, type ScopeField, scopeFields } from "./memory-rows.ts";
import { refusalDetail, refusalMessage } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";

/**
 * The project that a memory call works on: the key's own, or the one that the body names with both `org_id` and
 * `project_id` (Mem0 maintainers' notes: one id alone, and ids in the query, have no effect). A switch ignores the pair.
 * @throws {Refusal} 404 when the pair names no project that lives in the organization of the key, or (a switch) one where
 *   its person has no role (both inferred).
 */
export function projectOfCall(
  upstream: Upstream,
  { caller }: Call,
  body: Readonly<Record<string, unknown>>,
): string {
  const { org_id: orgId, project_id: projectId } = body;
  const { switches } = upstream.state;
  const isPair =
    typeof orgId === "string" && typeof projectId === "string" && orgId !== "" && projectId !== "";
  if (!isPair || switches.bodyOverride === "ignored") return caller.projectId;
  const project = upstream.state.table(projects).get(projectId);
  const isStranger =
    project !== undefined && switches.memoryRolesAsked && roleInProject(upstream, project, caller) === null;
  if (orgId !== caller.orgId || project?.org_id !== orgId || isStranger) {
    throw refusalMessage(404, "Organization or project not found");
  }
  return projectId;
}

/**
 * The project that a memory call changes: as `projectOfCall`.
 * @throws {Refusal} as that, and under a switch 403 unless the key's person is OWNER there (docs: a READER views and searches).
 */
export function projectToWrite(
  upstream: Upstream,
  call: Call,
  body: Readonly<Record<string, unknown>> = {},
): string {
  const projectId = projectOfCall(upstream, call, body);
  if (!upstream.state.switches.memoryRolesAsked) return projectId;
  const project = upstream.state.table(projects).get(projectId);
  if (project === undefined || roleInProject(upstream, project, call.caller) !== "OWNER") {
    throw refusalDetail(403, "You do not have permission to perform this action.");
  }
  return projectId;
}

/** Whose the event is of a call that works in this project. */
export function projectOfEvent({ state }: Upstream, { caller }: Call, projectId: string): string {
  return state.switches.overrideEvents === "key-project" ? caller.projectId : projectId;
}

/** Do both belong to exactly the same user, agent, app and run? */
export function isSameScope(left: Scope, right: Scope): boolean {
  return scopeFields.every((field) => left[field] === right[field]);
}

/** The four ids of something, and nothing else of it. */
export function scopeOf({ user_id, agent_id, app_id, run_id }: Scope): Scope {
  return { user_id, agent_id, app_id, run_id };
}

/** The ids that are set, with their names. */
export function namedIds(scope: Scope): readonly (readonly [ScopeField, string])[] {
  return scopeFields.flatMap((field): (readonly [ScopeField, string])[] => {
    const id = scope[field];
    return id === null ? [] : [[field, id]];
  });
}
