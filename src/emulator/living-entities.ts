import { type EntityRow, type EntityType, entities } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";
import type { Table, TableIndex } from "./table.ts";

/** The entity of this type and name that lives in the project, visible yet or not; what it takes does not depend on how many there are. */
export function livingEntity(
  { state }: Upstream,
  projectId: string,
  { type, name }: { readonly type: EntityType; readonly name: string },
): EntityRow | undefined {
  return state
    .table(entities)
    .index(makeLivingEntities)
    .get(JSON.stringify([projectId, type, name]));
}

/** One function, since its identity is the index's name. */
function makeLivingEntities(table: Table<EntityRow>): LivingEntities {
  const made = new LivingEntities();
  for (const row of table.all()) made.put(row);
  return made;
}

class LivingEntities implements TableIndex<EntityRow> {
  readonly #rows = new Map<string, EntityRow>();

  put(row: EntityRow): void {
    const key = JSON.stringify([row.project_id, row.type, row.name]);
    if (row.deleted_ms === null) this.#rows.set(key, row);
    else if (this.#rows.get(key)?.entity_id === row.entity_id) this.#rows.delete(key);
  }

  get(key: string): EntityRow | undefined {
    return this.#rows.get(key);
  }
}
