import { nowMs } from "./clock.ts";
import type { MemoryTest } from "./filters.ts";
import { isDictionary } from "./memory-fields.ts";
import { memoriesOf } from "./memory-index.ts";
import { isReadable } from "./memory-reads.ts";
import { type MemoryRow, type ScopeField, scopeFields } from "./memory-rows.ts";
import type { RequiredId } from "./project-memories.ts";
import type { Upstream } from "./resource.ts";

/** Which memories are meant: those that pass, all of which have the required ids, if any. */
export interface Selection {
  readonly passes: MemoryTest;
  readonly required: readonly RequiredId[];
}

/** A stretch of a selection. */
export interface Stretch {
  /** Of the whole selection. */
  readonly count: number;
  readonly memories: readonly MemoryRow[];
}

/** What a reader of the project sees now of a selection, newest first (inferred): how much there is, and one stretch of it. */
export function newestOf(
  upstream: Upstream,
  projectId: string,
  { passes, required }: Selection,
  { from, to }: { readonly from: number; readonly to: number },
): Stretch {
  const project = memoriesOf(upstream, projectId);
  const slots = project.slotsWith(required);
  const atMs = nowMs();
  const found: MemoryRow[] = [];
  let count = 0;
  for (let index = slots.length - 1; index >= 0; index -= 1) {
    const memory = project.at(slots[index] ?? 0);
    if (memory === undefined || !isReadable(memory, atMs) || !passes(memory)) continue;
    if (count >= from && count < to) found.push(memory);
    count += 1;
  }
  return { count, memories: found };
}

/** The ids without which nothing can pass these filters: a short way to few memories, never the filter itself. */
export function requiredIds(filters: unknown): readonly RequiredId[] {
  if (!isDictionary(filters)) return [];
  return Object.entries(filters).flatMap(([key, operand]): readonly RequiredId[] => {
    if (key === "AND") return Array.isArray(operand) ? operand.flatMap(requiredIds) : [];
    const field = scopeFields.find((candidate) => candidate === key);
    return field === undefined ? [] : idIn(field, operand);
  });
}

function idIn(field: ScopeField, operand: unknown): readonly RequiredId[] {
  const value = isDictionary(operand) ? operand["eq"] : operand;
  const isId = (typeof value === "string" && value !== "*") || typeof value === "number";
  return isId ? [{ field, id: String(value) }] : [];
}
