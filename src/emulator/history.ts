import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { fieldOf } from "./entity-rows.ts";
import { inListOrder } from "./list-order.ts";
import { memoryIdOf, projectReached } from "./memory-id.ts";
import { historyObject } from "./memory-object.ts";
import { isReadable, readableMemories, shownCategories } from "./memory-reads.ts";
import { entityTypes, type HistoryRow, history, type MemoryRow, memories } from "./memory-rows.ts";
import { pageOf, readPage } from "./page.ts";
import { refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";

const ofProject = "/v1/memories/events/";

/** What happened to memories: to one, and in the whole project; and an entity's memories. Registered before the single route. */
export const historyResource: Resource = {
  routes: [
    { method: "GET", path: ofProject, handle: listProjectHistory },
    { method: "GET", path: "/v1/memories/{memory_id}/history/", handle: listMemoryHistory },
    { method: "GET", path: "/v1/memories/{entity_type}/{entity_id}/", handle: listEntityMemories },
  ],
  tables: [history],
};

/**
 * A bare array, oldest first; kept after deletion, and empty for an id nobody knows (all three inferred, and switches).
 * @throws {Refusal} 404 for that under its switch.
 */
function listMemoryHistory(upstream: Upstream, call: Call): Answer {
  const memoryId = memoryIdOf(call);
  const { switches } = upstream.state;
  const projectId = projectReached(upstream, call, call.caller.projectId, memoryId);
  const isForgotten = !switches.historyOutlivesMemory && isDeleted(upstream, memoryId);
  const sign = switches.historyOrder === "oldest" ? 1 : -1;
  const entries = readableHistory(upstream, projectId)
    .filter((entry) => entry.memory_id === memoryId && !isForgotten)
    .toSorted((left, right) => sign * (left.created_ms - right.created_ms));
  if (entries.length === 0 && switches.unknownHistory === "404") throw refusalError(404, "Memory not found!");
  return json(
    200,
    entries.map((entry) => historyObject(upstream, entry)),
  );
}

/** Newest first (inferred). Filters in the query have no effect (a commit in Mem0's repository). */
function listProjectHistory(upstream: Upstream, call: Call): Answer {
  const sizeMax = upstream.state.switches.historyPageSizeMax;
  const rule = { sizeName: "limit", sizeDefault: Math.min(100, sizeMax), sizeMax };
  const asked = readPage(call, rule, { address: `${call.origin}${ofProject}` });
  const entries = inListOrder(upstream, readableHistory(upstream, call.caller.projectId));
  return json(
    200,
    pageOf(entries, asked, (entry) => historyObject(upstream, entry)),
  );
}

/** 100 a page, newest first (inferred). @throws {Refusal} 400 for a type that does not exist (Mem0 OpenAPI). */
function listEntityMemories(upstream: Upstream, call: Call): Answer {
  const type = entityTypes.find((known) => known === call.param("entity_type"));
  if (type === undefined) throw refusalError(400, "Invalid entity type");
  const name = call.param("entity_id");
  const field = fieldOf(type);
  const address = `${call.origin}/v1/memories/${type}/${encodeURIComponent(name)}/`;
  const asked = readPage(call, { sizeName: null, sizeDefault: 100, sizeMax: 100 }, { address });
  const found = readableMemories(upstream, call.caller.projectId).filter((memory) => memory[field] === name);
  return json(
    200,
    pageOf(inListOrder(upstream, found), asked, (memory) => entityMemory(upstream, memory)),
  );
}

function entityMemory({ state }: Upstream, memory: MemoryRow): object {
  return {
    id: memory.memory_id,
    memory: memory.memory,
    metadata: memory.metadata,
    categories: shownCategories(memory),
    created_at: formatDate(memory.created_ms, state.switches.dates),
    updated_at: formatDate(memory.updated_ms, state.switches.dates),
    input: memory.input,
    is_updated: memory.updated_ms !== memory.visible_ms,
  };
}

function isDeleted({ state }: Upstream, memoryId: string): boolean {
  const deletedMs = state.table(memories).getEvenDeleted(memoryId)?.deleted_ms ?? null;
  return deletedMs !== null && deletedMs <= nowMs();
}

function readableHistory({ state }: Upstream, projectId: string): readonly HistoryRow[] {
  const atMs = nowMs();
  return state
    .table(history)
    .childrenOf(projectId)
    .filter((entry) => isReadable(entry, atMs));
}
