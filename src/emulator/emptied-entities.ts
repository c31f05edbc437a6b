import { entityRemoval, fieldOf, readableEntities } from "./entity-rows.ts";
import { removalOf } from "./memory-changes.ts";
import { readableMemories } from "./memory-reads.ts";
import type { EntityRow, MemoryRow } from "./memory-rows.ts";
import { namedIds } from "./memory-scope.ts";
import type { Upstream } from "./resource.ts";
import type { Put } from "./table.ts";

/**
 * The memories are gone from that moment on, one by one or in a batch: as `removalOf`, and under a switch with the entities
 * that have no memory left (inferred: that they stay). All must be of one project.
 */
export function singleRemoval(
  upstream: Upstream,
  removed: readonly MemoryRow[],
  deletedMs: number,
): readonly Put[] {
  const puts = removalOf(removed, deletedMs);
  const projectId = removed[0]?.project_id;
  if (projectId === undefined || upstream.state.switches.emptiedEntity !== "always-goes") return puts;
  const emptied = withoutMemories(upstream, projectId, removed).filter(namedBy(removed));
  return [...puts, ...emptied.flatMap((entity) => entityRemoval(upstream, entity, deletedMs))];
}

/** The living entities of the project that have no memory left once these are gone. */
export function withoutMemories(
  upstream: Upstream,
  projectId: string,
  removed: readonly MemoryRow[],
): readonly EntityRow[] {
  const going = new Set(removed.map(({ memory_id }) => memory_id));
  const left = readableMemories(upstream, projectId).filter(
    (memory) => memory.deleted_ms === null && !going.has(memory.memory_id),
  );
  const isHeld = namedBy(left);
  return readableEntities(upstream, projectId).filter(
    (entity) => entity.deleted_ms === null && !isHeld(entity),
  );
}

/** Does one of these memories name the entity? */
export function namedBy(memories: readonly MemoryRow[]): (entity: EntityRow) => boolean {
  const holding = new Set(memories.flatMap(holders));
  return ({ type, name }) => holding.has(`${fieldOf(type)} ${name}`);
}

function holders(memory: MemoryRow): readonly string[] {
  return namedIds(memory).map(([field, id]) => `${field} ${id}`);
}
