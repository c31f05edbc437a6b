import { type Known, nobodys, one, post, type RecordedCase, thrown } from "./recorded-case.ts";

const project = ({ orgId, projectId }: Known): string =>
  `/api/v1/orgs/organizations/${orgId}/projects/${projectId}/`;
const webhooks = (projectId: string): string => `/api/v1/webhooks/projects/${projectId}/`;

const ofEntities: readonly RecordedCase[] = [
  one("", "users", [], { method: "GET", path: "/v1/entities/", status: 200 }),
  one("of page 0", "users", [{ page: 0 }], { method: "GET", path: "/v1/entities/", status: 200 }),
  one("of a page past the end", "users", [{ page: 2, pageSize: 10 }], {
    method: "GET",
    path: "/v1/entities/",
    query: "page=2&page_size=10",
    status: 404,
  }),
  ...[{ entity_id: 5, entity_type: "user" }, { entity_id: 5 }].map((data) =>
    one(`of ${Object.keys(data).length} fields`, "deleteUser", [data], {
      method: "DELETE",
      path: "/v1/entities/user/5/",
      status: 200,
    }),
  ),
  ...(
    [
      [{ userId: "al ice/1" }, "user/al%20ice%2F1"],
      [{ agentId: "bot" }, "agent/bot"],
      [{ appId: "a" }, "app/a"],
      [{ runId: "r" }, "run/r"],
    ] as const
  ).map(([params, named]) =>
    one(`of ${named}`, "deleteUsers", [params], {
      method: "DELETE",
      path: `/v2/entities/${named}/`,
      status: 200,
    }),
  ),
  {
    title: "of everybody",
    method: "deleteUsers",
    args: () => [],
    sends: () => [
      { method: "GET", path: "/v1/entities/", status: 200 },
      { method: "DELETE", path: "/v2/entities/user/al%20ice%2F1/", status: 200 },
      { method: "DELETE", path: "/v2/entities/agent/bot/", status: 200 },
    ],
  },
];

const ofProject: readonly RecordedCase[] = [
  one("", "getProject", [{}], (known) => ({ method: "GET", path: project(known), status: 200 })),
  one("of some fields", "getProject", [{ fields: ["customInstructions", "customCategories"] }], (known) => ({
    method: "GET",
    path: project(known),
    query: "fields=custom_instructions&fields=custom_categories",
    status: 200,
  })),
  thrown(
    "without an argument",
    "getProject",
    [],
    "Cannot destructure property 'fields' of 'options' as it is undefined.",
    "TypeError",
  ),
  one(
    "",
    "updateProject",
    [
      {
        ...{ customInstructions: "x", customCategories: [{ FoodPrefs: "d" }], agentCustomInstructions: "" },
        ...{ memoryDepth: "d", usecaseSetting: "u", multilingual: true, decay: true },
      },
    ],
    (known) => ({
      method: "PATCH",
      path: project(known),
      body: {
        ...{ custom_instructions: "x", custom_categories: [{ FoodPrefs: "d" }] },
        ...{ agent_custom_instructions: "", memory_depth: "d", usecase_setting: "u" },
        ...{ multilingual: true, decay: true },
      },
      status: 200,
    }),
  ),
];

