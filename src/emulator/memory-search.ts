import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noteCall } from "./events.ts";
import { metadata as metadataRule } from "./filter-fields.ts";
import { parseFilters } from "./filters.ts";
import { flagField, numberField, textsField, wholeNumberField } from "./memory-fields.ts";
import { hasAnyOf } from "./memory-list.ts";
import { foundMemory, projected } from "./memory-object.ts";
import { refuseTopLevelIds } from "./memory-query.ts";
import { isExpired, readableMemories, shownReplacement } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { type Scored, scored } from "./memory-score.ts";
import { parseMoment } from "./moment.ts";
import type { Resource, Upstream } from "./resource.ts";

/** `POST /v3/memories/search/`: the best of what passes the filters, not in pages. */
export const memorySearchResource: Resource = {
  routes: [{ method: "POST", path: "/v3/memories/search/", handle: searchMemories }],
  tables: [],
};

function searchMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const asked = readSearch(upstream, body);
  const results = bestOf(upstream, projectId, asked).map(({ memory, ...score }) =>
    projected(foundMemory(upstream, memory, score), asked.fields),
  );
  noteCall(upstream, { projectId, type: "SEARCH", payload: body, results });
  return json(200, { results });
}

/** What a search of any version asks for. */
export interface Search {
  readonly query: string;
  readonly topK: number;
  /** Least semantic score. */
  readonly threshold: number;
  readonly fields: readonly string[] | null;
  readonly passes: (memory: MemoryRow) => boolean;
}

/** What fits best of what passes and is above the threshold, best first. */
export function bestOf(upstream: Upstream, projectId: string, asked: Search): readonly Scored[] {
  const candidates = readableMemories(upstream, projectId).filter(asked.passes);
  return scored(asked.query, candidates)
    .filter(({ score_breakdown }) => score_breakdown.semantic >= asked.threshold)
    .slice(0, asked.topK);
}

/**
 * Bounds and defaults as Mem0 OpenAPI has them. `rerank` and everything unknown has no effect.
 * @throws {Refusal} 400 as `parseFilters`, and by field for what cannot be (inferred).
 */
function readSearch({ state: { switches } }: Upstream, body: Readonly<Record<string, unknown>>): Search {
  refuseTopLevelIds(body);
  const fields = new BodyFields(body);
  const query = fields.text("query", { isRequired: true });
  const topK = wholeNumberField(fields, "top_k", { min: 1, max: 1000 }) ?? 10;
  const threshold = numberField(fields, "threshold", { min: 0, max: 1 }) ?? 0.1;
  const isExpiredShown = flagField(fields, "show_expired");
  const isLatestOnly = flagField(fields, "latest_only");
  flagField(fields, "rerank");
  const categories = textsField(fields, "categories");
  const projection = textsField(fields, "fields");
  const given = body["reference_date"] ?? null;
  const simulatedMs = given === null ? nowMs() : parseMoment(given);
  if (simulatedMs === null) fields.fault("reference_date", "A valid date is required.");
  fields.refuseInvalid();
  const isFiltered = parseFilters(body["filters"], { use: "search", switches });
  const { test: hasMetadata } = metadataRule("metadata", body["metadata"] ?? {});
  const findableMs = nowMs() - switches.searchLagMs;
  const passes = (memory: MemoryRow): boolean =>
    memory.visible_ms <= findableMs &&
    isFiltered(memory) &&
    (isExpiredShown || !isExpired(memory, simulatedMs ?? nowMs())) &&
    !(isLatestOnly && shownReplacement(memory) !== null) &&
    hasAnyOf(memory, categories) &&
    hasMetadata(memory);
  return { query: query ?? "", topK, threshold, fields: projection, passes };
}
