import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noteCall } from "./events.ts";
import { namesAnId } from "./export-filters.ts";
import { metadata as metadataRule } from "./filter-fields.ts";
import { parseFilters } from "./filters.ts";
import { dayField, textsField } from "./memory-fields.ts";
import { hasAnyOf } from "./memory-list.ts";
import { listedMemory, projected, wholeMemory } from "./memory-object.ts";
import { isExpired } from "./memory-reads.ts";
import { type MemoryRow, scopeFields } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { newestOf, requiredIds, type Selection } from "./memory-selection.ts";
import { pageFrom, readPage } from "./page.ts";
import { Refusal, refusalError, refusalFields, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";

const first = "/v1/memories/";
const dayMs = 86_400_000;
const pageRule = { sizeName: "page_size", sizeDefault: 100, sizeMax: 200 };

/** Most memories that version 1 lists without pages, and how many it lists unless told (the latter inferred). */
const limitMax = 200;
const limitDefault = 100;

const needed = "One of the filters: app_id, user_id, agent_id, run_id is required!";

/** The lists of versions 1 and 2 (Mem0 OpenAPI, deprecated). Expired memories are hidden, newest first (both inferred). */
export const memoryLegacyListResource: Resource = {
  routes: [
    { method: "GET", path: first, handle: listFirst },
    { method: "POST", path: "/v2/memories/", handle: listSecond },
  ],
  tables: [],
};

/** What version 1 shows of a memory: no agent, app or run (Mem0 OpenAPI). */
const shownFields = [
  ...["id", "memory", "user_id", "metadata", "categories", "created_at", "updated_at", "expiration_date"],
  ...["structured_attributes", "replaced_by", "synthesized", "lifecycle_state"],
];

/**
 * Everything stands in the query, always of the key's own project. A bare list of at most `limit`, or a page when both
 * `page` and `page_size` are given.
 */
function listFirst(upstream: Upstream, call: Call): Answer {
  const { projectId } = call.caller;
  const { selection, fields } = readFirst(upstream, call);
  const show = (memory: MemoryRow): object =>
    projected(projected(wholeMemory(upstream, memory), shownFields), fields);
  const isPaged = call.query.has("page") && call.query.has("page_size");
  const asked = isPaged ? readPage(call, pageRule, { address: `${call.origin}${first}` }) : null;
  const limit = isPaged ? 0 : readLimit(call);
  const stretch = (
    from: number,
    to: number,
  ): { readonly count: number; readonly items: readonly object[] } => {
    const { count, memories } = newestOf(upstream, projectId, selection, { from, to });
    return { count, items: memories.map(show) };
  };
  const answer = asked === null ? stretch(0, limit).items : pageFrom(asked, stretch);
  noteCall(upstream, { projectId, type: "GET_ALL", payload: Object.fromEntries(call.query) });
  return json(200, answer);
}

/** @throws {Refusal} 400: a bare list without an id (Mem0 OpenAPI), and by field for what cannot be (inferred). */
function readFirst(
  { state: { switches } }: Upstream,
  { query }: Call,
): { readonly selection: Selection; readonly fields: readonly string[] | null } {
  const ids = scopeFields.flatMap((field) => {
    const id = query.get(field) ?? "";
    return id === "" ? [] : [{ field, id }];
  });
  if (ids.length === 0) throw new Refusal(json(400, [needed]));
  const dates = new BodyFields(Object.fromEntries(query));
  const firstDay = dayField(dates, "start_date");
  const lastDay = dayField(dates, "end_date");
  dates.refuseInvalid();
  const fromMs = firstDay === null ? Number.NEGATIVE_INFINITY : Date.parse(`${firstDay}T00:00:00Z`);
  const endMs = lastDay === null ? Number.POSITIVE_INFINITY : Date.parse(`${lastDay}T00:00:00Z`) + dayMs;
  const categories = query.getAll("categories");
  const words = (query.get("keywords") ?? "").toLowerCase();
  const { test: hasMetadata } = metadataRule("metadata", readMetadata(query), switches);
  const atMs = nowMs();
  const passes = (memory: MemoryRow): boolean =>
    ids.every(({ field, id }) => (id === "*" ? memory[field] !== null : memory[field] === id)) &&
    !isExpired(memory, atMs) &&
    memory.created_ms >= fromMs &&
    memory.created_ms < endMs &&
    hasAnyOf(memory, categories) &&
    hasMetadata(memory) &&
    memory.memory.toLowerCase().includes(words);
  const required = ids.filter(({ id }) => id !== "*");
  return { selection: { passes, required }, fields: query.has("fields") ? query.getAll("fields") : null };
}

/** Metadata is JSON in the query, or `metadata[key]=value` (Mem0 OpenAPI: deepObject). */
function readMetadata(query: URLSearchParams): unknown {
  const deep = [...query].flatMap(([name, value]): readonly (readonly [string, string])[] => {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    return key === undefined ? [] : [[key, value]];
  });
  const written = query.get("metadata") ?? "";
  if (written === "") return Object.fromEntries(deep);
  try {
    return JSON.parse(written);
  } catch {
    throw refusalFields({ metadata: ["Value must be valid JSON."] });
  }
}

/** @throws {Refusal} 400 above the maximum (Mem0 OpenAPI), and for what is no whole number from 1 (words inferred). */
function readLimit({ query }: Call): number {
  const written = query.get("limit") ?? "";
  if (written === "") return limitDefault;
  if (!/^\d+$/.test(written) || Number(written) < 1) {
    throw refusalError(400, "limit must be a positive integer");
  }
  if (Number(written) > limitMax) throw refusalError(400, `limit must be <= ${limitMax}`);
  return Number(written);
}

/** A bare list, one page of it; past the end it is empty (inferred: there is no envelope that could say so). */
function listSecond(upstream: Upstream, call: Call): Answer {
  const { switches } = upstream.state;
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const fields = new BodyFields(body);
  const projection = textsField(fields, "fields");
  fields.refuseInvalid();
  if (!namesAnId(body["filters"])) throw refusalMessage(400, needed);
  const isFiltered = parseFilters(body["filters"], { use: "list", switches, isOld: true });
  const { page, pageSize } = readPage(call, pageRule, { address: "/v2/memories/", body });
  const atMs = nowMs();
  const passes = (memory: MemoryRow): boolean => isFiltered(memory) && !isExpired(memory, atMs);
  const selection = { passes, required: requiredIds(body["filters"]) };
  const stretch = { from: (page - 1) * pageSize, to: page * pageSize };
  const { memories: shown } = newestOf(upstream, projectId, selection, stretch);
  noteCall(upstream, { projectId, type: "GET_ALL", payload: body });
  return json(
    200,
    shown.map((memory) => projected(listedMemory(upstream, memory), projection)),
  );
}
