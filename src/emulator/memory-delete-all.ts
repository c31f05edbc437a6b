import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { entityRemoval, fieldOf, readableEntities } from "./entity-rows.ts";
import { newEvent } from "./events.ts";
import { metadata as metadataRule } from "./filter-fields.ts";
import { removalOf } from "./memory-changes.ts";
import { readableMemories } from "./memory-reads.ts";
import { type EntityRow, events, type MemoryRow, type ScopeField, scopeFields } from "./memory-rows.ts";
import { namedIds } from "./memory-scope.ts";
import { refusalError, refusalFields } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { put } from "./table.ts";

/**
 * `DELETE /v1/memories/?user_id=…`: everything that matches, of the key's own project. Only the query counts; `*` is
 * every memory that has an id of that type. Soft; behind an event, but unless a switch delays it no read shows the
 * memories any more (seen live). An entity that is named and has no memory left goes too: in the real database it is
 * renamed `<name>_deleted_<time>` (maintainers' notes).
 */
export function deleteMatching(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const { switches } = upstream.state;
  const asked = readAsked(call, switches.deleteAllHeedsFirstIdOnly);
  const readable = readableMemories(upstream, projectId).filter((memory) => memory.deleted_ms === null);
  const removed = readable.filter(asked.test);
  const takesMs = switches.deleteAllDelayMs;
  const deletedMs = nowMs() + takesMs;
  const event = newEvent({ projectId, type: "DELETE_ALL", payload: asked.payload, takesMs });
  const left = readable.filter((memory) => !asked.test(memory));
  const emptied = namedEntities(upstream, projectId, asked.ids).filter(isEmptyIn(left));
  upstream.state.commit([
    put(events, event),
    ...removalOf(removed, deletedMs),
    ...emptied.flatMap((entity) => entityRemoval(upstream, entity, deletedMs)),
  ]);
  const message = "Delete in progress. This may take some time.";
  return json(200, { message, event_id: event.event_id });
}

/** Has an entity no memory among these? */
function isEmptyIn(left: readonly MemoryRow[]): (entity: EntityRow) => boolean {
  const held = new Set(left.flatMap((memory) => namedIds(memory).map(([field, id]) => `${field} ${id}`)));
  return (entity) => !held.has(`${fieldOf(entity.type)} ${entity.name}`);
}

interface Asked {
  readonly ids: readonly (readonly [ScopeField, string])[];
  readonly payload: Readonly<Record<string, unknown>>;
  readonly test: (memory: MemoryRow) => boolean;
}

/** @throws {Refusal} 400 without a filter (inferred words), or for metadata that is no JSON object (inferred). */
function readAsked({ query }: Call, heedsFirstOnly: boolean): Asked {
  const given = scopeFields.flatMap((field): (readonly [ScopeField, string])[] => {
    const id = query.get(field);
    return id === null || id === "" ? [] : [[field, id]];
  });
  const ids = heedsFirstOnly ? given.slice(0, 1) : given;
  const written = query.get("metadata") ?? "";
  if (given.length === 0 && written === "") {
    throw refusalError(
      400,
      "At least one filter is required to delete memories. Pass user_id, agent_id, app_id, run_id or metadata.",
    );
  }
  const metadata = written === "" ? {} : parseMetadata(written);
  const { test: hasMetadata } = metadataRule("metadata", metadata);
  return {
    ids,
    payload: { ...Object.fromEntries(given), ...(written === "" ? {} : { metadata }) },
    test: (memory) =>
      ids.every(([field, id]) => (id === "*" ? memory[field] !== null : memory[field] === id)) &&
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

function namedEntities(
  upstream: Upstream,
  projectId: string,
  ids: readonly (readonly [ScopeField, string])[],
): readonly EntityRow[] {
  return readableEntities(upstream, projectId).filter(
    (entity) =>
      entity.deleted_ms === null &&
      ids.some(([field, id]) => field === fieldOf(entity.type) && (id === "*" || id === entity.name)),
  );
}
