import { randomInt } from "node:crypto";
import { nowMs } from "./clock.ts";
import { livingEntity } from "./living-entities.ts";
import { isReadable } from "./memory-reads.ts";
import {
  type EntityRow,
  type EntityType,
  entities,
  entityTypeOf,
  type MemoryRow,
  memories,
  type ScopeField,
  scopeFields,
} from "./memory-rows.ts";
import { namedIds } from "./memory-scope.ts";
import type { Upstream } from "./resource.ts";
import { type Put, put } from "./table.ts";

/**
 * What the new memories change of the entities: every one they name exists as soon as the memory shows; what a project
 * knows already stays the same one (Mem0 OpenAPI: entities come into being by adding).
 */
export function entitiesOf(upstream: Upstream, added: readonly MemoryRow[], owner: string): readonly Put[] {
  const changed = new Map<string, EntityRow>();
  const puts = new Map<string, Put>();
  for (const memory of added) {
    for (const [field, name] of namedIds(memory)) {
      const type = entityTypeOf[field];
      const known =
        changed.get(keyOf(type, name)) ?? livingEntity(upstream, memory.project_id, { type, name });
      if (known !== undefined && known.visible_ms <= memory.visible_ms) continue;
      const row = known ?? newEntity(memory, type, name, owner);
      const sooner = { ...row, visible_ms: Math.min(row.visible_ms, memory.visible_ms) };
      changed.set(keyOf(type, name), sooner);
      puts.set(keyOf(type, name), put(entities, sooner));
    }
  }
  return [...puts.values()];
}

/**
 * The entity is gone from that moment on (soft). What was added and is not processed yet comes to a new entity of the
 * same name. Nothing to change when the project has no such entity.
 */
export function entityRemoval(upstream: Upstream, entity: EntityRow, deletedMs: number): readonly Put[] {
  const removed = put(entities, { ...entity, deleted_ms: deletedMs });
  const field = fieldOf(entity.type);
  const atMs = nowMs();
  const coming = upstream.state
    .table(memories)
    .childrenOf(entity.project_id)
    .filter(
      (memory) => memory.visible_ms > atMs && memory.deleted_ms === null && memory[field] === entity.name,
    )
    .toSorted((left, right) => left.visible_ms - right.visible_ms)[0];
  if (coming === undefined) return [removed];
  return [removed, put(entities, newEntity(coming, entity.type, entity.name, entity.owner))];
}

/** Every entity of the project that a reader sees now. */
export function readableEntities({ state }: Upstream, projectId: string): readonly EntityRow[] {
  const atMs = nowMs();
  return state
    .table(entities)
    .childrenOf(projectId)
    .filter((entity) => isReadable(entity, atMs));
}

/** The name of the id that holds entities of this type: `user_id` for `user`. */
export function fieldOf(type: EntityType): ScopeField {
  const field = scopeFields.find((candidate) => entityTypeOf[candidate] === type);
  if (field === undefined) throw new Error(`No id names entities of the type ${type}`);
  return field;
}

/** A new number, as text. */
export function newEntityId(): string {
  return String(randomInt(100_000, 1_000_000_000_000));
}

function newEntity(memory: MemoryRow, type: EntityType, name: string, owner: string): EntityRow {
  return {
    entity_id: newEntityId(),
    project_id: memory.project_id,
    type,
    name,
    owner,
    metadata: null,
    visible_ms: memory.visible_ms,
    created_ms: memory.visible_ms,
    updated_ms: memory.visible_ms,
    inserted_ms: nowMs(),
    deleted_ms: null,
  };
}

function keyOf(type: EntityType, name: string): string {
  return `${type} ${name}`;
}
