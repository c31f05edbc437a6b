import { z } from "zod";
import {
  dayIfGiven,
  entityName,
  filledObject,
  momentIfGiven,
  numberBetween,
  text,
  textIfGiven,
  textsIfGiven,
  wholeBetween,
} from "./arguments.ts";
import { startedAnswer } from "./events.ts";
import { filterOnWire, type MemoryFilter } from "./filters.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import type { Memory, MemoryHistoryEntry } from "./memories.ts";
import { foundMemoryAnswer, memoryAnswer, memoryHistoryAnswer } from "./memory-answers.ts";
import { fieldsOnWire, type MemoryField } from "./memory-fields.ts";
import { emptyPage, type Page, pageAnswer, pageNumber, pageSize, sendForPage } from "./pages.ts";
import { mem0Path } from "./path.ts";
import { type MemoryCallOptions, withOverride } from "./project-override.ts";
import type { CallOptions, Mem0 } from "./request.ts";

/** Which memories to list. What is given besides `filters` must hold too. */
export interface MemoryListQuery {
  readonly filters: MemoryFilter;
  /** From 1, which it is unless given. */
  readonly page?: number;
  /** 1 to 200; 100 unless given. */
  readonly pageSize?: number;
  /** Also those whose expiration date has passed. */
  readonly showExpired?: boolean;
  /** Only those that nothing superseded (Mem0 CONTRACT notes, Python client). */
  readonly latestOnly?: boolean;
  /** `YYYY-MM-DD`: made on this day or later. */
  readonly startDate?: string;
  /** `YYYY-MM-DD`: made until this day. */
  readonly endDate?: string;
  /** Any of these. */
  readonly categories?: readonly string[];
  /** What to fetch; the rest is null. Id and text always come. */
  readonly fields?: readonly MemoryField[];
  /** Free text to look for. */
  readonly keywords?: string;
}

