import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import {
  ask,
  change,
  type MemoryAnswer,
  post,
  remember,
  requestsOf,
  sealedId,
  tenantWithMemories,
} from "./memory-rig.ts";

let world: World;
let acme: Placed;
let globex: Placed;
let globexId: string;

beforeAll(async () => {
  world = await createWorld();
  [acme, globex] = [await tenantWithMemories(world), await tenantWithMemories(world)];
  [globexId = ""] = await remember(world, globex, ["Globex has a secret"]);
});
afterAll(() => world?.close());
beforeEach(() => world.emulator.clearRequests());
afterEach(() => world.emulator.clearFaults());

const hello = [{ role: "USER", content: "I moved to Austin." }];
const followed = "eventId eventMem0Id event { id status type results { memoryId memory } }";

interface Deed extends MemoryAnswer {
  readonly eventId: string | null;
  readonly eventMem0Id: string | null;
  readonly status?: string;
  readonly results?: readonly { readonly id: string; readonly memory: string }[];
  readonly event: {
    readonly id: string;
    readonly status: string;
    readonly type: string;
    readonly results: readonly { readonly memoryId: string; readonly memory: string | null }[];
  } | null;
}

interface Many extends MemoryAnswer {
  readonly results: readonly {
    readonly id: string;
    readonly isDone: boolean | null;
    readonly problem: { readonly code: string } | null;
  }[];
}

const outcomes = "{ results { id isDone problem { code message retryable } } }";

const mem0IdOf = (id: string) => Buffer.from(id, "base64url").toString().slice(-36);

/** The text of a memory as Mem0 has it, null when it is gone. */
async function textOf(id: string, tenant = acme): Promise<string | null> {
  const answer = await ask<MemoryAnswer & { memory?: string }>(world, tenant, {
    field: "memory(id: $id)",
    declarations: "$id: ID!",
    variables: { id },
    selection: "... on Memory { memory }",
  });
  return answer.memory ?? null;
}

function add(input: object, tenant = acme): Promise<Deed> {
  return change<Deed>(world, tenant, {
    mutation: "addMemories",
    input: { messages: hello, userId: "alice", ...input },
    selection: `... on AddMemoriesPayload { status results { id memory } ${followed} }`,
  });
}

