import { one, post, type RecordedCase, thrown } from "./recorded-case.ts";

const said = [{ role: "user", content: "hi" }];
const memory = (id: string): string => `/v1/memories/${id}/`;
const add = "/v3/memories/add/";
const list = "/v3/memories/";
const search = "/v3/memories/search/";

const adding: readonly RecordedCase[] = [
  one("simple", "add", [said, { userId: "alice" }], post(add, { messages: said, user_id: "alice" })),
  one(
    "everything, in camel case",
    "add",
    [
      [{ role: "user", content: "hi", fooBar: 1 }],
      {
        ...{ userId: "alice", agentId: "a", appId: "p", runId: "r" },
        metadata: { keepCamel: 1, nested: { aB: 2 } },
        infer: false,
        expirationDate: "2030-01-01",
        customInstructions: "ci",
        agentCustomInstructions: "aci",
        customCategories: [{ FoodPrefs: "d" }],
        immutable: true,
        ...{ includes: "i", excludes: "e", timestamp: 1_721_577_600 },
        structuredDataSchema: { aB: 1 },
        observationDate: "2026-01-01",
        extraThing: true,
      },
    ],
    post(add, {
      messages: [{ role: "user", content: "hi", foo_bar: 1 }],
      ...{ user_id: "alice", agent_id: "a", app_id: "p", run_id: "r" },
      metadata: { keepCamel: 1, nested: { aB: 2 } },
      infer: false,
      expiration_date: "2030-01-01",
      custom_instructions: "ci",
      agent_custom_instructions: "aci",
      custom_categories: [{ FoodPrefs: "d" }],
      immutable: true,
      ...{ includes: "i", excludes: "e", timestamp: 1_721_577_600 },
      structured_data_schema: { aB: 1 },
      observation_date: "2026-01-01",
      extra_thing: true,
    }),
  ),
  one("in snake case", "add", [said, { user_id: "alice" }], post(add, { messages: said, user_id: "alice" })),
  one("of a text", "add", ["hello", { userId: "alice" }], post(add, { messages: "hello", user_id: "alice" })),
  one(
    "with options of old versions",
    "add",
    [said, { userId: "u", filters: { a_b: 1 }, asyncMode: false, outputFormat: "v1.1", version: "v2" }],
    post(add, {
      messages: said,
      user_id: "u",
      filters: { a_b: 1 },
      async_mode: false,
      output_format: "v1.1",
      version: "v2",
    }),
  ),
  one("of nobody", "add", [said], post(add, { messages: said }, 400)),
  thrown("of nothing", "add", [[], { userId: "alice" }], "Cannot process an empty messages payload."),
];

/** Adding and reading memories. */
export const readingCases: readonly RecordedCase[] = [
  ...adding,
  one("", "ping", [], { method: "GET", path: "/v1/ping/", status: 200 }),
  one(
    "",
    "get",
    ({ memoryId }) => [memoryId],
    ({ memoryId }) => ({ method: "GET", path: memory(memoryId), status: 200 }),
  ),
  one("with a slash in the id", "get", ["a/b"], { method: "GET", path: memory("a%2Fb"), status: 400 }),
  one(
    "",
    "history",
    ({ memoryId }) => [memoryId],
    ({ memoryId }) => ({ method: "GET", path: `${memory(memoryId)}history/`, status: 200 }),
  ),
  one("without options", "getAll", [], post(list, {}, 400)),
  one(
    "with everything, filters as they stand",
    "getAll",
    [
      {
        filters: { AND: [{ userId: "x" }, { created_at: { gte: "2026-01-01" } }] },
        ...{ page: 2, pageSize: 50, showExpired: true, categories: ["a"] },
        ...{ startDate: "2026-01-01", endDate: "2026-02-01" },
      },
    ],
    {
      ...post(
        list,
        {
          ...{ show_expired: true, start_date: "2026-01-01", end_date: "2026-02-01", categories: ["a"] },
          filters: { AND: [{ userId: "x" }, { created_at: { gte: "2026-01-01" } }] },
        },
        400,
      ),
      query: "page=2&page_size=50",
    },
  ),
  one("of page 0", "getAll", [{ page: 0, pageSize: 0 }], {
    ...post(list, {}, 400),
    query: "page=0&page_size=0",
  }),
  thrown(
    "of an id beside filters",
    "getAll",
    [{ userId: "x" }],
    'Top-level entity parameters [userId] are not supported in getAll(). Use filters: { user_id: "..." } instead.',
  ),
  one(
    "with everything",
    "search",
    [
      "q",
      {
        ...{ topK: 5, threshold: 0.2, rerank: true, fields: ["id"], categories: ["c"] },
        ...{ metadata: { aB: 1 }, referenceDate: "2026-01-01", showExpired: false },
        filters: { user_id: "x" },
      },
    ],
    post(search, {
      ...{ query: "q", output_format: "v1.1", top_k: 5, threshold: 0.2, rerank: true, fields: ["id"] },
      ...{ categories: ["c"], metadata: { aB: 1 }, reference_date: "2026-01-01", show_expired: false },
      filters: { user_id: "x" },
    }),
  ),
  one(
    "with another output format",
    "search",
    ["q", { outputFormat: "v1.0", filters: { user_id: "x" } }],
    post(search, { query: "q", output_format: "v1.0", filters: { user_id: "x" } }),
  ),
  one("without options", "search", ["q"], post(search, { query: "q", output_format: "v1.1" }, 400)),
  thrown(
    "of an id beside filters",
    "search",
    ["q", { user_id: "x" }],
    'Top-level entity parameters [user_id] are not supported in search(). Use filters: { user_id: "..." } instead.',
  ),
];
