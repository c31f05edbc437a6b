import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noteCall } from "./events.ts";
import { readChange, refuseImmutable } from "./memory-change-input.ts";
import { removalOf, updateOf } from "./memory-changes.ts";
import { isDictionary } from "./memory-fields.ts";
import { isUuid } from "./memory-id.ts";
import { readableMemory } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { refusalError, refusalFields } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import type { Put } from "./table.ts";

const path = "/v1/batch/";

/** Most memories of one request (Mem0 OpenAPI). */
const memoriesMax = 1000;

/** Many memories at once, all of them or none. Unknown ids are passed over, and the count is of what changed (inferred). */
export const memoryBatchResource: Resource = {
  routes: [
    { method: "PUT", path, handle: updateMemories },
    { method: "DELETE", path, handle: deleteMemories },
  ],
  tables: [],
};

function updateMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const changed = new Map<string, MemoryRow>();
  const puts: Put[] = [];
  for (const { memoryId, item } of readItems(body, "updated")) {
    const memory = changed.get(memoryId) ?? readableMemory(upstream, projectId, memoryId);
    const { text, metadata } = item;
    const change = readChange(
      { ...(text === undefined ? {} : { text }), ...(metadata === undefined ? {} : { metadata }) },
      upstream.state.switches,
    );
    if (memory === undefined) continue;
    refuseImmutable(memory);
    const update = updateOf(upstream, memory, change);
    changed.set(memoryId, update.changed);
    puts.push(...update.puts);
  }
  upstream.state.commit(puts);
  noteCall(upstream, { projectId, type: "UPDATE", payload: body });
  return json(200, { message: `Successfully updated ${changed.size} memories` });
}

function deleteMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const ids = new Set(readItems(body, "deleted").map(({ memoryId }) => memoryId));
  const removed = [...ids].flatMap((memoryId) => {
    const memory = readableMemory(upstream, projectId, memoryId);
    return memory === undefined ? [] : [memory];
  });
  upstream.state.commit(removalOf(removed, nowMs()));
  noteCall(upstream, { projectId, type: "DELETE", payload: body });
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
