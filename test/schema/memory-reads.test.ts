import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import {
  ask,
  type ConnectionView,
  change,
  type MemoryAnswer,
  pageFields,
  remember,
  requestsOf,
  sealedId,
  tenantWithMemories,
} from "./memory-rig.ts";

let world: World;
let acme: Placed;
let globex: Placed;
let ids: readonly string[];
let globexId: string;

beforeAll(async () => {
  world = await createWorld();
  [acme, globex] = [await tenantWithMemories(world), await tenantWithMemories(world)];
  ids = await remember(world, acme, [
    "Alice drinks green tea",
    "Alice drinks black coffee",
    "Alice rides a bicycle",
  ]);
  await remember(world, acme, ["Bob rides a train"], { userId: "bob", agentId: "planner" });
  [globexId = ""] = await remember(world, globex, ["Alice of Globex drinks green tea"]);
});
afterAll(() => world?.close());
beforeEach(() => world.emulator.clearRequests());

const mem0IdOf = (id: string) => Buffer.from(id, "base64url").toString().slice(-36);

describe("Tenant.searchMemories", () => {
  interface Found extends MemoryAnswer {
    readonly results: readonly { readonly score: number; readonly memory: { readonly id: string } }[];
  }
  const search = (args: string, variables: object, declarations: string) =>
    ask<Found>(world, acme, {
      field: `searchMemories(filter: { userId: { eq: "alice" } }, ${args})`,
      declarations,
      variables,
      selection: "... on MemorySearch { results { score scoreBreakdown memory { id memory } } }",
    });

  it("is one call of Mem0, and finds the tenant's own memories alone, the best first", async () => {
    const { results } = await search('query: "green tea"', {}, "");
    expect(results[0]?.memory.id).toBe(ids[0]);
    expect(results.map(({ memory }) => memory.id)).not.toContain(globexId);
    expect(results.map(({ score }) => score)).toEqual(
      results.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect(await requestsOf(world)).toEqual([
      {
        method: "POST",
        path: "/v3/memories/search/",
        query: "",
        body: { query: "green tea", filters: { user_id: "alice" }, top_k: 10, threshold: 0.1 },
      },
    ]);
  });

  it("sends every argument in Mem0's words", async () => {
    await search(
      `query: "tea", topK: 3, threshold: 0, rerank: true, showExpired: true, latestOnly: true, referenceDate: $at,
        categories: ["food"], metadata: $metadata`,
      { at: "2026-01-01T00:00:00Z", metadata: { a: 1 } },
      "$at: DateTime, $metadata: JSON",
    );
    const [request] = await requestsOf(world);
    expect(request?.body).toEqual({
      query: "tea",
      filters: { user_id: "alice" },
      top_k: 3,
      threshold: 0,
      rerank: true,
      show_expired: true,
      latest_only: true,
      reference_date: "2026-01-01T00:00:00.000Z",
      categories: ["food"],
      metadata: { a: 1 },
    });
  });

  it.each([
    ['query: " "', "query"],
    ['query: "q", topK: 1001', "topK"],
    ['query: "q", threshold: 1.5', "threshold"],
    ['query: "q", categories: [""]', "categories.0"],
  ])("refuses %s before anything is sent, naming the argument", async (args, field) => {
    expect(await search(args, {}, "")).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
    expect(await requestsOf(world)).toEqual([]);
  });

  it("refuses keywords in its filter, over which Mem0 would fail", async () => {
    const answer = await ask(world, acme, {
      field: 'searchMemories(query: "q", filter: { userId: { eq: "a" }, keywords: { contains: "x" } })',
      selection: "",
    });
    expect(answer.problems?.[0]?.field).toMatch(/^filter\.keywords/);
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("Tenant.entities", () => {
  it("is one call of Mem0 a page, of the tenant's own project, with the totals of each type", async () => {
    type Page = ConnectionView<{ type: string; name: string }> & { totals: object };
    const selection = `... on EntityConnection { totals { users agents apps runs } edges { cursor node { type name } }
      ${pageFields} }`;
    const first = await ask<Page>(world, acme, { field: "entities(first: 2)", selection });
    const rest = await ask<Page>(world, acme, {
      field: "entities(first: 2, after: $after)",
      declarations: "$after: String",
      variables: { after: first.pageInfo.endCursor },
      selection,
    });
    const names = [...first.edges, ...rest.edges].map(({ node }) => `${node.type} ${node.name}`);
    expect(names.toSorted()).toEqual(["AGENT planner", "USER alice", "USER bob"]);
    expect(first.totals).toEqual({ users: 2, agents: 1, apps: 0, runs: 0 });
    expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
    expect((await requestsOf(world)).map(({ path, query }) => `${path}?${query}`)).toEqual([
      "/v1/entities/?page=1&page_size=2",
      "/v1/entities/?page=2&page_size=2",
    ]);
  });
});

describe("Tenant.events and Tenant.event", () => {
  const fields = "id mem0Id type status payload results { memoryId memory }";
  interface EventView {
    readonly id: string;
    readonly mem0Id: string;
    readonly results: readonly { readonly memoryId: string }[];
  }
  const event = (id: string, tenant = acme) =>
    ask<MemoryAnswer & EventView>(world, tenant, {
      field: "event(id: $id)",
      declarations: "$id: ID!",
      variables: { id },
      selection: `... on MemoryEvent { ${fields} }`,
    });

  it("are one call of Mem0 each, and tell which memories came of it", async () => {
    const selection = `... on MemoryEventConnection { edges { cursor node { ${fields} } } ${pageFields} }`;
    const page = await ask<ConnectionView<EventView>>(world, acme, { field: "events(first: 1)", selection });
    const next = await ask<ConnectionView<EventView>>(world, acme, {
      field: "events(first: 5, after: $after)",
      declarations: "$after: String",
      variables: { after: page.pageInfo.endCursor },
      selection,
    });
    const all = [...page.edges, ...next.edges].map(({ node }) => node);
    expect(all.flatMap(({ results }) => results.map(({ memoryId }) => memoryId))).toEqual(
      expect.arrayContaining([...ids]),
    );
    expect(next.pageInfo.hasNextPage).toBe(false);
    const [one] = all;
    expect(await event(one?.id ?? "")).toEqual({ __typename: "MemoryEvent", ...one });
    expect((await requestsOf(world)).map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual([
      "GET /v1/events/?page=1",
      "GET /v1/events/?page=1",
      `GET /v1/event/${one?.mem0Id}/?`,
    ]);
  });

  it("are the same NotFound where they are another tenant's and where they are not there", async () => {
    const { edges } = await ask<ConnectionView<EventView>>(world, globex, {
      field: "events",
      selection: `... on MemoryEventConnection { edges { node { ${fields} } } }`,
    });
    const foreign = edges[0]?.node;
    const idOf = (mem0Id = "") => sealedId(world, "MemoryEvent", acme.tenantId, mem0Id);
    const answers = await Promise.all(
      [foreign?.id ?? "", idOf(foreign?.mem0Id), idOf("0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b")].map((id) =>
        event(id),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ __typename: "NotFound", message: "This tenant has no such event." });
  });
});

describe("the history", () => {
  const history = (memoryId: string) =>
    ask<MemoryAnswer & { entries: readonly object[] }>(world, acme, {
      field: "memoryHistory(memoryId: $memoryId)",
      declarations: "$memoryId: ID!",
      variables: { memoryId },
      selection: "... on MemoryHistory { entries { memoryId event oldMemory newMemory userId } }",
    });

  it("of a memory is one call of Mem0, and goes on to its end", async () => {
    const [id = ""] = await remember(world, acme, ["Carol is here"], { userId: "carol" });
    await change(world, acme, { mutation: "updateMemory", input: { id, text: "Carol is gone" } });
    await change(world, acme, { mutation: "deleteMemory", input: { id } });
    await world.emulator.clearRequests();
    expect((await history(id)).entries).toMatchObject([
      { memoryId: id, event: "ADD", oldMemory: null, newMemory: "Carol is here", userId: "carol" },
      { event: "UPDATE", oldMemory: "Carol is here", newMemory: "Carol is gone" },
      { event: "DELETE" },
    ]);
    expect(await requestsOf(world)).toEqual([
      { method: "GET", path: `/v1/memories/${mem0IdOf(id)}/history/`, query: "", body: null },
    ]);
  });

  it("is the same NotFound for another tenant's memory and for one that never was", async () => {
    const idOf = (mem0Id: string) => sealedId(world, "Memory", acme.tenantId, mem0Id);
    const answers = await Promise.all(
      [globexId, idOf(mem0IdOf(globexId)), idOf("0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b")].map((id) =>
        history(id),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.__typename).toBe("NotFound");
  });

  it("of the whole project is one call of Mem0 a page, and of this project alone", async () => {
    type Page = ConnectionView<{ memoryId: string }>;
    const selection = `... on MemoryHistoryEntryConnection { edges { cursor node { memoryId } } ${pageFields} }`;
    const page = await ask<Page>(world, globex, { field: "projectHistory(first: 7)", selection });
    expect(page.edges.map(({ node }) => node.memoryId)).toEqual([globexId]);
    expect(await requestsOf(world)).toEqual([
      { method: "GET", path: "/v1/memories/events/", query: "page=1&limit=7", body: null },
    ]);
  });
});

describe("Tenant.memoryStats", () => {
  it("is one call of Mem0, and counts this tenant's project alone", async () => {
    const answer = await ask(world, globex, {
      field: "memoryStats",
      selection: "... on MemoryStats { totalMemories totalUsersWithMemories }",
    });
    expect(answer).toEqual({ __typename: "MemoryStats", totalMemories: 1, totalUsersWithMemories: 1 });
    expect(await requestsOf(world)).toEqual([{ method: "GET", path: "/v1/stats/", query: "", body: null }]);
  });
});

describe("an access by the platform's key", () => {
  it("names the tenant's project in every body, and serves no call without one", async () => {
    const tenant = await place(world);
    await shareOrganization(tenant);
    await world.emulator.clearRequests();
    const filter = { userId: { eq: "alice" } };
    const id = sealedId(world, "Memory", tenant.tenantId, mem0IdOf(globexId));
    const read = (field: string) =>
      ask(world, tenant, {
        field,
        declarations: "$filter: MemoryFilterInput!",
        variables: { filter },
        selection: "",
      });
    await read("memories(filter: $filter)");
    await read('searchMemories(query: "q", filter: $filter)');
    await read("memoryExport(filter: $filter)");
    const messages = [{ role: "USER", content: "Hello there." }];
    for (const [mutation, input] of [
      ["addMemories", { messages, userId: "alice", infer: false }],
      ["updateMemory", { id, text: "Changed." }],
      ["updateMemories", { updates: [{ id, text: "Changed." }] }],
      ["deleteMemories", { ids: [id] }],
      ["createMemoryExport", { schema: { a: 1 }, filter }],
      ["giveMemoryFeedback", { memoryId: id, feedback: "POSITIVE" }],
    ] as const) {
      await change(world, tenant, { mutation, input });
    }
    const { platform } = world.projectKeys;
    const requests = await requestsOf(world);
    expect(requests).toHaveLength(9);
    for (const { path, body } of requests) {
      expect(body, path).toMatchObject({ org_id: platform.orgId, project_id: tenant.projectId });
    }
    await world.emulator.clearRequests();
    const refused = await change(world, tenant, { mutation: "deleteMemory", input: { id } });
    expect(refused.__typename).toBe("MemoryAccessMissing");
    expect(await requestsOf(world)).toEqual([]);
  });
});

/** Puts a tenant's project into the platform's organization, as far as our rows are concerned: no sign-up does so yet. */
async function shareOrganization({ tenantId }: Placed): Promise<void> {
  const organization = await world.prisma.resource.findFirstOrThrow({
    where: { tenantId, kind: "ORGANIZATION" },
  });
  const id = `${organization.id.slice(0, -4)}0000`;
  const { operationId } = organization;
  const upstreamId = world.projectKeys.platform.orgId;
  await world.prisma.resource.create({
    data: {
      id,
      tenantId,
      operationId,
      upstreamId,
      kind: "ORGANIZATION",
      name: "shared",
      desired: {},
      state: "PRESENT",
    },
  });
  await world.prisma.resource.updateMany({
    where: { tenantId, kind: "PROJECT", name: "main" },
    data: { parentId: id },
  });
}
