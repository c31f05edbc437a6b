import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { readableEntities } from "./entity-rows.ts";
import { exportResult } from "./export-result.ts";
import { isExpired, readableMemories } from "./memory-reads.ts";
import { type ProfileJobRow, type ProfileRow, profiles, settingsOfProject } from "./profile-rows.ts";
import { refusalError, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { type Put, put } from "./table.ts";

/** What a profile holds where the project has no schema of its own; ours, since nobody documents the real one. */
const ownSchema = {
  type: "object",
  properties: {
    facts: { type: "array", items: { type: "string" }, description: "What is known of the user" },
  },
};

/** The profile of one user (Mem0's npm client 3.3.1; not in its OpenAPI file). Only users have one. */
export const profileResource: Resource = {
  routes: [{ method: "GET", path: "/v2/entities/{entity_type}/{entity_id}/profile/", handle: getProfile }],
  tables: [profiles],
};

/**
 * What becomes of this job's users: a profile for each, filled from his memories as an export is, shown when the job is done.
 * Of a user without memories there is too little to say. A job that skips changes nothing.
 */
export function generated(upstream: Upstream, job: ProfileJobRow): readonly Put[] {
  if (job.outcome === "skipped") return [];
  const { project_id: projectId, done_ms: readyMs, created_ms: atMs, outcome } = job;
  const schema = settingsOfProject(upstream, projectId).schema ?? ownSchema;
  const known = newestFirst(readableMemories(upstream, projectId)).filter(
    (memory) => !isExpired(memory, atMs) && memory.replaced_by === null,
  );
  return job.entity_ids.map((userId) => {
    const texts = known.filter((memory) => memory.user_id === userId).map(({ memory }) => memory);
    const enough = texts.length === 0 ? "insufficient_data" : "succeeded";
    const row: ProfileRow = {
      profile_id: randomUUID(),
      project_id: projectId,
      user_id: userId,
      outcome: outcome === "failed" ? "failed" : enough,
      profile: outcome === "failed" || texts.length === 0 ? {} : exportResult(schema, texts),
      ready_ms: readyMs,
      created_ms: atMs,
      updated_ms: readyMs,
      inserted_ms: atMs,
      deleted_ms: null,
    };
    return put(profiles, row);
  });
}

/**
 * A known user always has an answer, whose `status` says what his profile is worth; until one is generated there is too
 * little to say, and while one is being generated the former one stays.
 * @throws {Refusal} 400 for another kind of entity, 404 for a user nobody knows (both inferred).
 */
function getProfile(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const userId = call.param("entity_id");
  if (call.param("entity_type") !== "user") throw refusalMessage(400, "Invalid entity type");
  const user = readableEntities(upstream, projectId).find(
    ({ type, name }) => type === "user" && name === userId,
  );
  if (user === undefined) throw refusalError(404, "Entity not found");
  const { state } = upstream;
  const atMs = nowMs();
  const all = state
    .table(profiles)
    .childrenOf(projectId)
    // Whoever had the name before and was deleted takes his profiles along.
    .filter((row) => row.user_id === userId && row.inserted_ms >= user.inserted_ms);
  const good = all.filter((row) => row.ready_ms <= atMs && row.outcome === "succeeded");
  const last = good.at(-1);
  const { enabled } = settingsOfProject(upstream, projectId);
  const status = enabled ? statusOf(all.at(-1), atMs) : "not_enabled";
  return json(200, {
    profile: enabled ? (last?.profile ?? {}) : {},
    status,
    entity_type: "user",
    entity_id: userId,
    updated_at: last === undefined ? null : formatDate(last.ready_ms, state.switches.dates),
    generation_count: good.length,
    error: status === "failed" ? "Profile generation failed." : null,
  });
}

function statusOf(newest: ProfileRow | undefined, atMs: number): ProfileRow["outcome"] | "pending" {
  if (newest === undefined) return "insufficient_data";
  return newest.ready_ms > atMs ? "pending" : newest.outcome;
}
