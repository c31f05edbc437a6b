import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { refusalDetail } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import type { Row } from "./table.ts";

/** How long a page is where no switch says so. */
const pageLength = 100;

/**
 * Answers a list of organizations, projects or webhooks: a bare array of all of them (Mem0 OpenAPI), newest first
 * (inferred). Switches make pages of it, cut it off, or turn it round.
 * @throws {Refusal} 404 for a page that there is not, where there are pages.
 */
export function answerAdminList<R extends Row>(
  { state }: Upstream,
  call: Call,
  rows: readonly R[],
  show: (row: R) => object,
): Answer {
  const { adminLists, adminListMax, adminListOrder } = state.switches;
  const newest = newestFirst(rows);
  const ordered = adminListOrder === "newest" ? newest : newest.toReversed();
  if (adminLists === "paged") return paged(call, ordered, adminListMax || pageLength, show);
  return json(200, (adminListMax === 0 ? ordered : ordered.slice(0, adminListMax)).map(show));
}

function paged<R extends Row>(
  call: Call,
  rows: readonly R[],
  length: number,
  show: (row: R) => object,
): Answer {
  const page = Number(call.query.get("page") ?? "1");
  const last = Math.max(1, Math.ceil(rows.length / length));
  if (!Number.isInteger(page) || page < 1 || page > last) throw refusalDetail(404, "Invalid page.");
  const link = (to: number): string | null =>
    to < 1 || to > last ? null : `${call.origin}${call.path}?page=${to}`;
  return json(200, {
    count: rows.length,
    next: link(page + 1),
    previous: link(page - 1),
    results: rows.slice((page - 1) * length, page * length).map(show),
  });
}
