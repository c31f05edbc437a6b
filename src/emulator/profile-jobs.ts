import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { readableEntities } from "./entity-rows.ts";
import { wholeNumberField } from "./memory-fields.ts";
import { type ProfileJobRow, profileJobs, settingsOfProject } from "./profile-rows.ts";
import { generated } from "./profiles.ts";
import { refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { put } from "./table.ts";

const collection = "/v2/profiles/jobs/";

/** How many users a sample takes unless told, and at most (both inferred). */
const sampleDefault = 3;
const sampleMax = 10;

/** Longest Idempotency-Key (inferred). */
const keyLengthMax = 255;

/** Orders to generate profiles (Mem0's npm client 3.3.1; not in its OpenAPI file): one user's, or those of a few. */
export const profileJobResource: Resource = {
  routes: [
    { method: "POST", path: collection, handle: startJob },
    { method: "GET", path: `${collection}{job_id}/`, handle: getJob },
  ],
  tables: [profileJobs],
};

/**
 * Answers as soon as the work is queued (202 is inferred). A repeat with the same `Idempotency-Key` starts nothing and
 * answers the first job, marked as replayed.
 * @throws {Refusal} 409 when the key came with another request before, 404 for a user nobody knows (both inferred).
 */
function startJob(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const body = call.body();
  const request = JSON.stringify(Object.entries(body).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  const key = call.idempotencyKey;
  if (key !== null && key.length > keyLengthMax) throw refusalError(400, "Idempotency-Key is too long.");
  const earlier = key === null ? undefined : jobOfKey(upstream, projectId, key);
  if (earlier !== undefined) {
    if (earlier.request === request) return json(202, startedObject(earlier, true));
    throw refusalError(409, "Idempotency-Key was used with a different request before.");
  }
  const { operation, userIds } = readOrder(upstream, projectId, body);
  const { switches } = upstream.state;
  const { enabled } = settingsOfProject(upstream, projectId);
  if (!enabled && switches.profileJobsNeedEnabled) {
    throw refusalError(400, "Profiles are not enabled for this project.");
  }
  const atMs = nowMs();
  const ended = switches.profileOutcome === "fail" ? "failed" : "succeeded";
  const job: ProfileJobRow = {
    job_id: randomUUID(),
    project_id: projectId,
    operation,
    entity_ids: userIds,
    idempotency_key: key,
    request,
    done_ms: atMs + switches.profileDelayMs,
    outcome: enabled ? ended : "skipped",
    created_ms: atMs,
    updated_ms: atMs,
    inserted_ms: atMs,
    deleted_ms: null,
  };
  upstream.state.commit([put(profileJobs, job), ...generated(upstream, job)]);
  return json(202, startedObject(job, false));
}

function jobOfKey({ state }: Upstream, projectId: string, key: string): ProfileJobRow | undefined {
  return state
    .table(profileJobs)
    .childrenOf(projectId)
    .find((job) => job.idempotency_key === key && job.deleted_ms === null);
}

interface Order {
  readonly operation: ProfileJobRow["operation"];
  readonly userIds: readonly string[];
}

/** @throws {Refusal} 400 by field (that the kind of entity must be named is the npm client's word; the rest inferred). */
function readOrder(upstream: Upstream, projectId: string, body: Readonly<Record<string, unknown>>): Order {
  const fields = new BodyFields(body);
  const operation = fields.choice("operation", ["trigger", "sample"]);
  fields.choice("entity_type", ["user"]);
  const isTrigger = operation === "trigger";
  const userId = isTrigger ? fields.text("entity_id", { isRequired: true }) : null;
  const limit = wholeNumberField(fields, "limit", { min: 1, max: sampleMax }) ?? sampleDefault;
  fields.refuseInvalid();
  const known = readableEntities(upstream, projectId).filter(({ type }) => type === "user");
  if (!isTrigger) {
    const picked = newestFirst(known).slice(0, limit);
    return { operation: "sample", userIds: picked.map(({ name }) => name) };
  }
  if (!known.some(({ name }) => name === userId)) throw refusalError(404, "Entity not found");
  return { operation: "trigger", userIds: userId === null ? [] : [userId] };
}

function startedObject(job: ProfileJobRow, isReplayed: boolean): object {
  return {
    job_id: job.job_id,
    status: "pending",
    status_url: `${collection}${job.job_id}/`,
    operation: job.operation,
    entity_type: "user",
    entity_count_reserved: job.entity_ids.length,
    event_id: null,
    replayed: isReplayed,
    ...(job.operation === "sample" ? { sampled: job.entity_ids.length, entity_ids: job.entity_ids } : {}),
  };
}

/** @throws {Refusal} 404 for a job that is unknown or another project's (inferred). */
function getJob({ state }: Upstream, call: Call): Answer {
  const job = state.table(profileJobs).get(call.param("job_id"));
  if (job?.project_id !== call.caller.projectId) throw refusalError(404, "Profile job not found");
  const isDone = nowMs() >= job.done_ms;
  const total = job.entity_ids.length;
  const ended = (outcome: ProfileJobRow["outcome"]): number =>
    isDone && job.outcome === outcome ? total : 0;
  return json(200, {
    job: {
      id: job.job_id,
      operation: job.operation,
      entity_type: "user",
      status: isDone ? (job.outcome === "failed" ? "failed" : "succeeded") : "pending",
      total: isDone ? total : null,
      enumeration_complete: isDone,
      completed: isDone ? total : 0,
      succeeded: ended("succeeded"),
      failed: ended("failed"),
      skipped: ended("skipped"),
    },
  });
}
