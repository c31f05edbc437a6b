import { createHash } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { newEntityId } from "./entity-rows.ts";
import { metadataField } from "./memory-fields.ts";
import {
  type EntityRow,
  type EntityType,
  entities,
  entityTypeOf,
  type ScopeField,
  scopeFields,
} from "./memory-rows.ts";
import { projectToWrite } from "./memory-scope.ts";
import { refusalFields } from "./refusal.ts";
import type { Resource, Route, Upstream } from "./resource.ts";
import { put } from "./table.ts";

/** `POST /v1/users/`, `/v1/agents/`, `/v1/apps/`, `/v1/runs/`: an entity by itself, before any memory names it. */
export const entityCreateResource: Resource = {
  routes: scopeFields.map((field): Route => {
    const path = `/v1/${entityTypeOf[field]}s/`;
    return { method: "POST", path, handle: (upstream, call) => createEntity(upstream, call, field) };
  }),
  tables: [],
};

/**
 * Users have no name beside their id, all others must (Mem0 OpenAPI). What is there already is answered again, with new
 * metadata and name if given, or refused (a switch: nobody knows).
 */
function createEntity(upstream: Upstream, call: Call, field: ScopeField): Answer {
  const { state } = upstream;
  const body = call.body();
  const projectId = projectToWrite(upstream, call, body);
  const type = entityTypeOf[field];
  const fields = new BodyFields(body);
  const name = fields.text(field, { isRequired: true });
  const label = type === "user" ? null : fields.text("name", { isRequired: true });
  const metadata = metadataField(fields, state.switches);
  fields.refuseInvalid();
  const existing = livingEntity(upstream, projectId, type, name ?? "");
  if (existing !== undefined && state.switches.existingEntity === "refuse") {
    throw refusalFields({ [field]: [`${type} with this ${field} already exists.`] });
  }
  const atMs = nowMs();
  const fresh = {
    entity_id: newEntityId(),
    project_id: projectId,
    type,
    name: name ?? "",
    owner: call.caller.user.username,
    visible_ms: atMs,
    created_ms: atMs,
    inserted_ms: atMs,
    deleted_ms: null,
  };
  const row: EntityRow = {
    ...fresh,
    ...existing,
    visible_ms: Math.min(existing?.visible_ms ?? atMs, atMs),
    metadata: metadata ?? existing?.metadata ?? null,
    label: label ?? existing?.label ?? null,
    updated_ms: atMs,
  };
  state.commit([put(entities, row)]);
  return json(201, createdObject(upstream, row, field));
}

function livingEntity(
  { state }: Upstream,
  projectId: string,
  type: EntityType,
  name: string,
): EntityRow | undefined {
  return state
    .table(entities)
    .childrenOf(projectId)
    .find((entity) => entity.deleted_ms === null && entity.type === type && entity.name === name);
}

function createdObject({ state }: Upstream, row: EntityRow, field: ScopeField): object {
  return {
    id: Number(row.entity_id),
    [field]: row.name,
    ...(row.type === "user" ? {} : { name: row.label }),
    metadata: row.metadata ?? {},
    created_at: formatDate(row.created_ms, state.switches.dates),
    updated_at: formatDate(row.updated_ms, state.switches.dates),
    graph_entities: null,
    is_deleted: false,
    project: projectNumber(row.project_id),
  };
}

/** The number that a project has inside the real service; here always the same one for the same id. */
function projectNumber(projectId: string): number {
  return createHash("sha256").update(projectId).digest().readUInt32BE(0);
}
