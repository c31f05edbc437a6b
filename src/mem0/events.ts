import { z } from "zod";
import { uuid } from "./arguments.ts";
import { optionalObject } from "./memory-answers.ts";
import { emptyPage, type Page, pageAnswer, pageNumber, sendForPage } from "./pages.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { optionalDate, optionalText, upstreamId } from "./wire-fields.ts";

/** How far an event is. `CANCELLED` is not documented, but other clients know it. */
export const eventStatuses = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"] as const;

/** One of `eventStatuses`. */
export type EventStatus = (typeof eventStatuses)[number];

/** What an event did to one memory. */
export interface MemoryEventResult {
  readonly memoryId: string;
  /** ADD, UPDATE, DELETE; where Mem0 does not say, the type of the whole event. */
  readonly event: string;
  readonly memory: string | null;
  readonly userId: string | null;
  readonly agentId: string | null;
}

/** Something that Mem0 does, or did, after it had answered. What it leaves out is null. */
export interface MemoryEvent {
  readonly eventId: string;
  /** In Mem0's words, such as ADD or DELETE_ALL. */
  readonly type: string;
  readonly status: EventStatus;
  /** Empty until it has ended, and for a fact that was known already. */
  readonly results: readonly MemoryEventResult[];
  /** The request that it came of: it holds the text of messages. */
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** Why it failed. A list of events does not say. */
  readonly error: string | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly latencyMs: number | null;
}

const knownStatuses: ReadonlyMap<string, EventStatus> = new Map(
  eventStatuses.map((status) => [status, status]),
);

const resultWire = z.object({
  id: upstreamId,
  event: optionalText,
  user_id: optionalText,
  agent_id: optionalText,
  memory: optionalText,
  data: z.object({ memory: optionalText }).nullish(),
});

// The items are not typed in the OpenAPI document: one that names no memory must not make a whole list unreadable.
const resultsWire = z.preprocess(
  (results) => (Array.isArray(results) ? results.filter(namesMemory) : []),
  z.array(resultWire),
);

function namesMemory(result: unknown): boolean {
  return typeof result === "object" && result !== null && "id" in result && result.id !== null;
}

const eventAnswer: z.ZodType<MemoryEvent> = z
  .object({
    id: upstreamId,
    event_type: z.string(),
    status: z.string(),
    results: resultsWire,
    payload: optionalObject,
    metadata: optionalObject,
    error: optionalText,
    created_at: optionalDate,
    updated_at: optionalDate,
    started_at: optionalDate,
    completed_at: optionalDate,
    latency: z.number().nullish(),
  })
  .transform((wire) => ({
    eventId: wire.id,
    type: wire.event_type,
    status: knownStatuses.get(wire.status) ?? "RUNNING",
    results: wire.results.map((result) => ({
      memoryId: result.id,
      event: result.event ?? wire.event_type,
      memory: result.data?.memory ?? result.memory,
      userId: result.user_id,
      agentId: result.agent_id,
    })),
    payload: wire.payload,
    metadata: wire.metadata,
    error: wire.error,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
    startedAt: wire.started_at,
    completedAt: wire.completed_at,
    latencyMs: wire.latency ?? null,
  }));

/** What a call answers that goes on after its answer: an event to follow, or nothing (older documents: 204). */
export const startedAnswer: z.ZodType<{ readonly eventId: string | null }> = z
  .looseObject({ message: z.string().nullish(), event_id: optionalText })
  .refine(
    ({ event_id, ...rest }) =>
      event_id !== null || Object.keys(rest).length === 0 || typeof rest.message === "string",
    "neither an event nor a message is in it",
  )
  .transform((wire) => ({ eventId: wire.event_id }));

/** Whether nothing more will come of an event. A status that we do not know counts as running (inferred). */
export function hasEnded(status: EventStatus): boolean {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}

/**
 * One event. Memories that it added may be found by a search later than it ends (live observation).
 * `GET /v1/event/{event_id}/`, in the singular.
 *
 * @throws {InvalidArgument} when the id is not a UUID.
 * @throws {Mem0Refused} 404 when there is none for the key.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getEvent(mem0: Mem0, eventId: string, options?: CallOptions): Promise<MemoryEvent> {
  const path = mem0Path("/v1/event/{event_id}/", { event_id: uuid("eventId", eventId) });
  return mem0.send({ method: "GET", path, answer: eventAnswer, options });
}

/**
 * A page of the project's events, in an order that Mem0 does not document; the size of a page is Mem0's own.
 * `GET /v1/events/?page=`.
 *
 * @throws {InvalidArgument} for a page below 1.
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function listEvents(
  mem0: Mem0,
  query: { readonly page?: number } = {},
  options?: CallOptions,
): Promise<Page<MemoryEvent>> {
  const asked = { page: pageNumber(query.page), pageSize: null };
  const request = {
    method: "GET",
    path: mem0Path("/v1/events/", {}),
    query: { page: String(asked.page) },
    answer: pageAnswer(eventAnswer, asked),
    options,
  } as const;
  return sendForPage(mem0, request, emptyPage(asked));
}
