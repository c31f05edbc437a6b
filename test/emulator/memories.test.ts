import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Reply, type Rig, startRig } from "./rig.ts";

const alice = { user_id: "alice" };
const notFound = { status: 404, body: { error: "Memory not found!" } };
const noUuid = { status: 400, body: { error: "memory_id should be a valid UUID" } };
const uuid = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

const of = (memoryId: string): string => `/v1/memories/${memoryId}/`;

async function texts(rig: Rig, filters: object = alice): Promise<readonly string[]> {
  const reply = await rig.call("POST", "/v3/memories/", { filters });
  return (reply.body as { results: { memory: string }[] }).results.map(({ memory }) => memory);
}

describe("a memory", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("is read whole by id, expired or not, in any case of its letters", async () => {
    const id = await remember(rig, "Likes tea", { ...alice, run_id: "r", expiration_date: "2020-01-01" });
    const reply = await rig.call("GET", of(id));
    expect(reply).toMatchObject({
      status: 200,
      body: { id, memory: "Likes tea", session_id: "r", lifecycle_state: "active", synthesized: false },
    });
    expect(reply.body).not.toHaveProperty("run_id");
    expect((await rig.call("GET", of(id.toUpperCase()))).body).toEqual(reply.body);
  });

  it.each(["GET", "PUT", "DELETE"])(
    "whose id is no UUID is a 400, one nobody knows a 404, for %s",
    async (method) => {
      expect(await rig.call(method, of("batch"), method === "PUT" ? { text: "x" } : undefined)).toMatchObject(
        noUuid,
      );
      const unknown = await rig.call(method, of(randomUUID()), method === "PUT" ? { text: "x" } : undefined);
      expect(unknown).toMatchObject(notFound);
    },
  );

  it("of another project is the same 404 as one nobody knows, and stays as it was", async () => {
    const id = await remember(rig, "Likes tea");
    const eve = await rig.somebodyElse("eve@else.test");
    for (const [method, body] of [["GET"], ["PUT", { text: "x" }], ["DELETE"]] as const) {
      const foreign = await eve.call(method, of(id), body);
      const unknown = await eve.call(method, of(randomUUID()), body);
      expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
      expect(foreign).toMatchObject(notFound);
    }
    expect((await eve.call("GET", `${of(id)}history/`)).body).toEqual([]);
    expect(await texts(rig)).toEqual(["Likes tea"]);
  });

  it("changes what PUT names and comes back whole; null clears, metadata is replaced", async () => {
    const given = { ...alice, metadata: { a: 1 }, expiration_date: "2999-01-01" };
    const id = await remember(rig, "Likes tea", given);
    const changed = await rig.call("PUT", of(id), { text: "Likes pizza", metadata: { b: 2 } });
    expect(changed).toMatchObject({
      status: 200,
      body: { id, memory: "Likes pizza", metadata: { b: 2 }, expiration_date: "2999-01-01" },
    });
    expect((await rig.call("GET", of(id))).body).toEqual(changed.body);
    expect(changed.body).toMatchObject({ categories: ["food", "user_preferences"] });
    const cleared = await rig.call("PUT", of(id), {
      expiration_date: null,
      timestamp: "2026-01-01T00:00:00Z",
    });
    expect(cleared.body).toMatchObject({
      memory: "Likes pizza",
      expiration_date: null,
      created_at: "2025-12-31T16:00:00.000000-08:00",
    });
  });

  it.each([
    [{}, { error: "At least one of text, metadata, timestamp or expiration_date must be provided" }],
    [{ text: " " }, { text: ["This field may not be blank."] }],
    [{ metadata: "x" }, { metadata: [expect.any(String)] }],
    [{ metadata: { a: "x".repeat(2000) } }, { metadata: [expect.stringContaining("2008 chars")] }],
    [{ expiration_date: "soon" }, { expiration_date: [expect.any(String)] }],
    [{ timestamp: "soon" }, { timestamp: [expect.any(String)] }],
  ])("is not changed by %j", async (body, refusal) => {
    const id = await remember(rig, "Likes tea");
    expect(await rig.call("PUT", of(id), body)).toMatchObject({ status: 400, body: refusal });
    expect(await texts(rig)).toEqual(["Likes tea"]);
  });

  it("that is immutable cannot be changed, alone or in a batch, but deleted", async () => {
    const id = await remember(rig, "Likes tea", { ...alice, immutable: true });
    const other = await remember(rig, "Owns a car");
    const refusal = { status: 400, body: { error: "Memory is immutable and cannot be updated." } };
    expect(await rig.call("PUT", of(id), { text: "x" })).toMatchObject(refusal);
    const memories = [other, id].map((memory_id) => ({ memory_id, text: "x" }));
    expect(await rig.call("PUT", "/v1/batch/", { memories })).toMatchObject(refusal);
    expect(await texts(rig)).toEqual(["Owns a car", "Likes tea"]);
    expect(await rig.call("DELETE", of(id))).toMatchObject({ status: 200 });
  });

  it("is gone at once when deleted, for good: a second time is a 404", async () => {
    const id = await remember(rig, "Likes tea");
    const reply = await rig.call("DELETE", of(id));
    expect([reply.status, reply.body]).toEqual([200, { message: "Memory deleted successfully!" }]);
    expect(await rig.call("GET", of(id))).toMatchObject(notFound);
    expect(await rig.call("DELETE", of(id))).toMatchObject(notFound);
    expect(await texts(rig)).toEqual([]);
    const linked = await rig.call("DELETE", `${of(await remember(rig, "Likes tea"))}?delete_linked=true`);
    expect(linked.body).toEqual({ message: "Memory deleted successfully!", cascade_count: 0 });
  });

  it("can be redirected only by a call with a body", async () => {
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const pair = { org_id, project_id };
    const id = await remember(rig, "Likes tea", { ...alice, ...pair });
    expect(await rig.call("PUT", of(id), { text: "Likes milk", ...pair })).toMatchObject({ status: 200 });
    expect(await rig.call("PUT", of(id), { text: "x" })).toMatchObject(notFound);
    expect(await rig.call("GET", `${of(id)}?org_id=${org_id}&project_id=${project_id}`)).toMatchObject(
      notFound,
    );
    expect(await rig.call("DELETE", of(id), pair)).toMatchObject(notFound);
    const memories = [{ memory_id: id }];
    expect((await rig.call("DELETE", "/v1/batch/", { memories })).body).toMatchObject({
      message: "Successfully deleted 0 memories",
    });
    expect((await rig.call("DELETE", "/v1/batch/", { memories, ...pair })).body).toMatchObject({
      message: "Successfully deleted 1 memories",
    });
  });

  it("cannot be changed by PATCH: 405", async () => {
    expect((await rig.call("PATCH", of(randomUUID()))).status).toBe(405);
  });
});

