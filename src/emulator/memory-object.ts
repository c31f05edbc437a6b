import { formatDate } from "./clock.ts";
import { shownCategories, shownReplacement } from "./memory-reads.ts";
import type { HistoryRow, MemoryRow } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";

/** A memory as lists show it (Mem0 OpenAPI, memories_list_v3): the run is `session_id`. */
export function listedMemory(upstream: Upstream, memory: MemoryRow): Readonly<Record<string, unknown>> {
  return {
    id: memory.memory_id,
    memory: memory.memory,
    user_id: memory.user_id,
    agent_id: memory.agent_id,
    app_id: memory.app_id,
    session_id: memory.run_id,
    metadata: memory.metadata,
    categories: shownCategories(memory),
    ...datesOf(upstream, memory),
    expiration_date: memory.expiration_date,
    replaced_by: shownReplacement(memory),
    synthesized: false,
    // The parts of the moment are documented, what an add asked for besides was only seen there (live, 2026-05): they win.
    structured_attributes: { ...memory.attributes, ...structuredAttributes(memory.created_ms) },
  };
}

/** A memory as GET and PUT show it (Mem0 OpenAPI). The values of `lifecycle_state` are inferred. */
export function wholeMemory(upstream: Upstream, memory: MemoryRow): Readonly<Record<string, unknown>> {
  const state = shownReplacement(memory) === null ? "active" : "superseded";
  return { ...listedMemory(upstream, memory), lifecycle_state: state };
}

/** How well a memory fits a query; every number is within 0 and 1, and `score` is the sum of the others. */
export interface Score {
  readonly score: number;
  readonly score_breakdown: { readonly semantic: number; readonly bm25: number; readonly entity: number };
}

/** A memory as a search shows it (Mem0 OpenAPI): the run is `run_id` (elsewhere `session_id`; a switch), and categories are a list even when empty. */
export function foundMemory(
  upstream: Upstream,
  memory: MemoryRow,
  score: Score,
): Readonly<Record<string, unknown>> {
  return {
    id: memory.memory_id,
    memory: memory.memory,
    user_id: memory.user_id,
    agent_id: memory.agent_id,
    app_id: memory.app_id,
    [upstream.state.switches.searchRunName]: memory.run_id,
    ...score,
    metadata: memory.metadata,
    categories: shownCategories(memory) ?? [],
    expiration_date: memory.expiration_date,
    ...datesOf(upstream, memory),
  };
}

/** A history entry (Mem0 OpenAPI); `metadata` is an object even when there is none. */
export function historyObject(upstream: Upstream, entry: HistoryRow): object {
  return {
    id: entry.history_id,
    memory_id: entry.memory_id,
    input: entry.input,
    old_memory: entry.old_memory,
    new_memory: entry.new_memory,
    user_id: entry.user_id,
    agent_id: entry.agent_id,
    app_id: entry.app_id,
    session_id: entry.run_id,
    categories: entry.categories,
    event: entry.event,
    metadata: entry.metadata ?? {},
    previous_embedding_qwen: null,
    embedding_qwen: null,
    ...datesOf(upstream, entry),
  };
}

/** Only these fields of the object, in its own order; all of them for no list. Unknown names are ignored (inferred). */
export function projected(
  object: Readonly<Record<string, unknown>>,
  fields: readonly string[] | null,
): Readonly<Record<string, unknown>> {
  if (fields === null) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => fields.includes(name)));
}

function datesOf({ state }: Upstream, row: MemoryRow | HistoryRow): object {
  return {
    created_at: formatDate(row.created_ms, state.switches.dates),
    updated_at: formatDate(row.updated_ms, state.switches.dates),
  };
}

const dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const dayMs = 86_400_000;

/** The parts of the moment in UTC, though `created_at` is written with an offset (seen live). Weeks are ISO weeks. */
function structuredAttributes(createdMs: number): object {
  const date = new Date(Math.floor(createdMs));
  const midnightMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const weekday = date.getUTCDay();
  // An ISO week belongs to the year of its Thursday.
  const thursdayMs = midnightMs + (4 - (weekday === 0 ? 7 : weekday)) * dayMs;
  const dayOfYear = (ofMs: number): number =>
    Math.floor((ofMs - Date.UTC(new Date(ofMs).getUTCFullYear(), 0, 1)) / dayMs) + 1;
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    day_of_week: dayNames[weekday],
    week_of_year: Math.ceil(dayOfYear(thursdayMs) / 7),
    day_of_year: dayOfYear(midnightMs),
    quarter: Math.floor(date.getUTCMonth() / 3) + 1,
    is_weekend: weekday === 0 || weekday === 6,
  };
}
