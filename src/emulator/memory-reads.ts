import { nowMs } from "./clock.ts";
import { type DelayedRow, type MemoryRow, memories } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";

/** Is this row there for a reader at that moment: its work has completed, and its deletion has not. */
export function isReadable(row: DelayedRow, atMs: number): boolean {
  return row.visible_ms <= atMs && (row.deleted_ms === null || row.deleted_ms > atMs);
}

/** Every memory of the project that a reader sees now, oldest insertion first; expired and replaced ones too. */
export function readableMemories({ state }: Upstream, projectId: string): readonly MemoryRow[] {
  const atMs = nowMs();
  return state
    .table(memories)
    .childrenOf(projectId)
    .filter((memory) => isReadable(memory, atMs));
}

/** The memory of this id if a reader of this project sees it now; another project's is as absent as an unknown one. */
export function readableMemory(
  { state }: Upstream,
  projectId: string,
  memoryId: string,
): MemoryRow | undefined {
  const memory = state.table(memories).getEvenDeleted(memoryId.toLowerCase());
  if (memory?.project_id !== projectId) return undefined;
  return isReadable(memory, nowMs()) ? memory : undefined;
}

/** Has the memory expired by then? Its date is the last day on which it is shown, in UTC (Mem0 docs, memory-expiration). */
export function isExpired({ expiration_date: date }: MemoryRow, atMs: number): boolean {
  if (date === null || !/^\d{4}-\d\d-\d\d$/.test(date)) return false;
  const lastDayMs = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(lastDayMs) && atMs >= lastDayMs + 86_400_000;
}

/** The categories as shown at that moment: null until the memory is filed, and where nothing fits. */
export function shownCategories(memory: MemoryRow, atMs: number = nowMs()): readonly string[] | null {
  return memory.categorized_ms > atMs || memory.categories.length === 0 ? null : memory.categories;
}

/** The memory that replaced this one, as shown now: null until that one is there. */
export function shownReplacement({ replaced_by, replaced_ms }: MemoryRow): string | null {
  return replaced_ms > nowMs() ? null : replaced_by;
}
