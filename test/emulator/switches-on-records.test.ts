import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { alice, count, entityNames, tell } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import { type Rig, until } from "./rig.ts";

const hourMs = 3_600_000;
const everything = "/v1/memories/?user_id=*";

async function threePeople(rig: Rig): Promise<void> {
  for (const user_id of ["alice", "bob", "carl"]) await remember(rig, `${user_id} likes tea`, { user_id });
}

async function pageOf(rig: Rig, path: string): Promise<{ results: unknown[]; next: string | null }> {
  await threePeople(rig);
  return (await rig.call("GET", path)).body as { results: unknown[]; next: string | null };
}

bothWays("listsBegin", {
  newest: [
    "lists the newest first",
    async (rig) => expect(await firstOfLists(rig)).toEqual(["carl", "carl", "carl", "b"]),
  ],
  oldest: [
    "lists the oldest first",
    async (rig) => expect(await firstOfLists(rig)).toEqual(["alice", "alice", "alice", "a"]),
  ],
});

/** Who is first among entities, events and the history; and of a user's memories which. */
async function firstOfLists(rig: Rig): Promise<readonly unknown[]> {
  await threePeople(rig);
  const first = async (path: string): Promise<Record<string, unknown> | undefined> =>
    ((await rig.call("GET", path)).body as { results: Record<string, unknown>[] }).results[0];
  const event = await first("/v1/events/");
  const entity = await first("/v1/entities/");
  const entry = await first("/v1/memories/events/");
  for (const text of ["a", "b"]) await remember(rig, text, { user_id: "dora" });
  const memory = await first("/v1/memories/user/dora/");
  const payload = event?.["payload"] as { user_id?: string } | undefined;
  return [entity?.["name"], payload?.user_id, entry?.["user_id"], memory?.["memory"]];
}

bothWays("entityPageSizeMax", {
  200: [
    "gives as many entities on a page as are asked for",
    async (rig) => expect((await pageOf(rig, "/v1/entities/?page_size=150")).results).toHaveLength(3),
  ],
  2: [
    "gives no more than that",
    async (rig) => {
      const page = await pageOf(rig, "/v1/entities/?page_size=150");
      expect([page.results.length, page.next === null]).toEqual([2, false]);
      expect(await entityNames(rig)).toHaveLength(2);
    },
  ],
});

bothWays("historyPageSizeMax", {
  1000: [
    "gives as many entries of the project's history as are asked for",
    async (rig) => expect((await pageOf(rig, "/v1/memories/events/?limit=500")).results).toHaveLength(3),
  ],
  2: [
    "gives no more than that",
    async (rig) => expect((await pageOf(rig, "/v1/memories/events/?limit=500")).results).toHaveLength(2),
  ],
});

bothWays("entityList", {
  page: [
    "lists entities in pages, with totals",
    async (rig) =>
      expect(await pageOf(rig, "/v1/entities/")).toMatchObject({
        count: 3,
        total_users: 3,
        results: [{}, {}, {}],
      }),
  ],
  bare: [
    "lists them as a bare array",
    async (rig) => expect(await pageOf(rig, "/v1/entities/")).toMatchObject([{ name: "carl" }, {}, {}]),
  ],
});

bothWays("unknownEntity", {
  empty: [
    "answers an empty list for a name nobody has",
    async (rig) =>
      expect(await rig.call("GET", "/v2/entities/user/nobody/")).toMatchObject({ status: 200, body: [] }),
  ],
  404: [
    "answers 404, and not for a name that somebody has",
    async (rig) => {
      await threePeople(rig);
      expect((await rig.call("GET", "/v2/entities/user/nobody/")).status).toBe(404);
      expect((await rig.call("GET", "/v2/entities/user/bob/")).body).toMatchObject([{ name: "bob" }]);
    },
  ],
});

/** The entities after one of two memories went singly, after both, and after delete-all took the last of another user. */
async function entitiesLeft(rig: Rig): Promise<readonly (readonly string[])[]> {
  const ids = [await remember(rig, "a"), await remember(rig, "b")];
  await remember(rig, "c", { user_id: "bob" });
  const left: (readonly string[])[] = [];
  await rig.call("DELETE", `/v1/memories/${ids[0]}/`);
  left.push(await entityNames(rig));
  await rig.call("DELETE", "/v1/batch/", { memories: [{ memory_id: ids[1] }] });
  left.push(await entityNames(rig));
  await rig.call("DELETE", "/v1/memories/?user_id=bob");
  left.push(await entityNames(rig));
  return left;
}

bothWays("emptiedEntity", {
  "goes-with-delete-all": [
    "takes an entity away with delete-all that names it, and leaves it otherwise",
    async (rig) => expect(await entitiesLeft(rig)).toEqual([["bob", "alice"], ["bob", "alice"], ["alice"]]),
  ],
  "always-goes": [
    "takes it away with its last memory",
    async (rig) => expect(await entitiesLeft(rig)).toEqual([["bob", "alice"], ["bob"], []]),
  ],
  stays: [
    "leaves it always",
    async (rig) => expect(await entitiesLeft(rig)).toEqual(Array(3).fill(["bob", "alice"])),
  ],
});

bothWays("deleteAllWithoutFilter", {
  refuse: [
    "is a 400",
    async (rig) => {
      await threePeople(rig);
      expect((await rig.call("DELETE", "/v1/memories/")).status).toBe(400);
      expect(await count(rig)).toBe(1);
    },
  ],
  everything: [
    "takes everything, as it once did",
    async (rig) => {
      await threePeople(rig);
      expect((await rig.call("DELETE", "/v1/memories/")).status).toBe(200);
      expect((await rig.tables()).memories).toEqual([]);
    },
  ],
});

