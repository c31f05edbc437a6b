import { nobodys, one, post, type RecordedCase, thrown } from "./recorded-case.ts";

const memory = (id: string): string => `/v1/memories/${id}/`;

/** Changing and deleting memories, and saying something of them. */
export const changingCases: readonly RecordedCase[] = [
  one(
    "the text",
    "update",
    ({ memoryId }) => [memoryId, { text: "t" }],
    ({ memoryId }) => ({ method: "PUT", path: memory(memoryId), body: { text: "t" }, status: 200 }),
  ),
  one(
    "everything",
    "update",
    ({ memoryId }) => [memoryId, { text: "t", metadata: { aB: 1 }, timestamp: 1, expirationDate: null }],
    ({ memoryId }) => ({
      method: "PUT",
      path: memory(memoryId),
      body: { text: "t", metadata: { aB: 1 }, timestamp: 1, expiration_date: null },
      status: 200,
    }),
  ),
  thrown(
    "nothing",
    "update",
    [nobodys, {}],
    "At least one of text, metadata, timestamp, or expirationDate must be provided for update.",
  ),
  one(
    "",
    "delete",
    ({ memoryId }) => [memoryId],
    ({ memoryId }) => ({ method: "DELETE", path: memory(memoryId), status: 200 }),
  ),
  one(
    "what is linked too",
    "delete",
    ({ memoryId }) => [memoryId, { deleteLinked: true }],
    ({ memoryId }) => ({
      method: "DELETE",
      path: memory(memoryId),
      query: "delete_linked=true",
      status: 200,
    }),
  ),
  ...(
    [
      ["of a user", { userId: "al ice" }, "user_id=al+ice", 200],
      ["of everybody", { userId: "*", agentId: "*", appId: "*", runId: "*" }, wildcards(), 200],
      ["in snake case", { user_id: "x" }, "user_id=x", 200],
      ["of nothing", {}, "", 400],
      ["with metadata that is no text", { userId: "a", metadata: { k: 1 } }, objectAsText(), 400],
      ["with metadata", { userId: "a", metadata: '{"k":1}' }, "user_id=a&metadata=%7B%22k%22%3A1%7D", 200],
    ] as const
  ).map(([title, options, query, status]) =>
    one(title, "deleteAll", [options], { method: "DELETE", path: "/v1/memories/", query, status }),
  ),
  one(
    "",
    "batchUpdate",
    ({ memoryId }) => [[{ memoryId, text: "t" }]],
    ({ memoryId }) => ({
      method: "PUT",
      path: "/v1/batch/",
      body: { memories: [{ memory_id: memoryId, text: "t" }] },
      status: 200,
    }),
  ),
  one(
    "",
    "batchDelete",
    ({ memoryId }) => [[memoryId, nobodys]],
    ({ memoryId }) => ({
      method: "DELETE",
      path: "/v1/batch/",
      body: { memories: [{ memory_id: memoryId }, { memory_id: nobodys }] },
      status: 200,
    }),
  ),
  one("of objects, as Mem0's docs have it", "batchDelete", [[{ memory_id: "id1" }]], {
    method: "DELETE",
    path: "/v1/batch/",
    body: { memories: [{ memory_id: { memory_id: "id1" } }] },
    status: 400,
  }),
  one(
    "",
    "feedback",
    ({ memoryId }) => [{ memoryId, feedback: "POSITIVE", feedbackReason: "r" }],
    ({ memoryId }) =>
      post("/v1/feedback/", { memory_id: memoryId, feedback: "POSITIVE", feedback_reason: "r" }),
  ),
  one(
    "in snake case, with nulls",
    "feedback",
    [{ memory_id: "m", feedback: null, feedback_reason: null }],
    post("/v1/feedback/", { memory_id: "m", feedback: null, feedback_reason: null }, 400),
  ),
];

function wildcards(): string {
  return "user_id=*&agent_id=*&app_id=*&run_id=*";
}

function objectAsText(): string {
  return "user_id=a&metadata=%5Bobject+Object%5D";
}
