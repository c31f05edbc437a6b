import { projects } from "./rows.ts";
import type { Row, TableDefinition } from "./table.ts";

/** The four kinds of entity that a memory can belong to (Mem0 OpenAPI). */
export const entityTypes = ["user", "agent", "app", "run"] as const;

/** A kind of entity. */
export type EntityType = (typeof entityTypes)[number];

/** The names of the four ids, in the order in which Mem0's own errors list them. */
export const scopeFields = ["user_id", "agent_id", "app_id", "run_id"] as const;

/** The name of one of the four ids. */
export type ScopeField = (typeof scopeFields)[number];

/** Whom something belongs to. The run's id is shown as `session_id` everywhere but in a search (Mem0 OpenAPI). */
export type Scope = { readonly [Field in ScopeField]: string | null };

/** The kind of entity that an id names: `user` for `user_id`. */
export const entityTypeOf: { readonly [Field in ScopeField]: EntityType } = {
  user_id: "user",
  agent_id: "agent",
  app_id: "app",
  run_id: "run",
};

/** What a caller hangs onto a memory: any JSON. */
export type Metadata = Readonly<Record<string, unknown>>;

/** One message of a conversation, as it was sent; only text ones are kept. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** A row that is not there for any reader before `visible_ms`: what is processed later is written at once, with a date. */
export interface DelayedRow extends Row {
  readonly project_id: string;
  /** Epoch milliseconds from which on reads show the row: when its event completes. */
  readonly visible_ms: number;
}

/**
 * A memory. Deleting is soft. `deleted_ms` may lie in the future (the switch `deleteAllDelayMs`): ask `isReadable`
 * in `memory-reads.ts`, never the dates themselves.
 */
export interface MemoryRow extends DelayedRow, Scope {
  readonly memory_id: string;
  /** The event of the add it came from. */
  readonly event_id: string;
  readonly memory: string;
  readonly metadata: Metadata | null;
  /** What the text will be filed under; shown from `categorized_ms` on, and null before. */
  readonly categories: readonly string[];
  readonly categorized_ms: number;
  /** `YYYY-MM-DD`, UTC, inclusive; what has no such form never expires. */
  readonly expiration_date: string | null;
  readonly immutable: boolean;
  /** The newer memory that contradicts this one; shown from `replaced_ms` on. */
  readonly replaced_by: string | null;
  readonly replaced_ms: number;
  /** Memories that this one replaced. */
  readonly linked_memory_ids: readonly string[];
  /** The message it was taken from. */
  readonly input: readonly Message[];
  /** What was read out of the text besides, shown among `structured_attributes`; absent when nothing was asked for. */
  readonly attributes?: Metadata;
}

/** What happened to a memory once. Stays when the memory is deleted. */
export interface HistoryRow extends DelayedRow, Scope {
  readonly history_id: string;
  readonly memory_id: string;
  readonly event: "ADD" | "UPDATE" | "DELETE";
  readonly input: readonly Message[];
  readonly old_memory: string | null;
  /** Null for a deletion. */
  readonly new_memory: string | null;
  readonly categories: readonly string[] | null;
  readonly metadata: Metadata | null;
}

/** What an event can be about, in the order in which the real service lists them (Mem0 OpenAPI, entities/filters). */
export const eventTypes = [
  "ADD",
  "UPDATE",
  "DELETE",
  "SEARCH",
  "GET_ALL",
  "GET",
  "DELETE_ALL",
  "DELETE_USER",
] as const;

/** What an event is about. */
export type EventType = (typeof eventTypes)[number];

/** One piece of work. Its status follows from the clock: PENDING, RUNNING from `started_ms`, then its outcome. */
export interface EventRow extends Row {
  readonly event_id: string;
  readonly project_id: string;
  readonly event_type: EventType;
  /** The request, without `timestamp`. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly started_ms: number;
  readonly completed_ms: number;
  readonly outcome: "SUCCEEDED" | "FAILED";
  /** Shown when it has succeeded. */
  readonly results: readonly object[];
  /** Why it failed. */
  readonly error: string | null;
}

/** A user, agent, app or run of a project. Deleting is soft; added to again, it becomes a new one of the same name. */
export interface EntityRow extends DelayedRow {
  /** A whole number, as text. */
  readonly entity_id: string;
  readonly type: EntityType;
  readonly name: string;
  /** The username of whoever's key made it. */
  readonly owner: string;
  readonly metadata: Metadata | null;
  /** What an agent, app or run is called, when it was made by itself; absent for what came into being by adding. */
  readonly label?: string | null;
}

const belowProject = {
  table: projects.name,
  idOf: (row: { readonly project_id: string }) => row.project_id,
};

/** Memories, by `memory_id`, below their project. */
export const memories: TableDefinition<MemoryRow> = {
  name: "memories",
  idOf: (row) => row.memory_id,
  parent: belowProject,
};

/** What happened to memories, by `history_id`, below their project: history outlives its memory. */
export const history: TableDefinition<HistoryRow> = {
  name: "history",
  idOf: (row) => row.history_id,
  parent: belowProject,
};

/** Events, by `event_id`, below their project. */
export const events: TableDefinition<EventRow> = {
  name: "events",
  idOf: (row) => row.event_id,
  parent: belowProject,
};

/** Entities, by `entity_id`, below their project. One that lives has a type and name of its own there. */
export const entities: TableDefinition<EntityRow> = {
  name: "entities",
  idOf: (row) => row.entity_id,
  parent: belowProject,
};
