import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { singleRemoval } from "./emptied-entities.ts";
import { noteCall } from "./events.ts";
import { readChange, refuseImmutable } from "./memory-change-input.ts";
import { type MemoryChange, updateOf } from "./memory-changes.ts";
import { isDictionary } from "./memory-fields.ts";
import { isUuid } from "./memory-id.ts";
import { readableMemory } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfEvent, projectToWrite } from "./memory-scope.ts";
import { Refusal, refusalError, refusalFields } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import type { Put } from "./table.ts";

const path = "/v1/batch/";

/** Most memories of one request (Mem0 OpenAPI). */
const memoriesMax = 1000;

/**
 * Many memories at once, all of them or none; unknown ids are passed over, and the count is of what changed (inferred, two
 * switches).
 */
export const memoryBatchResource: Resource = {
  routes: [
    { method: "PUT", path, handle: updateMemories },
    { method: "DELETE", path, handle: deleteMemories },
  ],
  tables: [],
};

function updateMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectToWrite(upstream, call, body);
  const changed = new Map<string, MemoryRow>();
  const puts: Put[] = [];
  for (const { memoryId, item } of readItems(body, "updated")) {
    const memory = changed.get(memoryId) ?? knownMemory(upstream, projectId, memoryId);
    const change = changeOf(upstream, memory, item);
    if (memory === undefined || change === null) continue;
    const update = updateOf(upstream, memory, change);
    changed.set(memoryId, update.changed);
    puts.push(...update.puts);
  }
  upstream.state.commit(puts);
  noteCall(upstream, {
    projectId: projectOfEvent(upstream, call, projectId),
    type: "UPDATE",
    payload: body,
  });
  return json(200, { message: `Successfully updated ${changed.size} memories` });
}

/** What an item changes. @throws {Refusal} 400 for what cannot be; null where a switch passes that over. */
function changeOf(
  { state: { switches } }: Upstream,
  memory: MemoryRow | undefined,
  { text, metadata }: BatchItem["item"],
): MemoryChange | null {
  try {
    const given = {
      ...(text === undefined ? {} : { text }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    const change = readChange(given, switches);
    if (memory !== undefined) refuseImmutable(memory, switches);
    return change;
  } catch (error) {
    if (error instanceof Refusal && !switches.batchIsWhole) return null;
    throw error;
  }
}

/** @throws {Refusal} 404 for an unknown one, under a switch. */
function knownMemory(upstream: Upstream, projectId: string, memoryId: string): MemoryRow | undefined {
  const memory = readableMemory(upstream, projectId, memoryId);
  if (memory === undefined && upstream.state.switches.batchUnknownIds === "refuse") {
    throw refusalError(404, "Memory not found!");
  }
  return memory;
}

function deleteMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectToWrite(upstream, call, body);
  const ids = new Set(readItems(body, "deleted").map(({ memoryId }) => memoryId));
  const removed = [...ids].flatMap((memoryId) => {
    const memory = knownMemory(upstream, projectId, memoryId);
    return memory === undefined ? [] : [memory];
  });
  upstream.state.commit(singleRemoval(upstream, removed, nowMs()));
  noteCall(upstream, {
    projectId: projectOfEvent(upstream, call, projectId),
    type: "DELETE",
    payload: body,
  });
  return json(200, { message: `Successfully deleted ${removed.length} memories` });
}

interface BatchItem {
  readonly memoryId: string;
  readonly item: Readonly<Record<string, unknown>>;
}

/** @throws {Refusal} 400 for too many (Mem0 OpenAPI), and for what is no list of objects with a UUID (inferred). */
function readItems(body: Readonly<Record<string, unknown>>, deed: string): readonly BatchItem[] {
  const { memories } = body;
  if (memories === undefined) throw refusalFields({ memories: ["This field is required."] });
  if (!Array.isArray(memories)) throw refusalFields({ memories: ["Expected a list of items."] });
  if (memories.length > memoriesMax) {
    throw refusalError(400, `Maximum of ${memoriesMax} memories can be ${deed} in a single request`);
  }
  return memories.map((item: unknown) => {
    const memoryId = isDictionary(item) ? item["memory_id"] : undefined;
    if (!isDictionary(item) || typeof memoryId !== "string" || !isUuid(memoryId)) {
      throw refusalError(400, "memory_id should be a valid UUID");
    }
    return { memoryId: memoryId.toLowerCase(), item };
  });
}
