import { describe, expect, it } from "vitest";
import { invoke, startClient } from "./client.ts";
import { nobodys } from "./recorded-case.ts";

const said = [{ role: "user", content: "hi" }];
const filters = { user_id: "alice" };
const hook = { name: "n", url: "http://127.0.0.1:9/", eventTypes: ["memory_add"] };

const oddValues: readonly unknown[] = [
  ...[null, 0, -1, 1.5, 1e300, true, "", " ", "\u0000", "💥é", "x".repeat(3000), "__proto__", "constructor"],
  ...[[], [null], [[]], [{}], {}, { a: null }, { AND: 1 }, { AND: [null] }, { toString: 1 }, { eq: {} }],
  ...["2026-13-45", "9999-99-99", "-1", "%", "../..", "*"],
];

/** What a call looks like with an odd value in each of its places. */
const calls: readonly (readonly [string, (odd: unknown) => readonly (readonly unknown[])[]])[] = [
  [
    "add",
    (odd) => [
      [odd, { userId: "a" }],
      [[{ role: odd, content: odd }], { userId: "a" }],
    ],
  ],
  [
    "add",
    (odd) => [
      [[{ role: "user", content: odd }], { userId: "a" }],
      [said, { userId: odd, runId: odd }],
    ],
  ],
  ["add", (odd) => [[said, { userId: "a", metadata: odd, customCategories: odd, infer: false }]]],
  [
    "add",
    (odd) => [[said, { userId: "a", infer: odd, immutable: odd, timestamp: odd, expirationDate: odd }]],
  ],
  ["add", (odd) => [[said, { userId: "a", includes: odd, excludes: odd, customInstructions: odd }]]],
  ["get", (odd) => [[odd]]],
  ["history", (odd) => [[odd]]],
  ["delete", (odd) => [[odd], [nobodys, { deleteLinked: odd }]]],
  ["update", (odd) => [[nobodys, { text: odd, metadata: odd, timestamp: odd, expirationDate: odd }]]],
  [
    "getAll",
    (odd) => [[{ filters: odd }], [{ filters: { user_id: odd } }], [{ filters, page: odd, pageSize: odd }]],
  ],
  ["getAll", (odd) => [[{ filters: { AND: [filters, { created_at: odd }, { metadata: odd }] } }]]],
  ["getAll", (odd) => [[{ filters: { AND: [filters, { categories: odd }] } }], [{ filters: { OR: odd } }]]],
  ["getAll", (odd) => [[{ filters, fields: odd, categories: odd, keywords: odd, latestOnly: odd }]]],
  [
    "getAll",
    (odd) => [[{ filters, startDate: odd }], [{ filters, endDate: odd }], [{ filters, showExpired: odd }]],
  ],
  [
    "search",
    (odd) => [
      [odd, { filters }],
      ["q", { filters: odd }],
      ["q", { filters, topK: odd }],
    ],
  ],
  [
    "search",
    (odd) => [
      ["q", { filters, threshold: odd }],
      ["q", { filters, metadata: odd }],
    ],
  ],
  [
    "search",
    (odd) => [
      ["q", { filters, referenceDate: odd }],
      ["q", { filters: { NOT: odd } }],
    ],
  ],
  ["deleteAll", (odd) => [[{ userId: odd }], [{ userId: "a", metadata: odd }]]],
  ["users", (odd) => [[{ page: odd }], [{ pageSize: odd }]]],
  ["deleteUser", (odd) => [[{ entity_id: odd, entity_type: "user" }], [{ entity_id: 1, entity_type: odd }]]],
  ["deleteUsers", (odd) => [[{ userId: odd }], [{ runId: odd }]]],
  ["batchUpdate", (odd) => [[[{ memoryId: odd, text: "t" }]], [[{ memoryId: nobodys, text: odd }]]]],
  ["batchDelete", (odd) => [[[odd]], [[nobodys, odd]]]],
  ["getProject", (odd) => [[{ fields: [odd] }]]],
  [
    "updateProject",
    (odd) => [[{ customCategories: odd }], [{ customInstructions: odd, decay: odd, name: odd }]],
  ],
  [
    "createWebhook",
    (odd) => [[{ ...hook, name: odd }], [{ ...hook, url: odd }], [{ ...hook, eventTypes: odd }]],
  ],
  ["updateWebhook", (odd) => [[{ webhookId: "wh_1", name: odd, url: odd, eventTypes: odd }]]],
  ["feedback", (odd) => [[{ memoryId: odd }], [{ memoryId: nobodys, feedback: odd, feedbackReason: odd }]]],
  ["createMemoryExport", (odd) => [[{ schema: odd, filters }], [{ schema: { properties: odd }, filters }]]],
  ["createMemoryExport", (odd) => [[{ schema: { properties: { a: odd } }, filters }]]],
  ["createMemoryExport", (odd) => [[{ schema: { properties: {} }, filters: odd, exportInstructions: odd }]]],
  ["getMemoryExport", (odd) => [[{ memoryExportId: odd, filters }], [{ filters: odd }]]],
  ["getProfile", (odd) => [[{ entityId: odd }]]],
  ["generateProfile", (odd) => [[{ entityId: odd }]]],
  ["sampleProfiles", (odd) => [[{ limit: odd }]]],
  ["updateProfileSettings", (odd) => [[{ schema: odd }], [{ customInstructions: odd }], [{ enabled: odd }]]],
  ["updateProfileSettings", (odd) => [[{ schema: { properties: { a: odd } } }]]],
];

describe("whatever the client is given", () => {
  it.each(calls.map(([method, places], index) => [`${method} (${index})`, method, places] as const))(
    "the emulator answers it and does not fail: %s",
    async (_, method, places) => {
      const { rig, client } = await startClient();
      for (const odd of oddValues) {
        for (const args of places(odd)) {
          const outcome = await invoke(client, method, args).catch((error: unknown) => error);
          const told = `${JSON.stringify(args)}: ${String(outcome)}`;
          expect(outcome, told).not.toMatchObject({ errorCode: "HTTP_500" });
          expect(outcome, told).not.toBeInstanceOf(SyntaxError);
        }
      }
      expect(await rig.ping()).toMatchObject({ status: "ok" });
    },
  );
});
