import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { alice, count, neighbours } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import type { Reply, Rig } from "./rig.ts";

const path = "/v3/memories/add/";
const messages = [{ role: "user", content: "Likes tea" }];
const tea = { messages, ...alice, infer: false };

bothWays("bodyOverride", {
  honoured: [
    "leads a call to the project that its body names",
    async (rig) => {
      const { here, there, pair } = await neighbours(rig);
      await remember(here, "Likes tea", { ...alice, ...pair });
      expect([await count(here), await count(there)]).toEqual([0, 1]);
    },
  ],
  ignored: [
    "leaves the call in the key's project, whatever pair its body names",
    async (rig) => {
      const { here, there, pair } = await neighbours(rig);
      await remember(here, "Likes tea", { ...alice, ...pair });
      expect([await count(here), await count(there)]).toEqual([1, 0]);
      await remember(here, "Likes milk", { ...alice, ...pair, project_id: "proj_unknown" });
      expect(await count(here)).toBe(2);
    },
  ],
});

async function eventStatuses(rig: Rig): Promise<readonly number[]> {
  const { here, there, pair } = await neighbours(rig);
  await rig.switches({ everyCallMakesEvents: true });
  const { event_id, results } = (await here.call("POST", path, { ...tea, ...pair })).body as {
    event_id: string;
    results: { id: string }[];
  };
  await here.call("PUT", `/v1/memories/${results[0]?.id}/`, { text: "Likes milk", ...pair });
  const event = async (key: Rig): Promise<number> => (await key.call("GET", `/v1/event/${event_id}/`)).status;
  const listed = async (key: Rig): Promise<number> =>
    ((await key.call("GET", "/v1/events/")).body as { count: number }).count;
  return [await event(here), await event(there), await listed(here), await listed(there)];
}

bothWays("overrideEvents", {
  "named-project": [
    "gives the event of a call to the project it was led to",
    async (rig) => expect(await eventStatuses(rig)).toEqual([404, 200, 0, 2]),
  ],
  "key-project": [
    "leaves it with the key that made the call",
    async (rig) => expect(await eventStatuses(rig)).toEqual([200, 404, 2, 0]),
  ],
});

async function throughForeignKey(rig: Rig): Promise<readonly number[]> {
  const { here, there } = await neighbours(rig);
  const id = await remember(there, "Likes tea");
  const single = `/v1/memories/${id}/`;
  const calls: readonly (readonly [string, string, object?])[] = [
    ["GET", single],
    ["PUT", single, { text: "Likes milk" }],
    ["GET", `${single}history/`],
    ["DELETE", single],
    ["GET", single],
  ];
  const stranger = await rig.somebodyElse("eve@else.test");
  const statuses = [(await stranger.call("GET", single)).status];
  for (const [method, address, body] of calls) {
    const reply = await here.call(method, address, body);
    statuses.push(Array.isArray(reply.body) ? reply.body.length : reply.status);
  }
  return statuses;
}

bothWays("foreignMemories", {
  hidden: [
    "answers for another project's memory as for an unknown one",
    async (rig) => expect(await throughForeignKey(rig)).toEqual([404, 404, 404, 0, 404, 404]),
  ],
  reachable: [
    "lets any key of the account read, change and delete it by its id, and no stranger's",
    async (rig) => expect(await throughForeignKey(rig)).toEqual([404, 200, 200, 2, 200, 404]),
  ],
});

interface Reader {
  readonly reader: Rig;
  readonly pair: { readonly org_id: string; readonly project_id: string };
  readonly id: string;
}

async function withReader(rig: Rig): Promise<Reader> {
  const { org_id, project_id } = await rig.ping();
  const email = "reader@acme.test";
  for (const place of [{ org_id }, { org_id, project_id }]) {
    await rig.control("POST", "members", { ...place, email, role: "READER" });
  }
  const reader = rig.as(await rig.makeKey({ org_id, project_id, email }));
  const { pair } = await neighbours(rig);
  return { reader, pair, id: await remember(rig, "Likes tea") };
}

function writes({ reader, id }: Reader): readonly (() => Promise<Reply>)[] {
  const memories = [{ memory_id: id, text: "Likes milk" }];
  return [
    () => reader.call("POST", path, tea),
    () => reader.call("PUT", `/v1/memories/${id}/`, { text: "Likes milk" }),
    () => reader.call("PUT", "/v1/batch/", { memories }),
    () => reader.call("POST", "/v1/users/", { user_id: "bob" }),
    () => reader.call("DELETE", "/v1/memories/?user_id=nobody"),
    () => reader.call("DELETE", "/v2/entities/user/nobody/"),
    () => reader.call("DELETE", "/v1/batch/", { memories: [{ memory_id: id }] }),
  ];
}

bothWays("memoryRolesAsked", {
  false: [
    "lets a READER's key do everything, and leads it anywhere in the organization",
    async (rig) => {
      const given = await withReader(rig);
      expect(await count(given.reader)).toBe(1);
      for (const write of writes(given)) expect((await write()).status).toBeLessThan(300);
      expect((await given.reader.call("POST", path, { ...tea, ...given.pair })).status).toBe(200);
    },
  ],
  true: [
    "lets it read, refuses its writes with 403, and does not lead it where its person has no role",
    async (rig) => {
      const given = await withReader(rig);
      const before = await rig.tables();
      for (const write of writes(given)) expect((await write()).status).toBe(403);
      const single = `/v1/memories/${given.id}/`;
      expect((await given.reader.call("DELETE", single)).status).toBe(403);
      expect((await given.reader.call("GET", single)).status).toBe(200);
      expect(await count(given.reader)).toBe(1);
      const filters = { filters: alice, ...given.pair };
      expect((await given.reader.call("POST", "/v3/memories/", filters)).status).toBe(404);
      expect(await rig.tables()).toEqual(before);
      expect((await rig.call("POST", path, { ...tea, ...given.pair })).status).toBe(200);
    },
  ],
});

async function statistics(rig: Rig): Promise<unknown> {
  const { here, there } = await neighbours(rig);
  await remember(here, "Likes tea");
  await remember(there, "Likes milk", { user_id: "bob" });
  return (await here.call("GET", "/v1/stats/")).body;
}

bothWays("statsOf", {
  project: [
    "counts what is the key's project's",
    async (rig) =>
      expect(await statistics(rig)).toMatchObject({
        total_memories: 1,
        total_add_events: 1,
        total_users_with_memories: 1,
      }),
  ],
  organization: [
    "counts all projects of the organization together",
    async (rig) => {
      expect(await statistics(rig)).toMatchObject({
        total_memories: 2,
        total_add_events: 2,
        total_users_with_memories: 2,
      });
    },
  ],
});
