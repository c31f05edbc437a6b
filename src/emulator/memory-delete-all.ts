import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { namedBy, withoutMemories } from "./emptied-entities.ts";
import { entityRemoval, fieldOf } from "./entity-rows.ts";
import { newEvent } from "./events.ts";
import { metadata as metadataRule } from "./filter-fields.ts";
import { removalOf } from "./memory-changes.ts";
import { readableMemories } from "./memory-reads.ts";
import { type EntityRow, events, type MemoryRow, type ScopeField, scopeFields } from "./memory-rows.ts";
import { projectToWrite } from "./memory-scope.ts";
import { refusalError, refusalFields } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import type { Switches } from "./switches.ts";
import { put } from "./table.ts";

/**
 * `DELETE /v1/memories/?user_id=…`: everything that matches, of the key's own project. Only the query counts; `*` is
 * every memory that has an id of that type, and four of them are everything (Mem0 docs, delete). Soft; behind an event, but unless a switch delays it no read shows the
 * memories any more (seen live). An entity that is named and has no memory left goes too: in the real database it is
 * renamed `<name>_deleted_<time>` (maintainers' notes).
 */
export function deleteMatching(upstream: Upstream, call: Call): Answer {
  const projectId = projectToWrite(upstream, call);
  const { switches } = upstream.state;
  const asked = readAsked(call, switches);
  const removed = readableMemories(upstream, projectId).filter(
    (memory) => memory.deleted_ms === null && asked.test(memory),
  );
  const takesMs = switches.deleteAllDelayMs;
  const deletedMs = nowMs() + takesMs;
  const event = newEvent({ projectId, type: "DELETE_ALL", payload: asked.payload, takesMs });
  const emptied = withoutMemories(upstream, projectId, removed).filter(goesWith(asked, removed, switches));
  upstream.state.commit([
    put(events, event),
    ...removalOf(removed, deletedMs),
    ...emptied.flatMap((entity) => entityRemoval(upstream, entity, deletedMs)),
  ]);
  return deletionStarted(upstream, event.event_id);
}

/** What delete-all and an entity's deletion answer (Mem0 OpenAPI, seen live; old docs: 204, a switch). */
export function deletionStarted({ state }: Upstream, eventId: string): Answer {
  if (state.switches.deletesAnswer204) return { ...json(204, null), text: "" };
  return json(200, { message: "Delete in progress. This may take some time.", event_id: eventId });
}

/** Which entities go with their last memory: those that the query names (inferred; a switch has all or none). */
function goesWith(
  { ids }: Asked,
  removed: readonly MemoryRow[],
  { emptiedEntity }: Switches,
): (entity: EntityRow) => boolean {
  if (emptiedEntity === "stays") return () => false;
  const hasLost = emptiedEntity === "always-goes" ? namedBy(removed) : () => false;
  return (entity) =>
    hasLost(entity) ||
    ids.some(([field, id]) => field === fieldOf(entity.type) && (id === "*" || id === entity.name));
}

interface Asked {
  readonly ids: readonly (readonly [ScopeField, string])[];
  readonly payload: Readonly<Record<string, unknown>>;
  readonly test: (memory: MemoryRow) => boolean;
}

/** @throws {Refusal} 400 without a filter (inferred words, a switch), or for metadata that is no JSON object (inferred). */
function readAsked({ query }: Call, switches: Switches): Asked {
  const given = scopeFields.flatMap((field): (readonly [ScopeField, string])[] => {
    const id = query.get(field);
    return id === null || id === "" ? [] : [[field, id]];
  });
  const ids = switches.deleteAllHeedsFirstIdOnly ? given.slice(0, 1) : given;
  const written = query.get("metadata") ?? "";
  if (given.length === 0 && written === "" && switches.deleteAllWithoutFilter === "refuse") {
    throw refusalError(
      400,
      "At least one filter is required to delete memories. Pass user_id, agent_id, app_id, run_id or metadata.",
    );
  }
  const metadata = written === "" ? {} : parseMetadata(written);
  const { test: hasMetadata } = metadataRule("metadata", metadata, switches);
  const isEverything = ids.length === scopeFields.length && ids.every(([, id]) => id === "*");
  return {
    ids,
    payload: { ...Object.fromEntries(given), ...(written === "" ? {} : { metadata }) },
    test: (memory) =>
      (isEverything ||
        ids.every(([field, id]) => (id === "*" ? memory[field] !== null : memory[field] === id))) &&
      hasMetadata(memory),
  };
}

function parseMetadata(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    throw refusalFields({ metadata: ["Value must be valid JSON."] });
  }
}
