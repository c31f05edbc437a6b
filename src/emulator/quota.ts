import { type Answer, json } from "./answer.ts";
import type { Caller } from "./call.ts";
import { nowMs } from "./clock.ts";
import { Refusal } from "./refusal.ts";
import type { Resource, Route, Upstream } from "./resource.ts";
import { put, type Row, type TableDefinition } from "./table.ts";

/** What is metered: search and get_all share SEARCH, add is ADD (live observations, 2026). Nothing else is. */
export type Meter = "SEARCH" | "ADD";

/** How often one person's keys of one project used a meter in one billing period. It outlives its project. */
interface UsageRow extends Row {
  readonly org_id: string;
  readonly project_id: string;
  readonly email: string;
  readonly meter: Meter;
  /** The month in UTC, `YYYY-MM`. */
  readonly period: string;
  readonly count: number;
}

const usage: TableDefinition<UsageRow> = { name: "usage", idOf: usageId };

/** No routes: the meters run beside every route, and `GET /v1/stats/` shows them. */
export const quotaResource: Resource = { routes: [], tables: [usage] };

const meters: Readonly<Record<string, Meter>> = {
  "POST /v3/memories/search/": "SEARCH",
  "POST /v3/memories/": "SEARCH",
  "POST /v3/memories/add/": "ADD",
  // Seen of version 3 only; that the old routes run the same meters is inferred.
  "POST /v2/memories/search/": "SEARCH",
  "POST /v1/memories/search/": "SEARCH",
  "POST /v2/memories/": "SEARCH",
  "GET /v1/memories/": "SEARCH",
  "POST /v1/memories/": "ADD",
};

/** The meter that a call of this route runs; null for most. */
export function meterOf({ method, path }: Route): Meter | null {
  return meters[`${method} ${path}`] ?? null;
}

/** The most that a billing period allows; 0 is no bound. */
export function quotaOf({ state }: Upstream, meter: Meter): number {
  return meter === "SEARCH" ? state.switches.quotaSearchMax : state.switches.quotaAddMax;
}

/**
 * Lets the call through unless the meter of whoever pays is at its end.
 * @throws {Refusal} 429 with the body that was seen live, until the first of the next month, 00:00 UTC.
 */
export function refuseOverQuota(upstream: Upstream, caller: Caller, meter: Meter): void {
  const limit = quotaOf(upstream, meter);
  if (limit === 0) return;
  const period = periodOf(nowMs());
  const used = countOf(upstream, (row) => row.meter === meter && row.period === period && paysFor(row));
  if (used >= limit) {
    throw new Refusal(quotaSpent({ eventType: meter, limit, used, resetAt: nextPeriod(nowMs()) }));
  }

  function paysFor(row: UsageRow): boolean {
    const { quotaScope } = upstream.state.switches;
    if (quotaScope === "project") return row.project_id === caller.projectId;
    if (quotaScope === "organization") return row.org_id === caller.orgId;
    return row.email.toLowerCase() === caller.user.email.toLowerCase();
  }
}

/** Counts one call that was answered with a success: what was refused is not billed (inferred). */
export function countUse({ state }: Upstream, caller: Caller, meter: Meter): void {
  const countedMs = nowMs();
  const fresh: UsageRow = {
    org_id: caller.orgId,
    project_id: caller.projectId,
    email: caller.user.email,
    meter,
    period: periodOf(countedMs),
    count: 0,
    created_ms: countedMs,
    updated_ms: countedMs,
    inserted_ms: countedMs,
    deleted_ms: null,
  };
  const row = state.table(usage).get(usageId(fresh)) ?? fresh;
  state.commit([put(usage, { ...row, count: row.count + 1, updated_ms: countedMs })]);
}

/** What the keys of this project used of a meter, in this billing period or ever. */
export function usedByProject(
  upstream: Upstream,
  projectId: string,
  meter: Meter,
  when: "period" | "ever",
): number {
  const period = periodOf(nowMs());
  return countOf(
    upstream,
    (row) =>
      row.project_id === projectId && row.meter === meter && (when === "ever" || row.period === period),
  );
}

/** The body as at least five accounts have seen it (live observations, 2026): no `Retry-After`, no other header. */
export function quotaSpent(spent: {
  readonly eventType: string;
  readonly limit: number;
  readonly used: number;
  readonly resetAt: string;
}): Answer {
  return json(429, {
    error:
      "Usage quota exceeded for this billing period. Please upgrade your plan at https://app.mem0.ai/dashboard/billing.",
    event_type: spent.eventType,
    quota_limit: spent.limit,
    quota_used: spent.used,
    quota_reset: spent.resetAt,
  });
}

function usageId({ email, project_id, meter, period }: UsageRow): string {
  return `${project_id}/${meter}/${period}/${email.toLowerCase()}`;
}

function countOf({ state }: Upstream, isMeant: (row: UsageRow) => boolean): number {
  let count = 0;
  for (const row of state.table(usage).all()) if (isMeant(row)) count += row.count;
  return count;
}

function periodOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 7);
}

/** When the next period begins, written as it was seen live: `2026-09-01T00:00:00+00:00`. */
function nextPeriod(epochMs: number): string {
  const now = new Date(epochMs);
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  return `${next.toISOString().slice(0, 19)}+00:00`;
}
