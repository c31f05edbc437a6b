import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  deleteMatchingMemories,
  listMemories,
  listProjectHistory,
  type MemoryListQuery,
  type MemorySearchQuery,
  searchMemories,
} from "../../src/mem0/memory-lists.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  bareParsed,
  bareWire,
  historyParsed,
  historyWire,
  memoryParsed,
  memoryWire,
} from "./memory-samples.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

function sent(index = 0): unknown {
  return JSON.parse(server.seen[index]?.body ?? "");
}

const filters = { userId: { eq: "ada" } };
const project = { orgId: "org_1", projectId: "proj_2" };

describe("listMemories", () => {
  test("asks for the page in the query and for all else in the body", async () => {
    server.answer(200, {
      count: 123,
      next: "https://api.mem0.ai/v3/memories/?page=3&page_size=50",
      previous: "https://api.mem0.ai/v3/memories/?page_size=50",
      results: [memoryWire, bareWire],
    });
    const page = await listMemories(
      mem0,
      {
        filters,
        page: 2,
        pageSize: 50,
        showExpired: true,
        latestOnly: true,
        startDate: "2024-01-01",
        endDate: "2024-12-31",
        categories: ["travel"],
        fields: ["runId", "isSynthesized", "memory"],
        keywords: "rome",
      },
      { project },
    );
    expect(page).toEqual({
      items: [memoryParsed, bareParsed],
      count: 123,
      page: 2,
      pageSize: 50,
      hasNext: true,
    });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v3/memories/?page=2&page_size=50" });
    expect(sent()).toEqual({
      filters: { user_id: "ada" },
      show_expired: true,
      latest_only: true,
      start_date: "2024-01-01",
      end_date: "2024-12-31",
      categories: ["travel"],
      fields: ["id", "memory", "session_id", "synthesized"],
      keywords: "rome",
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  test("asks for the first hundred unless told otherwise", async () => {
    server.answer(200, { count: 0, next: null, previous: null, results: [] });
    expect(await listMemories(mem0, { filters })).toEqual({
      items: [],
      count: 0,
      page: 1,
      pageSize: 100,
      hasNext: false,
    });
    expect(server.seen[0]?.url).toBe("/v3/memories/?page=1&page_size=100");
    expect(sent()).toEqual({ filters: { user_id: "ada" } });
  });

  const refused: [string, string, Partial<MemoryListQuery>][] = [
    ["page 0", "page", { page: 0 }],
    ["half a page", "page", { page: 1.5 }],
    ["a page of nothing", "pageSize", { pageSize: 0 }],
    ["201 a page", "pageSize", { pageSize: 201 }],
    ["a filter of nobody", "filters", { filters: { createdAt: { gt: "2024-01-01" } } }],
    ["a date and time for a day", "startDate", { startDate: "2024-01-01T00:00:00Z" }],
    ["no day", "endDate", { endDate: "today" }],
    ["no categories", "categories", { categories: [] }],
    ["a blank category", "categories.1", { categories: ["a", ""] }],
    ["no fields", "fields", { fields: [] }],
    ["blank keywords", "keywords", { keywords: "" }],
  ];

  test.each(refused)("refuses %s before anything is sent", async (_name, argument, changes) => {
    const failure = await failureOf(listMemories(mem0, { filters, ...changes }));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});

describe("searchMemories", () => {
  test("posts everything in Mem0's words, and answers the best first with their scores", async () => {
    const { session_id: _runId, ...found } = memoryWire;
    const scores = { semantic: 0.71, bm25: 0.11, entity: 0 };
    server.answer(200, {
      results: [
        { ...found, run_id: "run-7", score: 0.82, score_breakdown: scores },
        { ...bareWire, score: 1 },
      ],
    });
    const query: MemorySearchQuery = {
      query: "where does ada live?",
      filters,
      topK: 1000,
      threshold: 0,
      rerank: true,
      showExpired: false,
      latestOnly: true,
      referenceDate: 1_720_000_000,
      fields: ["runId"],
      categories: ["travel"],
      metadata: { trip: "west" },
    };
    expect(await searchMemories(mem0, query, { project })).toEqual([
      { ...memoryParsed, score: 0.82, scoreBreakdown: scores },
      { ...bareParsed, score: 1, scoreBreakdown: null },
    ]);
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v3/memories/search/" });
    expect(sent()).toEqual({
      query: "where does ada live?",
      filters: { user_id: "ada" },
      top_k: 1000,
      threshold: 0,
      rerank: true,
      show_expired: false,
      latest_only: true,
      reference_date: 1_720_000_000,
      fields: ["id", "memory", "score", "run_id"],
      categories: ["travel"],
      metadata: { trip: "west" },
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  test("says how many and how similar even when the caller does not, and reads a bare array too", async () => {
    server.answer(200, []);
    expect(await searchMemories(mem0, { query: "rome", filters })).toEqual([]);
    expect(sent()).toEqual({ query: "rome", filters: { user_id: "ada" }, top_k: 10, threshold: 0.1 });
  });

  test("fails when a memory has no score, instead of leaving a hole", async () => {
    server.answer(200, { results: [bareWire] });
    const failure = await failureOf(searchMemories(mem0, { query: "rome", filters }));
    expect(failure).toMatchObject({ name: "Mem0Unanswered", reason: "unexpected-body" });
  });

  const refused: [string, string, Partial<MemorySearchQuery>][] = [
    ["a blank query", "query", { query: " \t" }],
    ["a filter of nobody", "filters", { filters: { userId: { isPresent: true } } }],
    ["top 0", "topK", { topK: 0 }],
    ["top 1001", "topK", { topK: 1001 }],
    ["a threshold above 1", "threshold", { threshold: 1.01 }],
    ["a threshold that is no number", "threshold", { threshold: Number.NaN }],
    ["no moment", "referenceDate", { referenceDate: "last year" }],
    ["empty metadata", "metadata", { metadata: {} }],
  ];

  test.each(refused)("refuses %s before anything is sent", async (_name, argument, changes) => {
    const failure = await failureOf(searchMemories(mem0, { query: "rome", filters, ...changes }));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});

describe("deleteMatchingMemories", () => {
  test.each([
    [{ userId: "ada+x&y" }, "user_id=ada%2Bx%26y"],
    [{ agentId: "a" }, "agent_id=a"],
    [{ appId: "a" }, "app_id=a"],
    [{ runId: "a", userId: undefined }, "run_id=a"],
  ])("names %j in the query, and sends no body", async (match, query) => {
    server.answer(200, { message: "Delete in progress.", event_id: "a4a512fd-0c1e-4a52-9d0e-2b1f6f1c7a10" });
    // A caller without exact types may hand over undefined.
    expect(await deleteMatchingMemories(mem0, match as { readonly userId: string })).toEqual({
      eventId: "a4a512fd-0c1e-4a52-9d0e-2b1f6f1c7a10",
    });
    expect(server.seen[0]).toMatchObject({ method: "DELETE", url: `/v1/memories/?${query}`, body: "" });
  });

  test("takes an empty answer for a deletion without an event", async () => {
    server.answerText(204, "");
    expect(await deleteMatchingMemories(mem0, { userId: "ada" })).toEqual({ eventId: null });
  });

  test.each([
    ["nobody, which once wiped the project", "match", {}],
    ["two names, of which Mem0 may heed one", "match", { userId: "ada", runId: "r" }],
    ["a star, which is everybody", "userId", { userId: "*" }],
    ["a blank name", "agentId", { agentId: "" }],
  ])("refuses %s", async (_name, argument, match) => {
    const failure = await failureOf(deleteMatchingMemories(mem0, match));
    expect(failure).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});

describe("listProjectHistory", () => {
  test("pages by `limit`, and leaves the embeddings behind", async () => {
    server.answer(200, {
      count: 3,
      next: "/v1/memories/events/?limit=2&page=2",
      previous: null,
      results: [historyWire, historyWire],
    });
    expect(await listProjectHistory(mem0, { pageSize: 2 })).toEqual({
      items: [historyParsed, historyParsed],
      count: 3,
      page: 1,
      pageSize: 2,
      hasNext: true,
    });
    expect(server.seen[0]).toMatchObject({ method: "GET", url: "/v1/memories/events/?page=1&limit=2" });
  });
});

describe("a call that only reads, though it is a POST", () => {
  test.each([
    ["list", () => listMemories(mem0, { filters })],
    ["search", () => searchMemories(mem0, { query: "rome", filters })],
  ])("has changed nothing when its answer is lost: %s", async (_call, ask) => {
    server.react((response) => response.destroy());
    expect(await failureOf(ask())).toMatchObject({ name: "Mem0Unanswered", mayHaveHappened: false });
  });
});
