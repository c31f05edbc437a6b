import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { entityRemoval, fieldOf, readableEntities } from "./entity-rows.ts";
import { newEvent } from "./events.ts";
import { inListOrder } from "./list-order.ts";
import { categoryNames } from "./memory-categories.ts";
import { ownCategories, removalOf } from "./memory-changes.ts";
import { deletionStarted } from "./memory-delete-all.ts";
import { readableMemories } from "./memory-reads.ts";
import { type EntityRow, type EntityType, entities, entityTypes, events, eventTypes } from "./memory-rows.ts";
import { projectToWrite } from "./memory-scope.ts";
import { pageOf, readPage } from "./page.ts";
import { refusalError, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { put } from "./table.ts";

const collection = "/v1/entities/";
const single = "/v2/entities/{entity_type}/{entity_id}/";

/** Users, agents, apps and runs of the key's project: list, get and delete. They come into being by adding, or by `entity-create.ts`. */
export const entityResource: Resource = {
  routes: [
    { method: "GET", path: collection, handle: listEntities },
    { method: "GET", path: "/v1/entities/filters/", handle: listFilters },
    { method: "DELETE", path: "/v1/entities/{entity_type}/{entity_id}/", handle: deleteEntityByNumber },
    { method: "GET", path: single, handle: getEntity },
    { method: "DELETE", path: single, handle: deleteEntity },
  ],
  tables: [entities],
};

/** Newest first (inferred); the totals are of all pages. A bare array on older servers (docs before 2026, a switch). */
function listEntities(upstream: Upstream, call: Call): Answer {
  const { entityPageSizeMax: sizeMax, entityList } = upstream.state.switches;
  const shown = inListOrder(upstream, readableEntities(upstream, call.caller.projectId));
  if (entityList === "bare")
    return json(
      200,
      shown.map((entity) => entityObject(upstream, entity)),
    );
  const rule = { sizeName: "page_size", sizeDefault: Math.min(100, sizeMax), sizeMax };
  const asked = readPage(call, rule, { address: `${call.origin}${collection}` });
  const total = (type: EntityType): number => shown.filter((entity) => entity.type === type).length;
  return json(200, {
    ...pageOf(shown, asked, (entity) => entityObject(upstream, entity)),
    total_users: total("user"),
    total_agents: total("agent"),
    total_apps: total("app"),
    total_runs: total("run"),
  });
}

/** A bare array, empty for a name nobody has (the array is Mem0 OpenAPI, the empty one inferred, and a switch). */
function getEntity(upstream: Upstream, call: Call): Answer {
  const { type, name } = readEntity(call);
  const named = readableEntities(upstream, call.caller.projectId).filter(
    (entity) => entity.type === type && entity.name === name,
  );
  if (named.length === 0 && upstream.state.switches.unknownEntity === "404") {
    throw refusalMessage(404, "Entity not found");
  }
  return json(
    200,
    named.map((entity) => entityObject(upstream, entity)),
  );
}

/** Takes every memory that names the entity along. A second time, or for a name nobody has: the same answer (seen live). */
function deleteEntity(upstream: Upstream, call: Call): Answer {
  const { type, name } = readEntity(call);
  return removeEntity(upstream, call, type, name);
}

/**
 * The old way, by the number that lists show as `id`. A number nobody has answers as a name nobody has does (inferred).
 * @throws {Refusal} 400 for what is no whole number (Mem0 OpenAPI), and for a type that does not exist (envelope inferred).
 */
function deleteEntityByNumber(upstream: Upstream, call: Call): Answer {
  const type = entityTypes.find((known) => known === call.param("entity_type"));
  if (type === undefined) throw refusalError(400, "Invalid entity type");
  const number = call.param("entity_id");
  if (!/^\d+$/.test(number)) throw refusalError(400, "Invalid entity ID. Must be an integer.");
  const entity = readableEntities(upstream, call.caller.projectId).find(
    (candidate) => candidate.type === type && candidate.entity_id === number,
  );
  return removeEntity(upstream, call, type, entity?.name ?? null);
}

/** `name` is null when nobody is meant: then there is an event all the same, and nothing else. */
function removeEntity(upstream: Upstream, call: Call, type: EntityType, name: string | null): Answer {
  const projectId = projectToWrite(upstream, call);
  const takesMs = upstream.state.switches.deleteAllDelayMs;
  const payload = { entity_type: type, entity_id: call.param("entity_id") };
  const event = newEvent({ projectId, type: "DELETE_USER", payload, takesMs });
  const field = fieldOf(type);
  const removed = readableMemories(upstream, projectId).filter(
    (memory) => name !== null && memory[field] === name && memory.deleted_ms === null,
  );
  const named = readableEntities(upstream, projectId).filter(
    (entity) => entity.type === type && entity.name === name && entity.deleted_ms === null,
  );
  const deletedMs = nowMs() + takesMs;
  upstream.state.commit([
    put(events, event),
    ...removalOf(removed, deletedMs),
    ...named.flatMap((entity) => entityRemoval(upstream, entity, deletedMs)),
  ]);
  return deletionStarted(upstream, event.event_id);
}

/**
 * What the dashboard offers to filter by: the types of events, the project's categories (its own, else the default ones), its
 * users, and the fields of its form (names, labels and kinds inferred).
 */
function listFilters(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const users = readableEntities(upstream, projectId)
    .filter(({ type }) => type === "user")
    .map(({ name }) => name);
  const categories = categoryNames(ownCategories(upstream, projectId));
  const field = (name: string, label: string, values: readonly string[]): object => ({
    name,
    label,
    type: "select",
    placeholder: `Select ${label.toLowerCase()}`,
    options: values.map((value) => ({ value, label: value })),
  });
  return json(200, {
    event_type: eventTypes,
    categories,
    users,
    parameters: [
      field("event_type", "Event type", eventTypes),
      field("categories", "Categories", categories),
      field("user_id", "User", users),
    ],
  });
}

/** @throws {Refusal} 400 for a type that does not exist. */
function readEntity(call: Call): { readonly type: EntityType; readonly name: string } {
  const type = entityTypes.find((known) => known === call.param("entity_type"));
  if (type === undefined) throw refusalMessage(400, "Invalid entity type");
  return { type, name: call.param("entity_id") };
}

function entityObject({ state }: Upstream, entity: EntityRow): object {
  return {
    id: entity.entity_id,
    name: entity.name,
    type: entity.type,
    owner: entity.owner,
    metadata: entity.metadata,
    created_at: formatDate(entity.created_ms, state.switches.dates),
    updated_at: formatDate(entity.updated_ms, state.switches.dates),
  };
}
