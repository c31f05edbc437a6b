import { randomUUID } from "node:crypto";
import { nowMs } from "./clock.ts";
import { categoriesOf } from "./memory-categories.ts";
import { shownCategories } from "./memory-reads.ts";
import { type HistoryRow, history, type MemoryRow, type Metadata, memories } from "./memory-rows.ts";
import { scopeOf } from "./memory-scope.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";
import { type Put, put } from "./table.ts";

/** What an update changes; what is absent stays, and null clears. */
export interface MemoryChange {
  readonly text?: string;
  readonly metadata?: Metadata | null;
  readonly expirationDate?: string | null;
  readonly createdMs?: number;
}

/** The memory after the change, which is at once, and its history's next entry. A new text is filed anew. */
export function updateOf(
  upstream: Upstream,
  memory: MemoryRow,
  change: MemoryChange,
): { readonly changed: MemoryRow; readonly puts: readonly Put[] } {
  const atMs = nowMs();
  const { categoriesDelayMs } = upstream.state.switches;
  const isOther = change.text !== undefined && change.text !== memory.memory;
  const own = ownCategories(upstream, memory.project_id);
  const changed: MemoryRow = {
    ...memory,
    ...(isOther
      ? {
          memory: change.text,
          categories: categoriesOf(change.text, own),
          categorized_ms: atMs + categoriesDelayMs,
        }
      : {}),
    ...(change.metadata === undefined ? {} : { metadata: metadataAfter(upstream, memory, change.metadata) }),
    ...(change.expirationDate === undefined ? {} : { expiration_date: change.expirationDate }),
    ...(change.createdMs === undefined ? {} : { created_ms: change.createdMs }),
    updated_ms: atMs,
  };
  const texts = { old: memory.memory, new: changed.memory };
  return {
    changed,
    puts: [put(memories, changed), put(history, historyEntry(changed, "UPDATE", texts, atMs))],
  };
}

/** Given metadata takes the place of the old (inferred), or is put over it; null clears either way. */
function metadataAfter({ state }: Upstream, memory: MemoryRow, given: Metadata | null): Metadata | null {
  const isMerged = state.switches.metadataUpdate === "merge" && given !== null;
  return isMerged ? { ...memory.metadata, ...given } : given;
}

/** The memories are gone from that moment on (soft), each with a last entry in its history. */
export function removalOf(removed: readonly MemoryRow[], deletedMs: number): readonly Put[] {
  return removed.flatMap((memory) => [
    put(memories, { ...memory, deleted_ms: deletedMs }),
    put(history, historyEntry(memory, "DELETE", { old: memory.memory, new: null }, deletedMs)),
  ]);
}

/** What an entry of a memory's history says; readers see it from `atMs` on. */
export function historyEntry(
  memory: MemoryRow,
  event: HistoryRow["event"],
  texts: { readonly old: string | null; readonly new: string | null },
  atMs: number,
): HistoryRow {
  return {
    history_id: randomUUID(),
    memory_id: memory.memory_id,
    project_id: memory.project_id,
    ...scopeOf(memory),
    event,
    input: memory.input,
    old_memory: texts.old,
    new_memory: texts.new,
    categories: shownCategories(memory, atMs),
    metadata: memory.metadata,
    visible_ms: atMs,
    created_ms: atMs,
    updated_ms: atMs,
    inserted_ms: nowMs(),
    deleted_ms: null,
  };
}

/** The project's own categories; null when it never had any. */
export function ownCategories({ state }: Upstream, projectId: string): readonly unknown[] | null {
  return state.table(projects).get(projectId)?.custom_categories ?? null;
}