describe("history", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("of a memory tells its adding, changes and deletion, oldest first, and outlives it", async () => {
    const id = await remember(rig, "Likes tea", { ...alice, run_id: "r" });
    await rig.call("PUT", of(id), { text: "Likes milk" });
    await rig.call("DELETE", of(id));
    const reply = await rig.call("GET", `${of(id)}history/`);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject([
      { event: "ADD", old_memory: null, new_memory: "Likes tea" },
      { event: "UPDATE", old_memory: "Likes tea", new_memory: "Likes milk" },
      { event: "DELETE", old_memory: "Likes milk", new_memory: null },
    ]);
    const [added] = reply.body as readonly unknown[];
    expect(added).toEqual({
      id: uuid,
      memory_id: id,
      input: [{ role: "user", content: "Likes tea" }],
      old_memory: null,
      new_memory: "Likes tea",
      user_id: "alice",
      agent_id: null,
      app_id: null,
      session_id: "r",
      categories: ["food", "user_preferences"],
      event: "ADD",
      metadata: {},
      previous_embedding_qwen: null,
      embedding_qwen: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await rig.call("GET", `${of(randomUUID())}history/`)).body).toEqual([]);
    expect(await rig.call("GET", `${of("x")}history/`)).toMatchObject(noUuid);
  });

  it("of the project comes newest first in pages, whatever else the query asks", async () => {
    for (const text of ["a", "b", "c"]) await remember(rig, text);
    const reply = await rig.call("GET", "/v1/memories/events/?limit=2&user_id=nobody");
    expect(reply.body).toMatchObject({
      count: 3,
      next: `${rig.url}/v1/memories/events/?limit=2&user_id=nobody&page=2`,
      previous: null,
      results: [{ new_memory: "c" }, { new_memory: "b" }],
    });
    const second = await rig.call("GET", "/v1/memories/events/?limit=2&page=2");
    expect(second.body).toMatchObject({ next: null, results: [{ new_memory: "a" }] });
    expect(await rig.call("GET", "/v1/memories/events/?page=2")).toMatchObject({
      status: 404,
      body: { detail: "Invalid page." },
    });
    const eve = await rig.somebodyElse("eve@else.test");
    expect((await eve.call("GET", "/v1/memories/events/")).body).toMatchObject({ count: 0, results: [] });
  });

  it("has an entity's memories beside it, 100 a page", async () => {
    const id = await remember(rig, "Likes tea", { user_id: "al/ice" });
    await remember(rig, "Owns a car");
    await rig.call("PUT", of(id), { metadata: { a: 1 } });
    const reply = await rig.call("GET", "/v1/memories/user/al%2Fice/");
    expect(reply.body).toMatchObject({
      count: 1,
      next: null,
      results: [
        {
          id,
          memory: "Likes tea",
          metadata: { a: 1 },
          input: [{ role: "user", content: "Likes tea" }],
          is_updated: true,
        },
      ],
    });
    expect(await rig.call("GET", "/v1/memories/robot/x/")).toMatchObject({
      status: 400,
      body: { error: "Invalid entity type" },
    });
  });
});