async function deletions(rig: Rig): Promise<readonly unknown[]> {
  await threePeople(rig);
  const replies = [
    await rig.call("DELETE", "/v2/entities/user/alice/"),
    await rig.call("DELETE", everything),
  ];
  expect((await rig.tables()).memories).toEqual([]);
  return replies.map(({ status, text }) => [status, text === ""]);
}

bothWays("deletesAnswer204", {
  false: [
    "answers 200 and names the event",
    async (rig) =>
      expect(await deletions(rig)).toEqual([
        [200, false],
        [200, false],
      ]),
  ],
  true: [
    "answers 204 and nothing",
    async (rig) =>
      expect(await deletions(rig)).toEqual([
        [204, true],
        [204, true],
      ]),
  ],
});

bothWays("eventRetentionMs", {
  2592000000: [
    "keeps events for thirty days",
    async (rig) => expect((await pageOf(rig, "/v1/events/")).results).toHaveLength(3),
  ],
  0: [
    "keeps none, by id neither",
    async (rig) => {
      const { event_id } = (await tell(rig, "Likes tea")).body as { event_id: string };
      expect((await rig.call("GET", `/v1/event/${event_id}/`)).status).toBe(404);
      expect((await pageOf(rig, "/v1/events/")).results).toEqual([]);
    },
  ],
});

bothWays("eventPageSize", {
  100: [
    "puts a hundred events on a page",
    async (rig) => expect((await pageOf(rig, "/v1/events/")).next).toBeNull(),
  ],
  2: [
    "puts that many on it",
    async (rig) =>
      expect(await pageOf(rig, "/v1/events/")).toMatchObject({
        results: [{}, {}],
        next: "/v1/events/?page=2",
      }),
  ],
});

async function nextOfEvents(rig: Rig): Promise<string | null> {
  await rig.switches({ eventPageSize: 1 });
  return (await pageOf(rig, "/v1/events/")).next;
}

bothWays("eventNext", {
  relative: [
    "leads to the next page by a path",
    async (rig) => expect(await nextOfEvents(rig)).toBe("/v1/events/?page=2"),
  ],
  absolute: [
    "leads there by a whole address",
    async (rig) => expect(await nextOfEvents(rig)).toBe(`${rig.url}/v1/events/?page=2`),
  ],
});

async function statusesSeen(rig: Rig): Promise<readonly string[]> {
  const messages = [{ role: "user", content: "Likes tea" }];
  await rig.switches({ addDelayMs: 400 });
  const { event_id } = (await rig.call("POST", "/v3/memories/add/", { messages, ...alice })).body as {
    event_id: string;
  };
  const seen = new Set<string>();
  await until(async () => {
    const { body } = await rig.call("GET", `/v1/event/${event_id}/`);
    seen.add((body as { status: string }).status);
    return seen.has("SUCCEEDED");
  });
  return [...seen];
}

bothWays("eventAtWork", {
  RUNNING: [
    "says RUNNING of what is being worked on",
    async (rig) => expect(await statusesSeen(rig)).toEqual(["PENDING", "RUNNING", "SUCCEEDED"]),
  ],
  PROCESSING: [
    "says PROCESSING",
    async (rig) => expect(await statusesSeen(rig)).toEqual(["PENDING", "PROCESSING", "SUCCEEDED"]),
  ],
});

const schema = { type: "object", properties: { facts: { type: "array", items: { type: "string" } } } };
const nested = { AND: [alice] };

/** What is answered for the same words, for other words, and while a second order is not ready. */
async function fetched(rig: Rig): Promise<readonly number[]> {
  const get = async (filters: object): Promise<number> =>
    (await rig.call("POST", "/v1/exports/get/", { filters })).status;
  await remember(rig, "Likes tea");
  await rig.call("POST", "/v1/exports/", { schema, filters: nested });
  const [same, other] = [await get(nested), await get(alice)];
  await rig.switches({ exportDelayMs: hourMs });
  await rig.call("POST", "/v1/exports/", { schema, filters: nested });
  return [same, other, await get(nested)];
}

bothWays("exportByFilters", {
  newest: [
    "finds the newest order of the same meaning, ready or not",
    async (rig) => expect(await fetched(rig)).toEqual([200, 200, 404]),
  ],
  "newest-ready": [
    "finds the newest of these that is ready",
    async (rig) => expect(await fetched(rig)).toEqual([200, 200, 200]),
  ],
  "same-words": [
    "finds none that was ordered in other words",
    async (rig) => expect(await fetched(rig)).toEqual([200, 404, 404]),
  ],
});

async function feedbackTwice(rig: Rig): Promise<readonly number[]> {
  const memory_id = await remember(rig, "Likes tea");
  const say = async (feedback: string | null): Promise<string> =>
    ((await rig.call("POST", "/v1/feedback/", { memory_id, feedback })).body as { id: string }).id;
  const ids = new Set([await say("POSITIVE"), await say("NEGATIVE")]);
  const kept = async (): Promise<number> =>
    (await rig.control<{ feedback: unknown[] }>("GET", "tables")).feedback.length;
  const before = await kept();
  await say(null);
  return [ids.size, before, await kept()];
}

bothWays("feedbackPerMemory", {
  one: ["changes what was said before", async (rig) => expect(await feedbackTwice(rig)).toEqual([1, 1, 0])],
  many: [
    "adds a second word, and takes back the last one said",
    async (rig) => expect(await feedbackTwice(rig)).toEqual([2, 2, 1]),
  ],
});
