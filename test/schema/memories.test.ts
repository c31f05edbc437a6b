import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import {
  ask,
  type ConnectionView,
  type MemoryAnswer,
  type MemoryView,
  memoryFields,
  pageFields,
  post,
  refusalFields,
  remember,
  requestsOf,
  sealedId,
  tenantWithMemories,
} from "./memory-rig.ts";

let world: World;
let acme: Placed;
let globex: Placed;
/** Acme's memories, as Mem0 lists them: the newest first. */
let teas: readonly string[];
let globexId: string;

const texts = Array.from({ length: 7 }, (_, number) => `Alice likes tea number ${number}`);
const ofAlice = { userId: { eq: "alice" } };

beforeAll(async () => {
  world = await createWorld();
  [acme, globex] = [await tenantWithMemories(world), await tenantWithMemories(world)];
  await remember(world, acme, texts);
  [globexId = ""] = await remember(world, globex, ["Alice of Globex has a secret"]);
  teas = (await list({ first: 10 })).edges.map(({ node }) => node.memory);
});
afterAll(() => world?.close());
beforeEach(() => world.emulator.clearRequests());
afterEach(() => world.emulator.clearFaults());

type MemoryPage = ConnectionView<MemoryView>;

const listRequest = {
  field: `memories(filter: $filter, first: $first, after: $after, last: $last, before: $before, showExpired: $showExpired,
    latestOnly: $latestOnly, categories: $categories, keywords: $keywords, startDate: $startDate, endDate: $endDate)`,
  declarations: `$filter: MemoryFilterInput!, $first: Int, $after: String, $last: Int, $before: String, $showExpired: Boolean,
    $latestOnly: Boolean, $categories: [String!], $keywords: String, $startDate: String, $endDate: String`,
  selection: `... on MemoryConnection { edges { cursor node { ${memoryFields} } } ${pageFields} }`,
};

/** A page of a tenant's memories, of Alice's in Acme unless said otherwise. */
function list(variables: object, tenant = acme): Promise<MemoryPage> {
  return ask<MemoryPage>(world, tenant, { ...listRequest, variables: { filter: ofAlice, ...variables } });
}

/** The document of `list`, for what is told beside the data. */
const listDocument = `query ($key: String!, ${listRequest.declarations}) { tenant(key: $key) {
  answer: ${listRequest.field} { __typename ${listRequest.selection} ${refusalFields} } } }`;

function memory(id: string, tenant = acme): Promise<MemoryAnswer & MemoryView> {
  return ask(world, tenant, {
    field: "memory(id: $id)",
    declarations: "$id: ID!",
    variables: { id },
    selection: `... on Memory { ${memoryFields} }`,
  });
}

/** A filter in a filter, so many deep. */
function nested(depth: number): unknown {
  return JSON.parse(`${'{"and":['.repeat(depth)}{"userId":{"eq":"a"}}${"]}".repeat(depth)}`);
}

const textsOf = ({ edges }: MemoryPage) => edges.map(({ node }) => node.memory);

