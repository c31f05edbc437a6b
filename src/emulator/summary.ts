import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { parseFilters } from "./filters.ts";
import { isExpired, readableMemories } from "./memory-reads.ts";
import { projectOfCall } from "./memory-scope.ts";
import { refusalFields } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";

/** `POST /v1/summary/`: what the memories that pass the filters say together. */
export const summaryResource: Resource = {
  routes: [{ method: "POST", path: "/v1/summary/", handle: summarize }],
  tables: [],
};

/**
 * A list (Mem0 OpenAPI; its items are not documented). Here one object with the texts in one paragraph, newest first; nothing
 * to say is an empty list (inferred). Expired and replaced memories say nothing.
 * @throws {Refusal} 400 without filters (words inferred), and as `parseFilters`.
 */
function summarize(upstream: Upstream, call: Call): Answer {
  const { switches } = upstream.state;
  const body = call.body();
  const projectId = projectOfCall(upstream, call, body);
  const { filters } = body;
  if (filters === undefined) throw refusalFields({ filters: ["This field is required."] });
  const passes = parseFilters(filters, { use: "list", switches, isOld: true });
  const atMs = nowMs();
  const found = readableMemories(upstream, projectId).filter(
    (memory) => passes(memory) && !isExpired(memory, atMs) && memory.replaced_by === null,
  );
  const sentences = newestFirst(found).map(({ memory }) => (/[.!?]$/.test(memory) ? memory : `${memory}.`));
  return json(200, sentences.length === 0 ? [] : [{ summary: sentences.join(" ") }]);
}
