import { randomUUID } from "node:crypto";
import { nowMs } from "./clock.ts";
import { events, type HistoryRow, history, type MemoryRow, memories } from "./memory-rows.ts";
import type { Upstream } from "./resource.ts";
import { projects, type WebhookRow, webhooks } from "./rows.ts";
import type { Put, Row, TableDefinition } from "./table.ts";

/** What has become of a delivery. `dropped` is by a switch or for want of room, `cancelled` since its webhook has gone. */
export type DeliveryStatus = "waiting" | "delivered" | "failed" | "dropped" | "cancelled" | "not_allowed";

/** One thing to tell one webhook. Written together with what it tells of, so that no crash comes between. */
export interface DeliveryRow extends Row {
  readonly delivery_id: string;
  readonly project_id: string;
  readonly webhook_id: string;
  readonly event_type: string;
  /** The body, as Mem0's docs have it. */
  readonly payload: object;
  /** When what it tells of is true for readers, or the next try is due. */
  readonly due_ms: number;
  readonly status: DeliveryStatus;
  readonly attempts: number;
}

/** Deliveries, by their id, below their project. */
export const deliveries: TableDefinition<DeliveryRow> = {
  name: "deliveries",
  idOf: (row) => row.delivery_id,
  parent: { table: projects.name, idOf: (row) => row.project_id },
};

interface Told {
  readonly projectId: string;
  readonly eventType: string;
  readonly payload: object;
  readonly dueMs: number;
}

const eventTypeOf = { ADD: "memory_add", UPDATE: "memory_update", DELETE: "memory_delete" } as const;

/**
 * What these changes, not done yet, have to tell the active webhooks of their projects: one delivery for each webhook that
 * listens now (inferred). Delete-all tells nothing unless a switch says so (inferred).
 */
export function deliveriesOf(upstream: Upstream, puts: readonly Put[]): readonly DeliveryRow[] {
  const told = [...toldOfHistory(upstream, puts), ...toldOfCategories(upstream, puts)];
  return told.flatMap((one) =>
    listeners(upstream, one).map(({ webhook_id }): DeliveryRow => {
      const atMs = nowMs();
      return {
        delivery_id: randomUUID(),
        project_id: one.projectId,
        webhook_id,
        event_type: one.eventType,
        payload: one.payload,
        due_ms: one.dueMs,
        status: "waiting",
        attempts: 0,
        created_ms: atMs,
        updated_ms: atMs,
        inserted_ms: atMs,
        deleted_ms: null,
      };
    }),
  );
}

function listeners({ state }: Upstream, { projectId, eventType }: Told): readonly WebhookRow[] {
  return state
    .table(webhooks)
    .childrenOf(projectId)
    .filter((row) => row.deleted_ms === null && row.is_active && row.event_types.includes(eventType));
}

/** Whatever happens to a memory has a new entry in its history. Of one that is deleted the text it had is told (inferred; a switch). */
function toldOfHistory({ state }: Upstream, puts: readonly Put[]): readonly Told[] {
  const deletedText = (row: HistoryRow): string | null =>
    state.switches.webhookDeletionTells === "text" ? row.old_memory : null;
  const isBulk = rowsIn(puts, events).some(({ event_type: type }) => /^DELETE_(?:ALL|USER)$/.test(type));
  return rowsIn(puts, history)
    .filter(
      (row) => row.deleted_ms === null && state.table(history).getEvenDeleted(row.history_id) === undefined,
    )
    .filter((row) => row.event !== "DELETE" || !isBulk || state.switches.deleteAllNotifies)
    .filter((row) => state.switches.webhookTellsMetadataUpdates || row.new_memory !== row.old_memory)
    .map((row: HistoryRow) => ({
      projectId: row.project_id,
      eventType: eventTypeOf[row.event],
      payload: {
        event_details: {
          id: row.memory_id,
          data: { memory: row.new_memory ?? deletedText(row) },
          event: row.event,
        },
      },
      dueMs: row.visible_ms,
    }));
}

/** A memory is filed when it is new and when its text has changed. */
function toldOfCategories({ state }: Upstream, puts: readonly Put[]): readonly Told[] {
  return rowsIn(puts, memories)
    .filter((row: MemoryRow) => {
      const before = state.table(memories).getEvenDeleted(row.memory_id);
      return (
        row.deleted_ms === null && row.categorized_ms !== before?.categorized_ms && row.categories.length > 0
      );
    })
    .map(({ project_id, memory_id, categories, categorized_ms }) => ({
      projectId: project_id,
      eventType: "memory_categorize",
      payload: { event_details: { event: "CATEGORIZE", memory_id, categories } },
      dueMs: categorized_ms,
    }));
}

function rowsIn<R extends Row>(puts: readonly Put[], definition: TableDefinition<R>): readonly R[] {
  // `put` lets a table's own rows only come under its name.
  return puts.filter(({ table }) => table === definition.name).map(({ row }) => row as R);
}
