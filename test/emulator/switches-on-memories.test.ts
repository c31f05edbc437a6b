import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { alice, count, updated } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import type { Rig } from "./rig.ts";

const historyOf = (id: string): string => `/v1/memories/${id}/history/`;

const change = { metadata: { b: 2 } };
const kept = { metadata: { a: 1 } };

bothWays("metadataUpdate", {
  replace: [
    "puts given metadata in the place of the old",
    async (rig) => expect((await updated(rig, change, kept)).body).toMatchObject(change),
  ],
  merge: [
    "puts it over the old, key by key, and null still clears",
    async (rig) => {
      expect((await updated(rig, change, kept)).body).toMatchObject({ metadata: { a: 1, b: 2 } });
      const cleared = await updated(rig, { metadata: null }, { ...kept, run_id: "2" });
      expect(cleared.body).toMatchObject({ metadata: null });
    },
  ],
});

bothWays("emptyUpdate", {
  refuse: ["is a 400", async (rig) => expect((await updated(rig, {})).status).toBe(400)],
  accept: [
    "answers the memory as it is",
    async (rig) =>
      expect(await updated(rig, {}, kept)).toMatchObject({
        status: 200,
        body: { memory: "Likes tea", ...kept },
      }),
  ],
});

const immutable = { immutable: true };
const error = "Memory is immutable and cannot be updated.";

bothWays("immutableUpdate", {
  400: [
    "refuses the update of an immutable memory with 400",
    async (rig) =>
      expect(await updated(rig, { text: "x" }, immutable)).toMatchObject({ status: 400, body: { error } }),
  ],
  403: [
    "refuses it with 403",
    async (rig) =>
      expect(await updated(rig, { text: "x" }, immutable)).toMatchObject({ status: 403, body: { error } }),
  ],
});

bothWays("updateAnswer", {
  object: [
    "answers the memory",
    async (rig) => expect((await updated(rig, { text: "x" })).body).toMatchObject({ memory: "x" }),
  ],
  list: [
    "answers a list of it",
    async (rig) => expect((await updated(rig, { text: "x" })).body).toMatchObject([{ memory: "x" }]),
  ],
});

async function historyEvents(rig: Rig, id: string): Promise<readonly string[]> {
  const { body } = await rig.call("GET", historyOf(id));
  return (body as { event: string }[]).map(({ event }) => event);
}

async function changedAndDeleted(rig: Rig): Promise<string> {
  const id = await remember(rig, "Likes tea");
  await rig.call("PUT", `/v1/memories/${id}/`, { text: "Likes milk" });
  await rig.call("DELETE", `/v1/memories/${id}/`);
  return id;
}

bothWays("historyOrder", {
  oldest: [
    "begins a memory's history with its ADD",
    async (rig) =>
      expect(await historyEvents(rig, await changedAndDeleted(rig))).toEqual(["ADD", "UPDATE", "DELETE"]),
  ],
  newest: [
    "begins it with the last thing",
    async (rig) =>
      expect(await historyEvents(rig, await changedAndDeleted(rig))).toEqual(["DELETE", "UPDATE", "ADD"]),
  ],
});

bothWays("historyOutlivesMemory", {
  true: [
    "keeps the history of a deleted memory",
    async (rig) => expect(await historyEvents(rig, await changedAndDeleted(rig))).toHaveLength(3),
  ],
  false: [
    "hides it, and not that of a living one",
    async (rig) => {
      expect(await historyEvents(rig, await changedAndDeleted(rig))).toEqual([]);
      expect(await historyEvents(rig, await remember(rig, "Likes rum"))).toEqual(["ADD"]);
    },
  ],
});

bothWays("unknownHistory", {
  empty: [
    "answers an empty list for an id nobody knows",
    async (rig) =>
      expect(await rig.call("GET", historyOf(randomUUID()))).toMatchObject({ status: 200, body: [] }),
  ],
  404: [
    "answers 404, and not for a memory that there is",
    async (rig) => {
      const body = { error: "Memory not found!" };
      expect(await rig.call("GET", historyOf(randomUUID()))).toMatchObject({ status: 404, body });
      expect((await rig.call("GET", historyOf(await remember(rig, "Likes tea")))).status).toBe(200);
    },
  ],
});

async function batchOfTwo(rig: Rig) {
  const fixed = await remember(rig, "Likes tea", { ...alice, immutable: true });
  const free = await remember(rig, "Likes rum");
  const memories = [fixed, free].map((memory_id) => ({ memory_id, text: "Likes milk" }));
  return { reply: await rig.call("PUT", "/v1/batch/", { memories }), free };
}

bothWays("batchIsWhole", {
  true: [
    "does nothing of a batch when one of it cannot be done",
    async (rig) => {
      const { reply, free } = await batchOfTwo(rig);
      expect([reply.status, await historyEvents(rig, free)]).toEqual([400, ["ADD"]]);
    },
  ],
  false: [
    "does the rest, and counts that",
    async (rig) => {
      const { reply, free } = await batchOfTwo(rig);
      expect(reply).toMatchObject({ status: 200, body: { message: "Successfully updated 1 memories" } });
      expect(await historyEvents(rig, free)).toEqual(["ADD", "UPDATE"]);
    },
  ],
});

async function batchWithUnknown(rig: Rig) {
  const memories = [{ memory_id: await remember(rig, "Likes tea") }, { memory_id: randomUUID() }];
  const update = await rig.call("PUT", "/v1/batch/", {
    memories: memories.map((item) => ({ ...item, text: "x" })),
  });
  const removal = await rig.call("DELETE", "/v1/batch/", { memories });
  return { update, removal, left: await count(rig) };
}

bothWays("batchUnknownIds", {
  skip: [
    "passes over what nobody knows",
    async (rig) => {
      const { update, removal, left } = await batchWithUnknown(rig);
      expect([update.status, removal.body, left]).toEqual([
        200,
        { message: "Successfully deleted 1 memories" },
        0,
      ]);
    },
  ],
  refuse: [
    "refuses the batch with 404 and does nothing of it",
    async (rig) => {
      const { update, removal, left } = await batchWithUnknown(rig);
      expect([update.status, removal.status, left]).toEqual([404, 404, 1]);
    },
  ],
});

async function foundRun(rig: Rig): Promise<unknown> {
  await remember(rig, "Likes tea", { ...alice, run_id: "r1" });
  const reply = await rig.call("POST", "/v3/memories/search/", { query: "tea", filters: alice });
  const [found] = (reply.body as { results: { run_id?: string; session_id?: string }[] }).results;
  return [found?.run_id, found?.session_id];
}

bothWays("searchRunName", {
  run_id: [
    "calls the run `run_id` in a search",
    async (rig) => expect(await foundRun(rig)).toEqual(["r1", undefined]),
  ],
  session_id: [
    "calls it as everywhere else",
    async (rig) => expect(await foundRun(rig)).toEqual([undefined, "r1"]),
  ],
});
