import { nowMs } from "./clock.ts";
import { type MemoryRow, memories } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";
import type { Table, TableIndex } from "./table.ts";

/** What decay makes of a score: what was used just now, what was not for long (Mem0 docs, memory-decay). */
const freshest = 1.5;
const stalest = 0.3;

/** After so long half of what a use gave is gone. Inferred: "months" take a memory to the least. */
const halfLifeMs = 14 * 86_400_000;

/** Has the project decay switched on? It is off until its settings say so (Mem0 docs). */
export function isDecaying({ state }: Upstream, projectId: string): boolean {
  return state.table(projects).get(projectId)?.decay === true;
}

/**
 * By what decay multiplies the score of a memory at that moment, 0.3 to 1.5. Its last use is when a search last returned it or
 * it was last updated; before either, when it was created (inferred). How often it was used does not count (the real
 * service counts that too).
 */
export function decayOf(upstream: Upstream, memory: MemoryRow, atMs: number): number {
  const returnedMs = usesOf(upstream).lastUse(memory.memory_id);
  // An add sets both dates at once; a timestamp may have set the first one back.
  const changedMs = memory.updated_ms > memory.visible_ms ? memory.updated_ms : memory.created_ms;
  const idleMs = Math.max(0, atMs - Math.max(changedMs, returnedMs));
  return stalest + (freshest - stalest) * 2 ** (-idleMs / halfLifeMs);
}

/** Notes that a search has returned these memories now. Kept in memory alone: a restart forgets it, a reset too. */
export function noteUse(upstream: Upstream, returned: readonly MemoryRow[]): void {
  const uses = usesOf(upstream);
  const atMs = nowMs();
  for (const { memory_id: id } of returned) uses.note(id, atMs);
}

function usesOf({ state }: Upstream): MemoryUses {
  return state.table(memories).index(makeMemoryUses);
}

/** One function, since its identity is the index's name. */
function makeMemoryUses(_table: Table<MemoryRow>): MemoryUses {
  return new MemoryUses();
}

class MemoryUses implements TableIndex<MemoryRow> {
  readonly #lastMs = new Map<string, number>();

  put(row: MemoryRow): void {
    if (row.deleted_ms !== null) this.#lastMs.delete(row.memory_id);
  }

  note(memoryId: string, atMs: number): void {
    this.#lastMs.set(memoryId, atMs);
  }

  lastUse(memoryId: string): number {
    return this.#lastMs.get(memoryId) ?? Number.NEGATIVE_INFINITY;
  }
}