describe("addMemories", () => {
  it("is one call of Mem0, with every argument in Mem0's words", async () => {
    const answer = await add({
      messages: [{ role: "ASSISTANT", content: "Welcome.", name: "bot" }],
      agentId: "a",
      appId: "b",
      runId: "c",
      metadata: { trip: { to: ["rome"] }, none: null },
      expirationDate: "2099-01-01",
      customInstructions: "i",
      agentCustomInstructions: "j",
      customCategories: [{ name: "work", description: "What they do" }],
      isImmutable: true,
      includes: "k",
      excludes: "l",
      timestamp: "2026-01-01T00:00:00.999Z",
      timezone: "Europe/Rome",
      observationDate: "2026-01-02",
      structuredDataSchema: { type: "object" },
    });
    expect(answer).toMatchObject({
      __typename: "AddMemoriesPayload",
      status: "PENDING",
      event: null,
      results: [],
    });
    expect(await requestsOf(world)).toEqual([
      {
        method: "POST",
        path: "/v3/memories/add/",
        query: "",
        body: {
          messages: [{ role: "assistant", content: "Welcome.", name: "bot" }],
          user_id: "alice",
          agent_id: "a",
          app_id: "b",
          run_id: "c",
          // Nulls in a caller's own data are data.
          metadata: { trip: { to: ["rome"] }, none: null },
          expiration_date: "2099-01-01",
          custom_instructions: "i",
          agent_custom_instructions: "j",
          custom_categories: [{ work: "What they do" }],
          immutable: true,
          includes: "k",
          excludes: "l",
          timestamp: 1_767_225_600,
          timezone: "Europe/Rome",
          observation_date: "2026-01-02",
          structured_data_schema: { type: "object" },
        },
      },
    ]);
  });

  it("follows its event while it may wait, and tells which memories came of it", async () => {
    await world.emulator.setSwitches({ addDelayMs: 300 });
    const answer = await add({ waitMs: 20_000 });
    await world.emulator.setSwitches({ addDelayMs: 20 });
    expect(answer.event).toMatchObject({ status: "SUCCEEDED", type: "ADD", id: answer.eventId });
    const [result] = answer.event?.results ?? [];
    expect(result?.memory).toContain("Austin");
    expect(await textOf(result?.memoryId ?? "")).toBe(result?.memory);
  });

  it("ends its wait in time with an event that is not over, and names it for later", async () => {
    await world.emulator.setSwitches({ addDelayMs: 60_000 });
    const startedMs = performance.now();
    const answer = await add({ messages: [{ role: "USER", content: "I like to wait." }], waitMs: 700 });
    await world.emulator.setSwitches({ addDelayMs: 20 });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(690);
    expect(["PENDING", "RUNNING"]).toContain(answer.event?.status);
    const later = await ask<Deed>(world, acme, {
      field: "event(id: $id)",
      declarations: "$id: ID!",
      variables: { id: answer.eventId },
      selection: "... on MemoryEvent { id }",
    });
    expect(later).toMatchObject({ __typename: "MemoryEvent", id: answer.eventId });
  });

  it("tells what was added although its event cannot be read", async () => {
    await world.emulator.failNext({
      match: { path: "/v1/event/*/" },
      fault: { kind: "fail-500" },
      count: 50,
    });
    const answer = await add({ waitMs: 500 });
    expect(answer).toMatchObject({ __typename: "AddMemoriesPayload", status: "PENDING", event: null });
    expect(answer.eventId).not.toBeNull();
  });

  it("does not wait for an event that no quota is left to ask for", async () => {
    await world.emulator.failNext({
      match: { path: "/v1/event/*/" },
      fault: { kind: "quota", resetAt: "2099-01-01T00:00:00Z", eventType: "SEARCH" },
      count: 50,
    });
    const startedMs = performance.now();
    const answer = await add({ waitMs: 20_000 });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(answer).toMatchObject({ __typename: "AddMemoriesPayload", status: "PENDING", event: null });
  });

  it("with infer: false answers what was stored, at once", async () => {
    const content = "As it stands, at once.";
    const answer = await add({ infer: false, messages: [{ role: "USER", content }] });
    expect(answer).toMatchObject({ status: "SUCCEEDED", results: [{ memory: content }] });
    expect(await textOf(answer.results?.[0]?.id ?? "")).toBe(content);
  });

  it.each<[string, object, string]>([
    ["no message", { messages: [] }, "messages"],
    ["a blank message", { messages: [{ role: "USER", content: " " }] }, "messages.0.content"],
    [
      "a message without end",
      { messages: [{ role: "USER", content: "x".repeat(100_001) }] },
      "messages.0.content",
    ],
    ["more messages than can be", { messages: Array.from({ length: 1_001 }, () => hello[0]) }, "messages"],
    ["nobody it is of", { userId: null }, "userId"],
    ["a star for a name", { userId: "*" }, "userId"],
    ["more metadata than Mem0 takes", { metadata: { x: "y".repeat(2_000) } }, "metadata"],
    ["a day that is none", { expirationDate: "tomorrow" }, "expirationDate"],
    ["a wait of more than a minute", { waitMs: 60_001 }, "waitMs"],
    ["a tenant's key that is none", { tenantKey: "a b" }, "tenantKey"],
  ])("refuses %s, naming the field, and sends nothing", async (_what, given, field) => {
    expect(await add(given)).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
    expect(await requestsOf(world)).toEqual([]);
  });

  it("tells that it may have happened when the answer was lost", async () => {
    await world.emulator.failNext({ match: { path: "/v3/memories/add/" }, fault: { kind: "do-then-drop" } });
    const answer = await change(world, acme, {
      mutation: "addMemories",
      input: { messages: hello, userId: "alice" },
      selection: "... on Mem0Unavailable { mayHaveHappened }",
    });
    expect(answer).toMatchObject({ __typename: "Mem0Unavailable", mayHaveHappened: true });
  });

  it("adds to the tenant's own project, and to no other", async () => {
    const answer = await add({ infer: false, messages: [{ role: "USER", content: "Only of Acme." }] });
    const { memories } = await world.emulator.tables();
    const row = memories.find(({ memory_id }) => memory_id === mem0IdOf(answer.results?.[0]?.id ?? ""));
    expect(row?.project_id).toBe(acme.projectId);
  });

  it("is refused for a key that no tenant has, and for a tenant without access", async () => {
    expect((await add({}, { ...acme, key: "nobody" })).__typename).toBe("TenantNotFound");
    const mute = await place(world);
    await world.emulator.clearRequests();
    expect((await add({}, mute)).__typename).toBe("MemoryAccessMissing");
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("a mutation of one memory", () => {
  const mutations: readonly [string, object, string][] = [
    ["updateMemory", { text: "Changed." }, "id"],
    ["deleteMemory", {}, "id"],
    ["giveMemoryFeedback", { feedback: "POSITIVE" }, "memoryId"],
  ];

  it.each(mutations)(
    "%s answers the same to another tenant's id, a forged one and one that is not there",
    async (mutation, input, name) => {
      const idOf = (text: string) => Buffer.from(text).toString("base64url");
      const ids = [
        globexId,
        idOf(`Memory:${acme.tenantId}:${mem0IdOf(globexId)}`),
        sealedId(world, "Memory", acme.tenantId, mem0IdOf(globexId)),
        sealedId(world, "Memory", acme.tenantId, "0b0b0b0b-0b0b-4b0b-8b0b-0b0b0b0b0b0b"),
        mem0IdOf(globexId),
        "rubbish",
      ];
      const answers = await Promise.all(
        ids.map((id) => change(world, acme, { mutation, input: { ...input, [name]: id } })),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]).toMatchObject({
        __typename: "NotFound",
        message: "This tenant has no such memory.",
      });
      expect(await textOf(globexId, globex)).toBe("Globex has a secret");
    },
  );
});

describe("updateMemory", () => {
  const update = (id: string, input: object) =>
    change<MemoryAnswer & { memory: object }>(world, acme, {
      mutation: "updateMemory",
      input: { id, ...input },
      selection: "... on UpdateMemoryPayload { memory { id memory metadata expirationDate } }",
    });

  it("is one call of Mem0, and answers the memory as it is now", async () => {
    const [id = ""] = await remember(world, acme, ["To be changed"]);
    await world.emulator.clearRequests();
    const answer = await update(id, {
      text: "Changed.",
      metadata: { a: null },
      expirationDate: "2099-02-03",
    });
    expect(answer.memory).toEqual({
      id,
      memory: "Changed.",
      metadata: { a: null },
      expirationDate: "2099-02-03",
    });
    expect(await requestsOf(world)).toEqual([
      {
        method: "PUT",
        path: `/v1/memories/${mem0IdOf(id)}/`,
        query: "",
        body: { text: "Changed.", metadata: { a: null }, expiration_date: "2099-02-03" },
      },
    ]);
    expect((await update(id, { expirationDate: null })).memory).toMatchObject({
      expirationDate: null,
      memory: "Changed.",
    });
  });

  it("refuses a change of nothing", async () => {
    const [id = ""] = await remember(world, acme, ["Not to be changed"]);
    await world.emulator.clearRequests();
    expect((await update(id, { text: null })).__typename).toBe("InvalidInput");
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("deleteMemory", () => {
  it("is one call of Mem0, after which the memory is not there", async () => {
    const [id = ""] = await remember(world, acme, ["To be deleted"]);
    await world.emulator.clearRequests();
    const request = {
      mutation: "deleteMemory",
      input: { id },
      selection: "... on DeleteMemoryPayload { id cascadeCount }",
    };
    expect(await change(world, acme, request)).toEqual({
      __typename: "DeleteMemoryPayload",
      id,
      cascadeCount: null,
    });
    expect(await requestsOf(world)).toEqual([
      { method: "DELETE", path: `/v1/memories/${mem0IdOf(id)}/`, query: "", body: null },
    ]);
    expect(await textOf(id)).toBeNull();
    expect((await change(world, acme, request)).__typename).toBe("NotFound");
  });
});

describe("giveMemoryFeedback", () => {
  it("is one call of Mem0, and nulls take back what was said", async () => {
    const [memoryId = ""] = await remember(world, acme, ["To be judged"]);
    await world.emulator.clearRequests();
    const give = (input: object) =>
      change(world, acme, {
        mutation: "giveMemoryFeedback",
        input: { memoryId, ...input },
        selection: "... on GiveMemoryFeedbackPayload { memoryId feedback reason }",
      });
    expect(await give({ feedback: "VERY_NEGATIVE", reason: "Wrong." })).toMatchObject({
      ...{ memoryId, feedback: "VERY_NEGATIVE", reason: "Wrong." },
    });
    expect(await give({})).toMatchObject({ feedback: null, reason: null });
    expect((await requestsOf(world)).map(({ path, body }) => ({ path, body }))).toEqual([
      {
        path: "/v1/feedback/",
        body: { memory_id: mem0IdOf(memoryId), feedback: "VERY_NEGATIVE", feedback_reason: "Wrong." },
      },
      {
        path: "/v1/feedback/",
        body: { memory_id: mem0IdOf(memoryId), feedback: null, feedback_reason: null },
      },
    ]);
  });
});

describe("many memories at once", () => {
  const updateMany = (updates: object[]) =>
    change<Many>(world, acme, {
      mutation: "updateMemories",
      input: { updates },
      selection: `... on UpdateMemoriesPayload ${outcomes}`,
    });
  const deleteMany = (ids: readonly string[]) =>
    change<Many>(world, acme, {
      mutation: "deleteMemories",
      input: { ids },
      selection: `... on DeleteMemoriesPayload ${outcomes}`,
    });

  it("are changed and deleted with one call each, told memory by memory, another tenant's as not there", async () => {
    const [one = "", two = ""] = await remember(world, acme, ["First of many", "Second of many"]);
    await world.emulator.clearRequests();
    const updated = await updateMany([
      { id: one, text: "One" },
      { id: globexId, text: "Stolen" },
      { id: two, metadata: { b: null } },
    ]);
    const done = { isDone: true, problem: null };
    const notThere = { id: globexId, isDone: false, problem: { code: "NOT_FOUND" } };
    expect(updated.results).toMatchObject([{ id: one, ...done }, notThere, { id: two, ...done }]);
    const deleted = await deleteMany([globexId, two, one]);
    expect(deleted.results).toMatchObject([notThere, { id: two, ...done }, { id: one, ...done }]);
    expect(await requestsOf(world)).toEqual([
      {
        ...{ method: "PUT", path: "/v1/batch/", query: "" },
        body: {
          memories: [
            { memory_id: mem0IdOf(one), text: "One" },
            { memory_id: mem0IdOf(two), metadata: { b: null } },
          ],
        },
      },
      {
        ...{ method: "DELETE", path: "/v1/batch/", query: "" },
        body: { memories: [{ memory_id: mem0IdOf(two) }, { memory_id: mem0IdOf(one) }] },
      },
    ]);
    expect(await textOf(globexId, globex)).toBe("Globex has a secret");
    expect([await textOf(one), await textOf(two)]).toEqual([null, null]);
  });

  it("are not asked of Mem0 when none of them is the tenant's", async () => {
    expect((await deleteMany([globexId, "rubbish"])).results.map(({ isDone }) => isDone)).toEqual([
      false,
      false,
    ]);
    expect(await requestsOf(world)).toEqual([]);
  });

  it("beyond a thousand are sent in parts, and a part that fails does not hide the one that worked", async () => {
    const stored: string[] = [];
    for (let part = 0; part < 2; part += 1) {
      const texts = Array.from({ length: 700 }, (_, number) => `Part ${part} number ${number}`);
      stored.push(...(await remember(world, acme, texts, { userId: "many" })));
    }
    await world.emulator.clearRequests();
    await world.emulator.failNext({ match: { path: "/v1/batch/" }, fault: { kind: "fail-500" } });
    const { results } = await deleteMany(stored);
    expect(results.map(({ id }) => id)).toEqual(stored);
    expect(
      results
        .slice(0, 1_000)
        .every(({ isDone, problem }) => isDone === null && problem?.code === "MEM0_UNAVAILABLE"),
    ).toBe(true);
    expect(results.slice(1_000).every(({ isDone, problem }) => isDone === true && problem === null)).toBe(
      true,
    );
    expect(await requestsOf(world)).toHaveLength(2);
  });

  it("are refused when there are none, one is there twice, or one has nothing to change, naming its place", async () => {
    const [one = "", two = ""] = await remember(world, acme, ["Third of many", "Fourth of many"]);
    await world.emulator.clearRequests();
    const refused = (field: string) => ({ __typename: "InvalidInput", problems: [{ field }] });
    expect(await deleteMany([])).toMatchObject(refused("ids"));
    expect(await deleteMany([one, two, one])).toMatchObject(refused("ids.2"));
    expect(
      await updateMany([
        { id: one, text: "a" },
        { id: one, text: "b" },
      ]),
    ).toMatchObject(refused("updates.1.id"));
    // Counted as the caller counts, with what is not sent.
    const mixed = await updateMany([
      { id: globexId, text: "a" },
      { id: one, text: "a" },
      { id: two, text: " " },
    ]);
    expect(mixed).toMatchObject(refused("updates.2.text"));
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("deletions that go on after the answer", () => {
  it("of all that is of somebody are one call of Mem0, and an event to follow", async () => {
    const [id = ""] = await remember(world, acme, ["Of Bob"], { userId: "bob" });
    await world.emulator.clearRequests();
    const answer = await change<Deed>(world, acme, {
      mutation: "deleteMatchingMemories",
      input: { userId: "bob", waitMs: 10_000 },
      selection: `... on DeleteMatchingMemoriesPayload { ${followed} }`,
    });
    expect(answer.event).toMatchObject({ type: "DELETE_ALL", status: "SUCCEEDED", id: answer.eventId });
    const [request, ...looks] = await requestsOf(world);
    expect(request).toEqual({ method: "DELETE", path: "/v1/memories/", query: "user_id=bob", body: null });
    expect(new Set(looks.map(({ path }) => path))).toEqual(new Set([`/v1/event/${answer.eventMem0Id}/`]));
    expect(await textOf(id)).toBeNull();
  });

  it.each([{}, { userId: "a", runId: "b" }, { userId: "*" }])(
    "are refused for %j: exactly one name is needed",
    async (input) => {
      const answer = await change(world, acme, { mutation: "deleteMatchingMemories", input });
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field: "userId" }] });
      expect(await requestsOf(world)).toEqual([]);
    },
  );

  it("of an entity are one call of Mem0 by its name, and touch no other tenant's of that name", async () => {
    const name = "a b/c+d";
    await remember(world, acme, ["Of somebody"], { agentId: name });
    const [other = ""] = await remember(world, globex, ["Of somebody else"], { agentId: name });
    await world.emulator.clearRequests();
    const answer = await change<Deed>(world, acme, {
      mutation: "deleteEntity",
      input: { type: "AGENT", name },
      selection: `... on DeleteEntityPayload { ${followed} }`,
    });
    expect(answer).toMatchObject({ __typename: "DeleteEntityPayload", event: null });
    const [request] = await requestsOf(world);
    expect(request).toMatchObject({ method: "DELETE", query: "", body: null });
    expect(decodeURIComponent(request?.path ?? "")).toBe(`/v2/entities/agent/${name}/`);
    expect(await textOf(other, globex)).toBe("Of somebody else");
  });
});

describe("createMemoryExport", () => {
  const schema = { type: "object", properties: { city: { type: "string" } } };
  const create = (input: object) =>
    change<MemoryAnswer & { exportId: string; mem0Id: string; data: object | null }>(world, acme, {
      mutation: "createMemoryExport",
      input: { schema, filter: { userId: { eq: "alice" } }, ...input },
      selection: "... on CreateMemoryExportPayload { exportId mem0Id data }",
    });
  const get = (variables: object, tenant = acme) =>
    ask<MemoryAnswer & { data: object }>(world, tenant, {
      field: "memoryExport(id: $id, filter: $filter)",
      declarations: "$id: ID, $filter: MemoryFilterInput",
      variables,
      selection: "... on MemoryExport { data }",
    });

  it("is one call of Mem0, waits until it is ready, and is found by its id and by its filter", async () => {
    const begun = await create({ instructions: "Fill it." });
    expect(begun).toMatchObject({ __typename: "CreateMemoryExportPayload", data: null });
    expect(await requestsOf(world)).toMatchObject([
      { method: "POST", path: "/v1/exports/", body: { schema, export_instructions: "Fill it." } },
    ]);
    const waited = await create({ waitMs: 10_000 });
    expect(waited.data).not.toBeNull();
    const byId = await get({ id: waited.exportId });
    expect(byId.data).toEqual(waited.data);
    const byFilter = await get({ filter: { userId: { eq: "alice" } } });
    expect(byFilter.__typename).toBe("MemoryExport");
    const foreign = await get({ id: waited.exportId }, globex);
    const missing = await get({ filter: { userId: { eq: "nobody" } } }, globex);
    expect(foreign).toEqual(missing);
    expect(foreign).toMatchObject({ __typename: "NotFound", message: "This tenant has no such export." });
  });

  it("is refused with an empty schema or a filter that names nobody, and a look with neither id nor filter", async () => {
    expect(await create({ schema: {} })).toMatchObject({ problems: [{ field: "schema" }] });
    expect(await create({ filter: {} })).toMatchObject({
      __typename: "InvalidInput",
      problems: [{ field: "filter" }],
    });
    expect(await get({})).toMatchObject({ __typename: "InvalidInput" });
    expect(await requestsOf(world)).toEqual([]);
  });
});

describe("JSON given by a caller", () => {
  const document = (
    literal: string,
  ) => `mutation { addMemories(input: { tenantKey: "${acme.key}", userId: "alice", infer: false,
    messages: [{ role: USER, content: "With metadata ${literal.length}" }], metadata: ${literal} }) { __typename } }`;

  it("may be written into the document", async () => {
    const literal = '{ a: 1, b: [true, null, 1.5, "x", WORD], c: { d: {} } }';
    await post(world, document(literal), {});
    const [request] = await requestsOf(world);
    expect(request?.body).toMatchObject({
      metadata: { a: 1, b: [true, null, 1.5, "x", "WORD"], c: { d: {} } },
    });
  });

  it.each([
    ["a list", "[1]"],
    ["a text", '"x"'],
    ["a number beyond all numbers", "{ a: 1e999 }"],
    ["nested too deep", `{ a: ${"[".repeat(40)}${"]".repeat(40)} }`],
  ])("is refused when it is %s, before anything is sent", async (_what, literal) => {
    const { errors } = await post(world, document(literal), {});
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).not.toContain("Internal error");
    expect(await requestsOf(world)).toEqual([]);
  });
});