/** What to search for, and where. What is given besides `filters` must hold too. */
export interface MemorySearchQuery {
  /** What to look for, by its meaning; not blank. */
  readonly query: string;
  readonly filters: MemoryFilter;
  /** How many at most: 1 to 1000; 10 unless given. */
  readonly topK?: number;
  /** The least similarity of meaning, 0 (any) to 1; 0.1 unless given. */
  readonly threshold?: number;
  readonly rerank?: boolean;
  /** Also those whose expiration date has passed. */
  readonly showExpired?: boolean;
  /** Only those that nothing superseded (Mem0 CONTRACT notes, Python client). */
  readonly latestOnly?: boolean;
  /** What to take for now: Unix seconds, or an ISO day or date and time. */
  readonly referenceDate?: string | number;
  /** What to fetch; the rest is null. Id, text and score always come. */
  readonly fields?: readonly MemoryField[];
  /** Any of these. */
  readonly categories?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A memory that a search found. */
export interface FoundMemory extends Memory {
  readonly score: number;
  /** What the score is made of, by Mem0's words for it; null when it does not say. */
  readonly scoreBreakdown: Readonly<Record<string, number>> | null;
}

/** Whose memories to delete: exactly one of the four. */
export interface MemoryMatch {
  readonly userId?: string;
  readonly agentId?: string;
  readonly appId?: string;
  readonly runId?: string;
}

const topKMax = 1000;
// Mem0's own defaults (Mem0 OpenAPI). They are always sent: its other documents name others.
const topKDefault = 10;
const thresholdDefault = 0.1;

const foundAnswer: z.ZodType<FoundMemory[]> = z.preprocess(
  // The endpoint before this one answered the bare array.
  (body) => (Array.isArray(body) ? { results: body } : body),
  z.object({ results: z.array(foundMemoryAnswer) }).transform(({ results }) => results),
);

/**
 * A page of the memories that match, in an order that Mem0 does not document. Counts against the quota of searches
 * (live observation). `POST /v3/memories/?page=&page_size=`.
 *
 * @throws {InvalidArgument} for what Mem0 would refuse.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function listMemories(
  mem0: Mem0,
  query: MemoryListQuery,
  options?: MemoryCallOptions,
): Promise<Page<Memory>> {
  const asked = { page: pageNumber(query.page), pageSize: pageSize(query.pageSize) };
  const body = withOverride(
    {
      filters: filterOnWire(query.filters, "list"),
      show_expired: query.showExpired,
      latest_only: query.latestOnly,
      start_date: dayIfGiven("startDate", query.startDate),
      end_date: dayIfGiven("endDate", query.endDate),
      categories: textsIfGiven("categories", query.categories),
      fields: fieldsOnWire(query.fields, "list"),
      keywords: textIfGiven("keywords", query.keywords),
    },
    options,
  );
  const request = {
    method: "POST",
    path: mem0Path("/v3/memories/", {}),
    query: { page: String(asked.page), page_size: String(asked.pageSize) },
    body,
    answer: pageAnswer(memoryAnswer, asked),
    options,
  } as const;
  return sendForPage(mem0, request, emptyPage(asked));
}

/**
 * The memories that mean what is looked for, the best first; not paged. What was just added may be found later than
 * listed (live observation). Counts against the quota of searches. `POST /v3/memories/search/`.
 *
 * @throws {InvalidArgument} for what Mem0 would refuse.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function searchMemories(
  mem0: Mem0,
  query: MemorySearchQuery,
  options?: MemoryCallOptions,
): Promise<FoundMemory[]> {
  const body = withOverride(
    {
      query: text("query", query.query),
      filters: filterOnWire(query.filters, "search"),
      top_k: wholeBetween("topK", query.topK ?? topKDefault, 1, topKMax),
      threshold: numberBetween("threshold", query.threshold ?? thresholdDefault, 0, 1),
      rerank: query.rerank,
      show_expired: query.showExpired,
      latest_only: query.latestOnly,
      reference_date: momentIfGiven("referenceDate", query.referenceDate),
      fields: fieldsOnWire(query.fields, "search"),
      categories: textsIfGiven("categories", query.categories),
      metadata: query.metadata === undefined ? undefined : filledObject("metadata", query.metadata),
    },
    options,
  );
  const path = mem0Path("/v3/memories/search/", {});
  return mem0.send({ method: "POST", path, body, answer: foundAnswer, options });
}

/**
 * Deletes all memories of one user, agent, app or run; of exactly one, since Mem0 does not promise to demand all of
 * several (Mem0 docs). The deed goes on after the answer: follow the event. A name that never was is no error, and a
 * repeat neither (live observation). `DELETE /v1/memories/?user_id=`, in the query: a body is ignored.
 *
 * @throws {InvalidArgument} unless there is exactly one name, and that is neither blank nor `*`.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function deleteMatchingMemories(
  mem0: Mem0,
  match: MemoryMatch,
  options?: CallOptions,
): Promise<{ readonly eventId: string | null }> {
  const path = mem0Path("/v1/memories/", {});
  return mem0.send({ method: "DELETE", path, query: matchOnWire(match), answer: startedAnswer, options });
}

function matchOnWire({ userId, agentId, appId, runId }: MemoryMatch): Readonly<Record<string, string>> {
  const given = [
    ["userId", "user_id", userId],
    ["agentId", "agent_id", agentId],
    ["appId", "app_id", appId],
    ["runId", "run_id", runId],
  ] as const;
  const [first, second] = given.filter(([, , name]) => name !== undefined);
  if (first === undefined || second !== undefined) {
    throw new InvalidArgument("match", "Exactly one of userId, agentId, appId and runId is needed.");
  }
  const [argument, key, name] = first;
  return { [key]: entityName(argument, name) };
}

/**
 * A page of the changes to all memories of the project; Mem0 cannot narrow it down (Mem0 repository, commit a069ee9d3).
 * `GET /v1/memories/events/?page=&limit=`.
 *
 * @throws {InvalidArgument} for a page below 1, or a size outside 1 to 200.
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function listProjectHistory(
  mem0: Mem0,
  query: { readonly page?: number; readonly pageSize?: number } = {},
  options?: CallOptions,
): Promise<Page<MemoryHistoryEntry>> {
  const asked = { page: pageNumber(query.page), pageSize: pageSize(query.pageSize) };
  const request = {
    method: "GET",
    path: mem0Path("/v1/memories/events/", {}),
    query: { page: String(asked.page), limit: String(asked.pageSize) },
    answer: pageAnswer(memoryHistoryAnswer, asked),
    options,
  } as const;
  return sendForPage(mem0, request, emptyPage(asked));
}