describe("a batch", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const batch = (method: string, memories: unknown): Promise<Reply> =>
    rig.call(method, "/v1/batch/", { memories });

  it("changes and deletes what it names, counts that, and passes over what nobody knows or others own", async () => {
    const a = await remember(rig, "a");
    const b = await remember(rig, "b");
    const eve = await rig.somebodyElse("eve@else.test");
    const theirs = await remember(eve, "theirs");
    const changes = [
      { memory_id: a, text: "A" },
      { memory_id: b, metadata: { n: 1 } },
      { memory_id: randomUUID(), text: "x" },
      { memory_id: theirs, text: "x" },
      { memory_id: a, text: "AA" },
    ];
    expect((await batch("PUT", changes)).body).toEqual({ message: "Successfully updated 2 memories" });
    expect(await texts(rig)).toEqual(["b", "AA"]);
    expect((await rig.call("GET", of(b))).body).toMatchObject({ memory: "b", metadata: { n: 1 } });
    const ids = [a, theirs, randomUUID(), a].map((memory_id) => ({ memory_id }));
    expect((await batch("DELETE", ids)).body).toEqual({ message: "Successfully deleted 1 memories" });
    expect(await texts(rig)).toEqual(["b"]);
    expect(await texts(eve)).toEqual(["theirs"]);
    const history = (await rig.call("GET", `${of(a)}history/`)).body;
    expect(history).toMatchObject([
      { event: "ADD" },
      { old_memory: "a" },
      { old_memory: "A" },
      { event: "DELETE" },
    ]);
  });

  it("has at most 1000 memories", async () => {
    const many = (count: number): object[] =>
      Array.from({ length: count }, () => ({ memory_id: randomUUID(), text: "x" }));
    expect(await batch("PUT", many(1001))).toMatchObject({
      status: 400,
      body: { error: "Maximum of 1000 memories can be updated in a single request" },
    });
    expect(await batch("DELETE", many(1001))).toMatchObject({
      status: 400,
      body: { error: "Maximum of 1000 memories can be deleted in a single request" },
    });
    expect(await batch("DELETE", many(1000))).toMatchObject({
      status: 200,
      body: { message: "Successfully deleted 0 memories" },
    });
  });

  it("with anything that is no UUID is refused whole", async () => {
    const id = await remember(rig, "a");
    for (const wrong of [{ memory_id: "x" }, {}, { memory_id: { memory_id: id } }, id]) {
      expect(await batch("DELETE", [{ memory_id: id }, wrong])).toMatchObject(noUuid);
    }
    expect(await rig.call("PUT", "/v1/batch/", {})).toMatchObject({
      status: 400,
      body: { memories: ["This field is required."] },
    });
    expect(await texts(rig)).toEqual(["a"]);
  });
});
