import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { singleRemoval } from "./emptied-entities.ts";
import { noteCall } from "./events.ts";
import { readChange, refuseImmutable } from "./memory-change-input.ts";
import { updateOf } from "./memory-changes.ts";
import { deleteMatching } from "./memory-delete-all.ts";
import { memoryOf } from "./memory-id.ts";
import { wholeMemory } from "./memory-object.ts";
import { readableMemories } from "./memory-reads.ts";
import { type MemoryRow, memories } from "./memory-rows.ts";
import { projectOfEvent, projectToWrite } from "./memory-scope.ts";
import type { Resource, Upstream } from "./resource.ts";

const single = "/v1/memories/{memory_id}/";

/**
 * One memory by id, and delete-all. The single route catches every path of its form, also `/v1/memories/batch/`, and
 * judges the id afterwards (seen live): more special paths are registered before it.
 */
export const memoryResource: Resource = {
  routes: [
    { method: "DELETE", path: "/v1/memories/", handle: deleteMatching },
    { method: "GET", path: single, handle: getMemory },
    { method: "PUT", path: single, handle: updateMemory },
    { method: "DELETE", path: single, handle: deleteMemory },
  ],
  tables: [memories],
};

/** Expired memories too (Mem0 OpenAPI). */
function getMemory(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const memory = memoryOf(upstream, call, projectId);
  noteCall(upstream, { projectId, type: "GET", payload: { memory_id: memory.memory_id } });
  return json(200, wholeMemory(upstream, memory));
}

/** The whole memory comes back (Mem0's npm client calls it a list: a switch). */
function updateMemory(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const { switches } = upstream.state;
  const projectId = projectToWrite(upstream, call, body);
  const memory = memoryOf(upstream, call, projectId);
  const change = readChange(body, switches);
  refuseImmutable(memory, switches);
  const { changed, puts } = updateOf(upstream, memory, change);
  upstream.state.commit(puts);
  const { timestamp: _, ...payload } = body;
  noteCall(upstream, {
    projectId: projectOfEvent(upstream, call, projectId),
    type: "UPDATE",
    payload: { ...payload, memory_id: memory.memory_id },
  });
  const shown = wholeMemory(upstream, changed);
  return json(200, switches.updateAnswer === "list" ? [shown] : shown);
}

/** At once. With `delete_linked` also what it replaced or was replaced by, and the count of these (the link is inferred). */
function deleteMemory(upstream: Upstream, call: Call): Answer {
  const projectId = projectToWrite(upstream, call);
  const memory = memoryOf(upstream, call, projectId);
  const withLinked = /^(true|1)$/i.test(call.query.get("delete_linked") ?? "");
  const linked = withLinked ? linkedTo(memory, readableMemories(upstream, memory.project_id)) : [];
  upstream.state.commit(singleRemoval(upstream, [memory, ...linked], nowMs()));
  noteCall(upstream, { projectId, type: "DELETE", payload: { memory_id: memory.memory_id } });
  const message = "Memory deleted successfully!";
  return json(200, withLinked ? { message, cascade_count: linked.length } : { message });
}

/** Everything that hangs together with the memory by replacing, over any number of steps; without itself. */
function linkedTo(memory: MemoryRow, all: readonly MemoryRow[]): readonly MemoryRow[] {
  const found = new Set([memory]);
  for (const member of found) {
    for (const other of all) {
      const isLinked =
        member.linked_memory_ids.includes(other.memory_id) ||
        other.linked_memory_ids.includes(member.memory_id);
      if (isLinked) found.add(other);
    }
  }
  found.delete(memory);
  return [...found];
}
