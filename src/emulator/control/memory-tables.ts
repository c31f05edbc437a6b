import { statusOf } from "../events.ts";
import type { EntityRow, EventRow, HistoryRow, MemoryRow } from "../memory-rows.ts";
import { scopeOf } from "../memory-scope.ts";

/** A memory as `GET /_emulator/tables` shows it; one that is still being added too. */
export function memoryEntry(row: MemoryRow): object {
  const { memory_id, project_id, event_id, memory, metadata, categories, expiration_date } = row;
  const { immutable, replaced_by } = row;
  const rest = { memory, metadata, categories, expiration_date, immutable, replaced_by };
  return { memory_id, project_id, event_id, ...scopeOf(row), ...rest };
}

/** An event as `GET /_emulator/tables` shows it, with its status now. */
export function eventEntry(row: EventRow): object {
  const { event_id, project_id, event_type, payload, results, error } = row;
  return { event_id, project_id, event_type, status: statusOf(row), payload, results, error };
}

/** An entity as `GET /_emulator/tables` shows it. A deleted one bears the name it has in the real database. */
export function entityEntry({ entity_id, project_id, type, name, owner, deleted_ms }: EntityRow): object {
  const shownName = deleted_ms === null ? name : `${name}_deleted_${Math.floor(deleted_ms / 1000)}`;
  return { entity_id, project_id, type, name: shownName, owner };
}

/** An entry of a memory's history as `GET /_emulator/tables` shows it. */
export function historyEntry(row: HistoryRow): object {
  const { history_id, memory_id, project_id, event, old_memory, new_memory } = row;
  return { history_id, memory_id, project_id, event, old_memory, new_memory, ...scopeOf(row) };
}
