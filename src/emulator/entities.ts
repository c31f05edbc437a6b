import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { entityRemoval, fieldOf, readableEntities } from "./entity-rows.ts";
import { newEvent } from "./events.ts";
import { removalOf } from "./memory-changes.ts";
import { readableMemories } from "./memory-reads.ts";
import { type EntityRow, type EntityType, entities, entityTypes, events } from "./memory-rows.ts";
import { pageOf, readPage } from "./page.ts";
import { refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { put } from "./table.ts";

const collection = "/v1/entities/";
const single = "/v2/entities/{entity_type}/{entity_id}/";

/** Users, agents, apps and runs of the key's project: list, get and delete by name. They come into being by adding. */
export const entityResource: Resource = {
  routes: [
    { method: "GET", path: collection, handle: listEntities },
    { method: "GET", path: single, handle: getEntity },
    { method: "DELETE", path: single, handle: deleteEntity },
  ],
  tables: [entities],
};

/** Newest first (inferred); the totals are of all pages. */
function listEntities(upstream: Upstream, call: Call): Answer {
  const asked = readPage(
    call,
    { sizeName: "page_size", sizeDefault: 100, sizeMax: 200 },
    { address: `${call.origin}${collection}` },
  );
  const shown = newestFirst(readableEntities(upstream, call.caller.projectId));
  const total = (type: EntityType): number => shown.filter((entity) => entity.type === type).length;
  return json(200, {
    ...pageOf(shown, asked, (entity) => entityObject(upstream, entity)),
    total_users: total("user"),
    total_agents: total("agent"),
    total_apps: total("app"),
    total_runs: total("run"),
  });
}

/** A bare array, empty for a name nobody has (the array is Mem0 OpenAPI, the empty one inferred). */
function getEntity(upstream: Upstream, call: Call): Answer {
  const { type, name } = readEntity(call);
  const named = readableEntities(upstream, call.caller.projectId).filter(
    (entity) => entity.type === type && entity.name === name,
  );
  return json(
    200,
    named.map((entity) => entityObject(upstream, entity)),
  );
}

/** Takes every memory that names the entity along. A second time, or for a name nobody has: the same answer (seen live). */
function deleteEntity(upstream: Upstream, call: Call): Answer {
  const { type, name } = readEntity(call);
  const { projectId } = call.caller;
  const takesMs = upstream.state.switches.deleteAllDelayMs;
  const payload = { entity_type: type, entity_id: name };
  const event = newEvent({ projectId, type: "DELETE_USER", payload, takesMs });
  const field = fieldOf(type);
  const removed = readableMemories(upstream, projectId).filter(
    (memory) => memory[field] === name && memory.deleted_ms === null,
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
  const message = "Delete in progress. This may take some time.";
  return json(200, { message, event_id: event.event_id });
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
