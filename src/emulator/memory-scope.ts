import type { Call } from "./call.ts";
import { type Scope, type ScopeField, scopeFields } from "./memory-rows.ts";
import { refusalMessage } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";

/**
 * The project that a memory call works on: the key's own, or the one that the body names with both `org_id` and
 * `project_id` (Mem0 maintainers' notes: one id alone, and ids in the query, have no effect).
 * @throws {Refusal} 404 when the pair names no project that lives in the organization of the key (inferred).
 */
export function projectOfCall(
  { state }: Upstream,
  { caller }: Call,
  body: Readonly<Record<string, unknown>>,
): string {
  const { org_id: orgId, project_id: projectId } = body;
  if (typeof orgId !== "string" || typeof projectId !== "string" || orgId === "" || projectId === "") {
    return caller.projectId;
  }
  const project = state.table(projects).get(projectId);
  if (orgId !== caller.orgId || project?.org_id !== orgId) {
    throw refusalMessage(404, "Organization or project not found");
  }
  return projectId;
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
