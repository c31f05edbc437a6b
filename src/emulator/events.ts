import { randomUUID } from "node:crypto";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { inListOrder } from "./list-order.ts";
import { type EventRow, type EventType, events } from "./memory-rows.ts";
import { pageOf, readPage } from "./page.ts";
import { refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { put } from "./table.ts";

const collection = "/v1/events/";

/** Events of the key's own project: get, list. What a redirected call did is an event of the project it did it in (inferred). */
export const eventResource: Resource = {
  routes: [
    { method: "GET", path: "/v1/event/{event_id}/", handle: getEvent },
    { method: "GET", path: collection, handle: listEvents },
    // Not in Mem0's OpenAPI file; its command line program's specification has this path (contradicted by live answers).
    { method: "GET", path: "/v1/events/{event_id}/", handle: getEvent },
  ],
  tables: [events],
};

/** What an event is made of. */
export interface EventFacts {
  readonly projectId: string;
  readonly type: EventType;
  readonly payload: Readonly<Record<string, unknown>>;
  /** How long it takes; 0 is done at once. */
  readonly takesMs: number;
  readonly results?: readonly object[];
  readonly error?: string | null;
}

/** A new event: PENDING for the first quarter of its time, then RUNNING, then done. `error` makes it FAILED. */
export function newEvent(facts: EventFacts): EventRow {
  const createdMs = nowMs();
  const error = facts.error ?? null;
  return {
    event_id: randomUUID(),
    project_id: facts.projectId,
    event_type: facts.type,
    payload: facts.payload,
    started_ms: createdMs + facts.takesMs / 4,
    completed_ms: createdMs + facts.takesMs,
    outcome: error === null ? "SUCCEEDED" : "FAILED",
    results: facts.results ?? [],
    error,
    created_ms: createdMs,
    updated_ms: createdMs + facts.takesMs,
    inserted_ms: createdMs,
    deleted_ms: null,
  };
}

/** Makes an event of a call that the real service may or may not make one of (a switch). */
export function noteCall({ state }: Upstream, facts: Omit<EventFacts, "takesMs">): void {
  if (!state.switches.everyCallMakesEvents) return;
  state.commit([put(events, newEvent({ ...facts, takesMs: 0 }))]);
}

function getEvent(upstream: Upstream, call: Call): Answer {
  const event = upstream.state.table(events).get(call.param("event_id").toLowerCase());
  if (event?.project_id !== call.caller.projectId || !isKept(upstream, event)) {
    throw refusalError(404, "Event not found or you don't have permission to access it.");
  }
  const isFailed = statusOf(event) === "FAILED";
  const rest = { graph_status: null, error: isFailed ? event.error : null };
  return json(200, { ...eventObject(upstream, event), ...rest });
}

/** Newest first, 100 a page (inferred); `next` is a path without a host, as was seen live. Switches. */
function listEvents(upstream: Upstream, call: Call): Answer {
  const { eventPageSize, eventNext } = upstream.state.switches;
  const address = eventNext === "relative" ? collection : `${call.origin}${collection}`;
  const rule = { sizeName: null, sizeDefault: eventPageSize, sizeMax: eventPageSize };
  const asked = readPage(call, rule, { address });
  const kept = upstream.state
    .table(events)
    .childrenOf(call.caller.projectId)
    .filter((event) => event.deleted_ms === null && isKept(upstream, event));
  return json(
    200,
    pageOf(inListOrder(upstream, kept), asked, (event) => eventObject(upstream, event)),
  );
}

/** Events are kept 30 days (inferred, a switch). */
function isKept({ state }: Upstream, event: EventRow): boolean {
  return nowMs() - event.created_ms < state.switches.eventRetentionMs;
}

/** What a reader is told now: the status follows from the clock. */
export function statusOf(event: EventRow): "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" {
  const atMs = nowMs();
  if (atMs >= event.completed_ms) return event.outcome;
  return atMs >= event.started_ms ? "RUNNING" : "PENDING";
}

function eventObject({ state }: Upstream, event: EventRow): object {
  const status = statusOf(event);
  const isDone = status === "SUCCEEDED" || status === "FAILED";
  const date = (epochMs: number): string => formatDate(epochMs, state.switches.dates);
  const shownUpdatedMs = isDone
    ? event.completed_ms
    : status === "RUNNING"
      ? event.started_ms
      : event.created_ms;
  return {
    id: event.event_id,
    event_type: event.event_type,
    status: status === "RUNNING" ? state.switches.eventAtWork : status,
    payload: event.payload,
    metadata: null,
    results: status === "SUCCEEDED" ? event.results : [],
    created_at: date(event.created_ms),
    updated_at: date(shownUpdatedMs),
    started_at: status === "PENDING" ? null : date(event.started_ms),
    completed_at: isDone ? date(event.completed_ms) : null,
    latency: isDone ? Math.round((event.completed_ms - event.created_ms) * 10) / 10 : null,
  };
}
