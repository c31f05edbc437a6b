import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noteCall } from "./events.ts";
import { metadata as metadataRule } from "./filter-fields.ts";
import { parseFilters } from "./filters.ts";
import { numberField, textsField, wholeNumberField } from "./memory-fields.ts";
import { hasAnyOf } from "./memory-list.ts";
import { foundMemory, projected } from "./memory-object.ts";
import { isExpired } from "./memory-reads.ts";
import { type MemoryRow, scopeFields } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { bestOf, type Scored, type Search } from "./memory-score.ts";
import { requiredIds } from "./memory-selection.ts";
import { refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";

/** The searches of versions 1 and 2 (Mem0 OpenAPI, deprecated). */
export const memoryLegacySearchResource: Resource = {
  routes: [
    { method: "POST", path: "/v1/memories/search/", handle: searchFirst },
    { method: "POST", path: "/v2/memories/search/", handle: searchSecond },
  ],
  tables: [],
};

/** What version 1 shows of a memory: no agent, app or run, and no parts of the score (Mem0 OpenAPI). */
const shownFields = [
  ...["id", "memory", "user_id", "score", "metadata", "categories", "expiration_date"],
  ...["created_at", "updated_at"],
];

interface Asked {
  readonly search: Search;
  readonly projection: readonly string[] | null;
}

/** A bare list, or below `results` with `output_format=v1.1`. */
function searchFirst(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const { search, projection } = readFirst(upstream, body);
  const results = bestOf(upstream, projectId, search).map((found) =>
    projected(projected(shown(upstream, found), shownFields), projection),
  );
  noteCall(upstream, { projectId, type: "SEARCH", payload: body, results });
  return json(200, body["output_format"] === "v1.1" ? { results, relations: [] } : results);
}

/** A bare list. The run is `session_id`, and the score comes without its parts (Mem0 OpenAPI). */
function searchSecond(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const { search, projection } = readSecond(upstream, body);
  const results = bestOf(upstream, projectId, search).map((found) => {
    const { run_id, score_breakdown: _, ...rest } = shown(upstream, found);
    return projected({ ...rest, session_id: run_id }, projection);
  });
  noteCall(upstream, { projectId, type: "SEARCH", payload: body, results });
  return json(200, results);
}

function shown(upstream: Upstream, { memory, ...score }: Scored): Readonly<Record<string, unknown>> {
  return foundMemory(upstream, memory, score);
}

/**
 * The ids stand beside the query, and all given ones must match. No threshold is documented, and none applies (inferred);
 * `rerank`, `keyword_search`, `filter_memories` and `only_metadata_based_search` have no effect.
 * @throws {Refusal} 400 without an id (Mem0 OpenAPI), and by field for what cannot be (inferred).
 */
function readFirst(upstream: Upstream, body: Readonly<Record<string, unknown>>): Asked {
  const fields = new BodyFields(body);
  const { search, projection } = readCommon(upstream, fields, null);
  const ids = scopeFields.flatMap((field) => {
    const id = (fields.raw(field) ?? null) === null ? null : fields.text(field, { isRequired: false });
    return id === null ? [] : [{ field, id }];
  });
  const categories = textsField(fields, "categories");
  fields.refuseInvalid();
  if (ids.length === 0) {
    throw refusalMessage(400, "At least one of the filters: agent_id, user_id, app_id, run_id is required!");
  }
  const { test: hasMetadata } = metadataRule("metadata", body["metadata"] ?? {}, upstream.state.switches);
  const passes = (memory: MemoryRow): boolean =>
    search.passes(memory) &&
    ids.every(({ field, id }) => (id === "*" ? memory[field] !== null : memory[field] === id)) &&
    hasAnyOf(memory, categories) &&
    hasMetadata(memory);
  return { search: { ...search, passes, required: ids.filter(({ id }) => id !== "*") }, projection };
}

/** @throws {Refusal} 400 without filters (seen live), and by field for what cannot be (inferred). */
function readSecond(upstream: Upstream, body: Readonly<Record<string, unknown>>): Asked {
  const { switches } = upstream.state;
  const fields = new BodyFields(body);
  const { search, projection } = readCommon(upstream, fields, 0.3);
  fields.refuseInvalid();
  const isFiltered = parseFilters(body["filters"], { use: "search", switches, isOld: true });
  const passes = (memory: MemoryRow): boolean => search.passes(memory) && isFiltered(memory);
  return { search: { ...search, passes, required: requiredIds(body["filters"]) }, projection };
}

/**
 * Ten results unless told (Mem0 OpenAPI); expired memories are not found (inferred). Without a default there is no
 * threshold at all. Decay is for version 3 alone (Mem0 docs). Faults are noted by field.
 */
function readCommon(
  { state: { switches } }: Upstream,
  fields: BodyFields,
  thresholdDefault: number | null,
): Asked {
  const query = fields.text("query", { isRequired: true });
  const topK = wholeNumberField(fields, "top_k", { min: 1, max: 1000 }) ?? 10;
  const threshold =
    thresholdDefault === null
      ? 0
      : (numberField(fields, "threshold", { min: 0, max: 1 }) ?? thresholdDefault);
  const atMs = nowMs();
  const passes = (memory: MemoryRow): boolean =>
    memory.visible_ms <= atMs - switches.searchLagMs && !isExpired(memory, atMs);
  return {
    search: { query: query ?? "", topK, threshold, passes, required: [], decayAtMs: null },
    projection: textsField(fields, "fields"),
  };
}