const ofWebhooks: readonly RecordedCase[] = [
  one("", "getWebhooks", [], ({ projectId }) => ({
    method: "GET",
    path: webhooks(projectId),
    status: 200,
  })),
  one("of another project", "getWebhooks", [{ projectId: "proj_other" }], {
    method: "GET",
    path: webhooks("proj_other"),
    status: 403,
  }),
  one(
    "always of the key's project",
    "createWebhook",
    [{ name: "n", url: "http://127.0.0.1:9/x", eventTypes: ["memory_add"], projectId: "proj_other" }],
    ({ projectId }) =>
      post(webhooks(projectId), { name: "n", url: "http://127.0.0.1:9/x", event_types: ["memory_add"] }, 201),
  ),
  one(
    "of what is given, without is_active",
    "updateWebhook",
    ({ webhookId }) => [{ webhookId, name: "n2", eventTypes: ["memory_delete"], isActive: false }],
    ({ webhookId }) => ({
      method: "PUT",
      path: `/api/v1/webhooks/${webhookId}/`,
      body: { name: "n2", event_types: ["memory_delete"] },
      status: 200,
    }),
  ),
  one("of an id that is not encoded", "updateWebhook", [{ webhookId: "wh/1?x" }], {
    ...{ method: "PUT", path: "/api/v1/webhooks/wh/1", query: "x/" },
    ...{ body: {}, status: 501 },
  }),
  one(
    "",
    "deleteWebhook",
    ({ webhookId }) => [{ webhookId }],
    ({ webhookId }) => ({ method: "DELETE", path: `/api/v1/webhooks/${webhookId}/`, status: 200 }),
  ),
  one(
    "of a bare id",
    "deleteWebhook",
    ({ webhookId }) => [webhookId],
    ({ webhookId }) => ({ method: "DELETE", path: `/api/v1/webhooks/${webhookId}/`, status: 200 }),
  ),
];

const schema = { title: "S", properties: { fullName: { type: "string" } } };

const ofExports: readonly RecordedCase[] = [
  one(
    "",
    "createMemoryExport",
    [{ schema, filters: { user_id: "x" }, exportInstructions: "ei" }],
    post("/v1/exports/", { export_instructions: "ei", filters: { user_id: "x" }, schema }, 201),
  ),
  thrown("of nothing", "createMemoryExport", [{ schema }], "Missing filters or schema"),
  one(
    "by id",
    "getMemoryExport",
    [{ memoryExportId: nobodys }],
    post("/v1/exports/get/", { memory_export_id: nobodys }, 404),
  ),
  one(
    "by filters",
    "getMemoryExport",
    [{ filters: { user_id: "x" } }],
    post("/v1/exports/get/", { filters: { user_id: "x" } }, 404),
  ),
  thrown(
    "in snake case",
    "getMemoryExport",
    [{ memory_export_id: nobodys }],
    "Missing memoryExportId or filters",
  ),
];

const jobs = "/v2/profiles/jobs/";
const settings = "/v2/profiles/settings/";

const ofProfiles: readonly RecordedCase[] = [
  one("", "getProfile", [{ entityId: "al ice/1" }], {
    method: "GET",
    path: "/v2/entities/user/al%20ice%2F1/profile/",
    status: 200,
  }),
  one(
    "",
    "generateProfile",
    [{ entityId: "al ice/1" }],
    post(jobs, { operation: "trigger", entity_type: "user", entity_id: "al ice/1" }, 202),
  ),
  one(
    "",
    "sampleProfiles",
    [{ limit: 3 }],
    post(jobs, { operation: "sample", entity_type: "user", limit: 3 }, 202),
  ),
  one("without a limit", "sampleProfiles", [], post(jobs, { operation: "sample", entity_type: "user" }, 202)),
  one("", "getProfileSettings", [], { method: "GET", path: settings, status: 200 }),
  one(
    "with a schema as it stands",
    "updateProfileSettings",
    [{ enabled: true, schema: { a_b: 1 }, customInstructions: "x" }],
    post(settings, { enabled: true, entities: { user: { schema: { a_b: 1 }, custom_instructions: "x" } } }),
  ),
  one("of nothing", "updateProfileSettings", [{}], post(settings, {})),
  one("by id", "getProfileJob", ["job1"], { method: "GET", path: `${jobs}job1/`, status: 404 }),
  one("by its URL", "getProfileJob", [`${jobs}j2/`], { method: "GET", path: `${jobs}j2/`, status: 404 }),
];

/** Entities, the project, webhooks, exports and profiles. */
export const placeCases: readonly RecordedCase[] = [
  ...ofEntities,
  ...ofProject,
  ...ofWebhooks,
  ...ofExports,
  ...ofProfiles,
];
