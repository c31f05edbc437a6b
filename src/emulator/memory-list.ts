import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noteCall } from "./events.ts";
import { parseFilters } from "./filters.ts";
import { dayField, flagField, textsField } from "./memory-fields.ts";
import { listedMemory, projected } from "./memory-object.ts";
import { refuseTopLevelIds } from "./memory-query.ts";
import { isExpired, shownCategories, shownReplacement } from "./memory-reads.ts";
import type { MemoryRow } from "./memory-rows.ts";
import { projectOfCall } from "./memory-scope.ts";
import { newestOf, requiredIds, type Selection } from "./memory-selection.ts";
import { pageFrom, readPage } from "./page.ts";
import { refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";

const path = "/v3/memories/";
const dayMs = 86_400_000;

/** `POST /v3/memories/`: what passes the filters, in pages. */
export const memoryListResource: Resource = {
  routes: [{ method: "POST", path, handle: listMemories }],
  tables: [],
};

/** Newest first (inferred). Page and size may stand in the body; the query wins (Mem0 OpenAPI). `next` is absolute. */
function listMemories(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const { selection, fields } = readListing(upstream, body);
  const rule = { sizeName: "page_size", sizeDefault: 100, sizeMax: 200 };
  const asked = readPage(call, rule, { address: `${call.origin}${path}`, body });
  refuseDeepPage(upstream, asked.page);
  const page = pageFrom(asked, (from, to) => {
    const { count, memories } = newestOf(upstream, projectId, selection, { from, to });
    return { count, items: memories.map((memory) => projected(listedMemory(upstream, memory), fields)) };
  });
  noteCall(upstream, { projectId, type: "GET_ALL", payload: body });
  return json(200, page);
}

/** @throws {Refusal} 400 as `parseFilters`, and by field for what cannot be (inferred). */
function readListing(
  { state: { switches } }: Upstream,
  body: Readonly<Record<string, unknown>>,
): { readonly selection: Selection; readonly fields: readonly string[] | null } {
  refuseTopLevelIds(body);
  const fields = new BodyFields(body);
  const isExpiredShown = flagField(fields, "show_expired");
  const isLatestOnly = flagField(fields, "latest_only");
  const firstDay = dayField(fields, "start_date");
  const lastDay = dayField(fields, "end_date");
  const categories = textsField(fields, "categories");
  const projection = textsField(fields, "fields");
  const words = body["keywords"] === null ? null : fields.text("keywords", { isRequired: false });
  fields.refuseInvalid();
  const isFiltered = parseFilters(body["filters"], { use: "list", switches });
  const fromMs = firstDay === null ? Number.NEGATIVE_INFINITY : Date.parse(`${firstDay}T00:00:00Z`);
  const endMs = lastDay === null ? Number.POSITIVE_INFINITY : Date.parse(`${lastDay}T00:00:00Z`) + dayMs;
  const part = words === null ? "" : words.toLowerCase();
  const atMs = nowMs();
  const passes = (memory: MemoryRow): boolean =>
    isFiltered(memory) &&
    (isExpiredShown || !isExpired(memory, atMs)) &&
    !(isLatestOnly && shownReplacement(memory) !== null) &&
    memory.created_ms >= fromMs &&
    memory.created_ms < endMs &&
    hasAnyOf(memory, categories) &&
    (part === "" || memory.memory.toLowerCase().includes(part));
  return { selection: { passes, required: requiredIds(body["filters"]) }, fields: projection };
}

/** Is the memory filed under one of these? Without a list everything is. */
export function hasAnyOf(memory: MemoryRow, categories: readonly string[] | null): boolean {
  if (categories === null || categories.length === 0) return true;
  return (shownCategories(memory) ?? []).some((category) => categories.includes(category));
}

/** The service was seen to hand out a `next` that it then answers with 400; its words are not known. */
function refuseDeepPage({ state }: Upstream, page: number): void {
  const { listPagesMax } = state.switches;
  if (listPagesMax === 0 || page <= listPagesMax) return;
  throw refusalError(400, "Page is out of range.");
}
