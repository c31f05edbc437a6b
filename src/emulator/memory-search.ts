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
import { isExpired, shownReplacement } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { bestOf, type Search } from "./memory-score.ts";
import { requiredIds } from "./memory-selection.ts";
import { isDecaying, noteUse } from "./memory-use.ts";
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
  const { search, projection } = readSearch(upstream, projectId, body);
  const found = bestOf(upstream, projectId, search);
  const memories = found.map(({ memory }) => memory);
  noteUse(upstream, memories);
  const results = found.map(({ memory, ...score }) =>
    projected(foundMemory(upstream, memory, score), projection),
  );
  noteCall(upstream, { projectId, type: "SEARCH", payload: body, results });
  return json(200, { results });
}

/**
 * Bounds and defaults as Mem0 OpenAPI has them. `rerank` and everything unknown has no effect. `reference_date` is the now of
 * expiry and decay; what is there to be found follows from the true one.
 * @throws {Refusal} 400 as `parseFilters`, and by field for what cannot be (inferred).
 */
function readSearch(
  upstream: Upstream,
  projectId: string,
  body: Readonly<Record<string, unknown>>,
): { readonly search: Search; readonly projection: readonly string[] | null } {
  const { switches } = upstream.state;
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
  const parsedMs = given === null ? nowMs() : parseMoment(given);
  if (parsedMs === null) fields.fault("reference_date", "A valid date is required.");
  fields.refuseInvalid();
  const isFiltered = parseFilters(body["filters"], { use: "search", switches });
  const { test: hasMetadata } = metadataRule("metadata", body["metadata"] ?? {}, switches);
  // A faulty date has been refused above.
  const simulatedMs = parsedMs ?? nowMs();
  const findableMs = nowMs() - switches.searchLagMs;
  const passes = (memory: MemoryRow): boolean =>
    memory.visible_ms <= findableMs &&
    isFiltered(memory) &&
    (isExpiredShown || !isExpired(memory, simulatedMs)) &&
    !(isLatestOnly && shownReplacement(memory) !== null) &&
    hasAnyOf(memory, categories) &&
    hasMetadata(memory);
  const search = {
    ...{ query: query ?? "", topK, threshold, passes },
    required: requiredIds(body["filters"]),
    decayAtMs: isDecaying(upstream, projectId) ? simulatedMs : null,
  };
  return { search, projection };
}