describe("Tenant.memories", () => {
  it("is one call of Mem0 a page, of just the size that was asked for", async () => {
    const page = await list({ first: 3 });
    expect(textsOf(page)).toEqual(teas.slice(0, 3));
    expect(page).toMatchObject({ totalCount: 7, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    expect(await requestsOf(world)).toEqual([
      {
        method: "POST",
        path: "/v3/memories/",
        query: "page=1&page_size=3",
        body: { filters: { user_id: "alice" } },
      },
    ]);
  });

  it("goes on after a cursor and back before one, each page one call", async () => {
    const first = await list({ first: 3 });
    const second = await list({ first: 3, after: first.pageInfo.endCursor });
    const third = await list({ first: 3, after: second.pageInfo.endCursor });
    expect([first, second, third].flatMap(textsOf)).toEqual(teas);
    expect(third.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const back = await list({ last: 2, before: third.pageInfo.startCursor });
    expect(textsOf(back)).toEqual(teas.slice(4, 6));
    expect(await requestsOf(world)).toHaveLength(4);
  });

  it("sends every argument in Mem0's words", async () => {
    const asked = await list({
      filter: {
        and: [{ userId: { in: ["alice", "bob"] } }, { not: [{ agentId: { isPresent: true } }] }],
        categories: { contains: "foo" },
        createdAt: { gte: "2020-01-01" },
        metadata: [{ key: "trip", ne: "rome" }],
      },
      first: 5,
      showExpired: true,
      latestOnly: true,
      categories: ["food"],
      keywords: "tea",
      startDate: "2020-01-01",
      endDate: "2099-01-01",
    });
    expect(asked.__typename).toBe("MemoryConnection");
    const [request] = await requestsOf(world);
    expect(request?.body).toMatchObject({
      show_expired: true,
      latest_only: true,
      categories: ["food"],
      keywords: "tea",
      start_date: "2020-01-01",
      end_date: "2099-01-01",
    });
    const sent = JSON.stringify(request?.body);
    for (const part of [
      '{"user_id":{"in":["alice","bob"]}}',
      '"NOT":[{"agent_id":"*"}]',
      '"trip":{"ne":"rome"}',
    ]) {
      expect(sent).toContain(part);
    }
  });

  it("finds memories by their ids, and none for an id of another tenant", async () => {
    const [edge] = (await list({ first: 1 })).edges;
    const only = (ids: unknown[]) => list({ filter: { ...ofAlice, memoryIds: ids } });
    expect(textsOf(await only([edge?.node.id]))).toEqual(teas.slice(0, 1));
    expect(textsOf(await only([globexId]))).toEqual([]);
    const requests = JSON.stringify(await requestsOf(world));
    expect(requests).not.toContain(Buffer.from(globexId, "base64url").toString().slice(-36));
  });

  it.each<[string, object, string]>([
    ["nobody named", { filter: { categories: { in: ["food"] } } }, "filter"],
    ["an empty branch", { filter: { ...ofAlice, and: [{ or: [] }] } }, "filter.and.0.or"],
    [
      "a date that is none",
      { filter: { ...ofAlice, and: [{ not: [{ createdAt: { gt: "soon" } }] }] } },
      "filter.and.0.not.0.createdAt.gt",
    ],
    [
      "an empty value of metadata",
      {
        filter: {
          ...ofAlice,
          metadata: [
            { key: "a.b", eq: "x" },
            { key: "a", contains: "" },
          ],
        },
      },
      "filter.metadata.1.contains",
    ],
    [
      "a key of metadata twice",
      {
        filter: {
          ...ofAlice,
          or: [
            {
              ...ofAlice,
              metadata: [
                { key: "a", eq: 1 },
                { key: "a", eq: 2 },
              ],
            },
          ],
        },
      },
      "filter.or.0.metadata.1.key",
    ],
    ["a day that is none", { startDate: "2026-02-30" }, "startDate"],
  ])(
    "refuses %s before anything is sent, naming the field as the caller wrote it",
    async (_what, given, field) => {
      const answer = await list(given);
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
      expect(await requestsOf(world)).toEqual([]);
    },
  );

  it.each([
    ["a cursor of another tenant", async () => (await list({}, globex)).pageInfo.endCursor],
    [
      "a cursor of another filter",
      async () => (await list({ filter: { userId: { ne: "bob", eq: "alice" } } })).pageInfo.endCursor,
    ],
  ])("refuses %s like one that never was, byte for byte", async (_what, cursorOf) => {
    const cursors = [await cursorOf(), "rubbish"];
    await world.emulator.clearRequests();
    const [foreign, rubbish] = await Promise.all(
      cursors.map((after) => post(world, listDocument, { key: acme.key, filter: ofAlice, after })),
    );
    expect(foreign?.errors?.[0]?.extensions).toEqual({ code: "BAD_CURSOR" });
    expect(foreign).toEqual(rubbish);
    expect(await requestsOf(world)).toEqual([]);
  });

  it("refuses a filter that is nested deeper than Mem0 would read, naming where", async () => {
    const filter = nested(21);
    expect(await list({ filter })).toMatchObject({
      __typename: "InvalidInput",
      message: expect.stringContaining("filter.and.0"),
    });
  });

  it.each([200, 1_000, 2_000])(
    "refuses variables that are nested %i deep, which would overflow the stack",
    async (depth) => {
      const { errors } = await post(world, listDocument, { key: acme.key, filter: nested(depth) });
      expect(errors).toMatchObject([{ message: "Variables must not be nested deeper than 100." }]);
      expect(await requestsOf(world)).toEqual([]);
    },
  );

  it("refuses `last` without `before`, since Mem0 knows no end to count from", async () => {
    const { errors } = await post(world, listDocument, { key: acme.key, filter: ofAlice, last: 3 });
    expect(errors?.[0]).toMatchObject({ extensions: { code: "BAD_CURSOR" } });
  });

  it("shows nobody another tenant's memories, the same user's name notwithstanding", async () => {
    expect(textsOf(await list({}, globex))).toEqual(["Alice of Globex has a secret"]);
    expect(textsOf(await list({ filter: { userId: { in: ["alice", "bob"] } }, first: 100 }))).toEqual(teas);
  });
});

describe("what a response cost upstream", () => {
  it("is told beside the data: how many calls, and how long they were waited for", async () => {
    const fault = { kind: "slow", ms: 120, when: "before" } as const;
    await world.emulator.failNext({ match: { path: "/v3/memories/" }, fault, count: 2 });
    const twice = listDocument.replace("answer:", `other: ${listRequest.field} { __typename } answer:`);
    const { extensions } = await post(world, twice, { key: acme.key, filter: ofAlice });
    expect(extensions?.upstream?.calls).toBe(2);
    expect(extensions?.upstream?.waitedMs).toBeGreaterThanOrEqual(115);
  });

  it("is not told where there were none", async () => {
    const { extensions } = await post(world, "query ($key: String!) { tenant(key: $key) { id } }", {
      key: acme.key,
    });
    expect(extensions).not.toHaveProperty("upstream");
  });
});

describe("Tenant.memory", () => {
  it("is one call of Mem0", async () => {
    const [edge] = (await list({ first: 1 })).edges;
    await world.emulator.clearRequests();
    const found = await memory(edge?.node.id ?? "");
    expect(found).toEqual({ __typename: "Memory", ...edge?.node });
    expect(await requestsOf(world)).toEqual([
      { method: "GET", path: `/v1/memories/${found.mem0Id}/`, query: "", body: null },
    ]);
  });

  it("is the same NotFound for what is another tenant's, what was forged and what is not there", async () => {
    const mem0Id = Buffer.from(globexId, "base64url").toString().slice(-36);
    const idOf = (text: string) => Buffer.from(text).toString("base64url");
    const [own] = (await list({ first: 1 })).edges;
    const ids = {
      foreign: globexId,
      // Acme's tenant around a memory of Globex: Mem0 itself must not show it to Acme's key.
      forged: idOf(`Memory:AAAAAAAAAAAAAAAA:${acme.tenantId}:${mem0Id}`),
      sealed: sealedId(world, "Memory", acme.tenantId, mem0Id),
      missing: sealedId(world, "Memory", acme.tenantId, "0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b"),
      raw: own?.node.mem0Id ?? "",
      otherThing: idOf(`MemoryEvent:${acme.tenantId}:${own?.node.mem0Id}`),
      padded: `${own?.node.id}=`,
      rubbish: "rubbish",
      empty: "",
    };
    const bodies = await Promise.all(
      Object.values(ids).map(async (id) => {
        const document = `query ($key: String!, $id: ID!) { tenant(key: $key) { memory(id: $id) {
          __typename ... on Memory { memory } ... on NotFound { kind } ${refusalFields} } } }`;
        const { data, errors } = await post(world, document, { key: acme.key, id });
        return JSON.stringify({ data, errors });
      }),
    );
    expect(new Set(bodies).size).toBe(1);
    expect(JSON.parse(bodies[0] ?? "")).toEqual({
      data: {
        tenant: {
          memory: {
            __typename: "NotFound",
            kind: "memory",
            code: "NOT_FOUND",
            message: "This tenant has no such memory.",
            retryable: false,
          },
        },
      },
    });
  });

  it("sends nothing of another tenant's id to Mem0, nor of one that was made by anybody but us", async () => {
    const mem0Id = Buffer.from(globexId, "base64url").toString().slice(-36);
    await memory(globexId);
    await memory(Buffer.from(`Memory:${acme.tenantId}:${mem0Id}`).toString("base64url"));
    await memory(Buffer.from(`Memory:AAAAAAAAAAAAAAAA:${acme.tenantId}:${mem0Id}`).toString("base64url"));
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("a tenant without memory access", () => {
  it("is told so by every field, with what to do, and Mem0 is not asked", async () => {
    const mute = await place(world);
    await world.emulator.clearRequests();
    const fields = [
      'memories(filter: { userId: { eq: "a" } })',
      'memory(id: "x")',
      'searchMemories(query: "q", filter: { userId: { eq: "a" } })',
      "entities",
      "events",
      'event(id: "x")',
      'memoryHistory(memoryId: "x")',
      'memoryExport(id: "x")',
      "memoryStats",
      "projectHistory",
    ];
    for (const field of fields) {
      const answer = await ask<MemoryAnswer & { howTo: string }>(world, mute, {
        field,
        selection: "... on MemoryAccessMissing { howTo }",
      });
      expect(answer.__typename, field).toBe("MemoryAccessMissing");
      expect(answer.howTo, field).toContain("attachProjectKey");
    }
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("what goes wrong with Mem0", () => {
  const path = "/v3/memories/";
  const details = `... on Mem0Refused { status messages } ... on Mem0QuotaSpent { quotaResetAt }
    ... on Mem0Throttled { retryAfterMs } ... on Mem0Unavailable { mayHaveHappened }
    ... on Mem0UnexpectedBody { mayHaveHappened }`;

  it.each([
    [
      "a no",
      { kind: "refuse", status: 403, body: { detail: "You shall not." } },
      { __typename: "Mem0Refused", status: 403 },
    ],
    [
      "a spent quota",
      { kind: "quota", resetAt: "2030-01-01T00:00:00+00:00", eventType: "GET_ALL" },
      { __typename: "Mem0QuotaSpent", retryable: false, quotaResetAt: "2030-01-01T00:00:00.000Z" },
    ],
    [
      "throttling",
      { kind: "throttle", retryAfterSeconds: 7 },
      { __typename: "Mem0Throttled", retryAfterMs: 7_000, retryable: true },
    ],
    [
      "an error of its own",
      { kind: "fail-500" },
      { __typename: "Mem0Unavailable", retryable: true, mayHaveHappened: false },
    ],
    ["a body of another shape", { kind: "wrong-shape", done: true }, { __typename: "Mem0UnexpectedBody" }],
    ["a body that is none", { kind: "garbage", done: true }, { __typename: "Mem0UnexpectedBody" }],
  ] as const)("is told by a type of its own: %s", async (_what, fault, expected) => {
    await world.emulator.failNext({ match: { path }, fault });
    const answer = await ask(world, acme, {
      ...listRequest,
      variables: { filter: ofAlice },
      selection: `${listRequest.selection} ${details}`,
    });
    expect(answer).toMatchObject(expected);
  });
});
