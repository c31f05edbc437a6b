import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { readableEntities } from "./entity-rows.ts";
import { exportResult } from "./export-result.ts";
import { isExpired, readableMemories } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
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
  const { project_id: projectId, done_ms: readyMs, outcome } = job;
  const known = readableMemories(upstream, projectId);
  return job.entity_ids.map((userId) =>
    generation(upstream, { projectId, userId, known, readyMs, isFailed: outcome === "failed" }),
  );
}

/**
 * The profiles that come of themselves with these new memories: where they are enabled, each time a user has passed so
 * many messages more (Mem0's npm client: "built once a user crosses an internal message threshold"; the number is
 * inferred, a switch, and so is that it is done anew). They follow their memories by as long as a job takes.
 */
export function generatedByItself(
  upstream: Upstream,
  projectId: string,
  added: readonly MemoryRow[],
): readonly Put[] {
  const { profileAutoMessages: step, profileDelayMs, profileOutcome } = upstream.state.switches;
  if (step === 0 || added.length === 0 || !settingsOfProject(upstream, projectId).enabled) return [];
  const before = readableMemories(upstream, projectId);
  const replaced = new Set(added.flatMap(({ linked_memory_ids: ids }) => ids));
  const known = [...before, ...added];
  const userIds = new Set(added.flatMap(({ user_id: userId }) => (userId === null ? [] : [userId])));
  const due = [...userIds].filter(
    (userId) => Math.floor(messagesOf(known, userId) / step) > Math.floor(messagesOf(before, userId) / step),
  );
  const readyMs = Math.max(...added.map(({ visible_ms }) => visible_ms)) + profileDelayMs;
  const isFailed = profileOutcome === "fail";
  const standing = known.filter(({ memory_id }) => !replaced.has(memory_id));
  return due.map((userId) => generation(upstream, { projectId, userId, known: standing, readyMs, isFailed }));
}

/** How many messages of a user have become memories that live. */
function messagesOf(known: readonly MemoryRow[], userId: string): number {
  const messages = known
    .filter((memory) => memory.user_id === userId)
    .map(({ event_id, input }) => JSON.stringify([event_id, input]));
  return new Set(messages).size;
}

interface Generation {
  readonly projectId: string;
  readonly userId: string;
  readonly known: readonly MemoryRow[];
  readonly readyMs: number;
  readonly isFailed: boolean;
}

function generation(upstream: Upstream, { projectId, userId, known, readyMs, isFailed }: Generation): Put {
  const atMs = nowMs();
  const schema = settingsOfProject(upstream, projectId).schema ?? ownSchema;
  const heeded = known.filter(
    (memory) => memory.user_id === userId && !isExpired(memory, atMs) && memory.replaced_by === null,
  );
  const texts = newestFirst(heeded).map(({ memory }) => memory);
  const enough = texts.length === 0 ? "insufficient_data" : "succeeded";
  return put(profiles, {
    profile_id: randomUUID(),
    project_id: projectId,
    user_id: userId,
    outcome: isFailed ? "failed" : enough,
    profile: isFailed || texts.length === 0 ? {} : exportResult(schema, texts),
    ready_ms: readyMs,
    created_ms: atMs,
    updated_ms: readyMs,
    inserted_ms: atMs,
    deleted_ms: null,
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
  const { state } = upstream;
  const { unknownUserProfile, profileNotGenerated } = state.switches;
  if (user === undefined && unknownUserProfile === "404") throw refusalError(404, "Entity not found");
  const atMs = nowMs();
  const all = state
    .table(profiles)
    .childrenOf(projectId)
    // Whoever had the name before and was deleted takes his profiles along.
    .filter((row) => row.user_id === userId && user !== undefined && row.inserted_ms >= user.inserted_ms);
  const good = all.filter((row) => row.ready_ms <= atMs && row.outcome === "succeeded");
  const last = good.at(-1);
  const { enabled } = settingsOfProject(upstream, projectId);
  const none = user === undefined ? "insufficient_data" : profileNotGenerated;
  const status = enabled ? statusOf(all.at(-1), atMs, none) : "not_enabled";
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

function statusOf(
  newest: ProfileRow | undefined,
  atMs: number,
  none: "insufficient_data" | "pending",
): ProfileRow["outcome"] | "pending" {
  if (newest === undefined) return none;
  return newest.ready_ms > atMs ? "pending" : newest.outcome;
}
