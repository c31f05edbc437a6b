import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { canonicalFilters } from "./export-filters.ts";
import { exportResult } from "./export-result.ts";
import { parseFilters } from "./filters.ts";
import { isDictionary } from "./memory-fields.ts";
import { isExpired, readableMemories } from "./memory-reads.ts";
import { projectOfCall } from "./memory-scope.ts";
import { refusalError, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import { projects } from "./rows.ts";
import { put, type Row, type TableDefinition } from "./table.ts";

/** An order for an export, with its result: the memories are read when it is ordered, and shown when it is ready. */
export interface ExportRow extends Row {
  readonly export_id: string;
  readonly project_id: string;
  readonly schema: Readonly<Record<string, unknown>>;
  /** In canonical form, so that what means the same is the same text. */
  readonly filters: string;
  /** As they were sent; absent in a journal of an older build. */
  readonly filters_sent?: string;
  readonly export_instructions: string | null;
  readonly ready_ms: number;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Exports, by `export_id`, below their project. */
export const memoryExports: TableDefinition<ExportRow> = {
  name: "exports",
  idOf: (row) => row.export_id,
  parent: { table: projects.name, idOf: (row) => row.project_id },
};

/** Exports: ordering one, and fetching it by id or as the newest with the same filters. */
export const exportResource: Resource = {
  routes: [
    { method: "POST", path: "/v1/exports/", handle: orderExport },
    { method: "POST", path: "/v1/exports/get/", handle: getExport },
  ],
  tables: [memoryExports],
};

/** Ordering twice makes two (Mem0 has no idempotency key here). An empty schema counts as none (inferred). */
function orderExport(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const { schema, filters, export_instructions: instructions } = body;
  if (!isDictionary(schema) || Object.keys(schema).length === 0) {
    throw refusalMessage(400, "Schema is required and must be a valid object");
  }
  const canonical = canonicalFilters(filters, {
    mustBeStructured: state.switches.exportFiltersMustBeStructured,
  });
  if (canonical === null) {
    throw refusalError(
      400,
      "One of the filters: app_id, user_id, agent_id, run_id, memory_export_id is required!",
    );
  }
  const orderedMs = nowMs();
  const isMatch = parseFilters(filters, { use: "list", switches: state.switches });
  const found = readableMemories(upstream, projectId).filter(
    (memory) => !isExpired(memory, orderedMs) && isMatch(memory),
  );
  const row: ExportRow = {
    export_id: randomUUID(),
    project_id: projectId,
    schema,
    filters: canonical,
    filters_sent: JSON.stringify(filters),
    export_instructions: typeof instructions === "string" ? instructions : null,
    ready_ms: orderedMs + state.switches.exportDelayMs,
    result: exportResult(
      schema,
      newestFirst(found).map(({ memory }) => memory),
    ),
    created_ms: orderedMs,
    updated_ms: orderedMs,
    inserted_ms: orderedMs,
    deleted_ms: null,
  };
  state.commit([put(memoryExports, row)]);
  return json(201, {
    message: "Memory export request received. The export will be ready in a few seconds.",
    id: row.export_id,
  });
}

/** One that is not ready, has expired, or is another project's is answered like one that never was (Mem0 OpenAPI: 404). */
function getExport(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const atMs = nowMs();
  const found = ordered(upstream, body, projectId, atMs);
  if (found === undefined || found.ready_ms > atMs) throw refusalError(404, "No memory export request found");
  return json(200, found.result);
}

/**
 * The order of this id, else the newest with these filters. Filters that list one thing in other words are others. Which of
 * several is meant is inferred, and a switch.
 */
function ordered(
  { state }: Upstream,
  { memory_export_id: exportId, filters }: Readonly<Record<string, unknown>>,
  projectId: string,
  atMs: number,
): ExportRow | undefined {
  const living = state
    .table(memoryExports)
    .childrenOf(projectId)
    .filter((row) => row.deleted_ms === null && atMs < row.ready_ms + state.switches.exportLifetimeMs);
  if (typeof exportId === "string" && exportId !== "") {
    return living.find((row) => row.export_id === exportId.toLowerCase());
  }
  const canonical = canonicalFilters(filters, { mustBeStructured: false });
  if (canonical === null) {
    throw refusalMessage(400, "One of the filters: app_id, user_id, agent_id, run_id is required!");
  }
  const { exportByFilters } = state.switches;
  return living.findLast((row) => {
    if (exportByFilters === "same-words") return row.filters_sent === JSON.stringify(filters);
    return row.filters === canonical && (exportByFilters === "newest" || row.ready_ms <= atMs);
  });
}
