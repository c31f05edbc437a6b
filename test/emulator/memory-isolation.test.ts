import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig, until } from "./rig.ts";

/** A project with a key, a memory, an event and an export of its own. */
interface Place {
  readonly rig: Rig;
  readonly org_id: string;
  readonly project_id: string;
  readonly ids: Ids;
}

interface Ids {
  readonly memory: string;
  readonly event: string;
  readonly export: string;
}

/** A call that names something by its id: what it answers must not tell a stranger's from none. */
interface Call {
  readonly method: string;
  path(ids: Ids): string;
  body?(ids: Ids): object;
}

const calls: Readonly<Record<string, Call>> = {
  "get memory": { method: "GET", path: ({ memory }) => `/v1/memories/${memory}/` },
  "get memory in upper case": {
    method: "GET",
    path: ({ memory }) => `/v1/memories/${memory.toUpperCase()}/`,
  },
  "update memory": {
    method: "PUT",
    path: ({ memory }) => `/v1/memories/${memory}/`,
    body: () => ({ text: "stolen", metadata: { by: "a stranger" } }),
  },
  "delete memory": { method: "DELETE", path: ({ memory }) => `/v1/memories/${memory}/` },
  "delete memory and what is linked": {
    method: "DELETE",
    path: ({ memory }) => `/v1/memories/${memory}/?delete_linked=true`,
  },
  history: { method: "GET", path: ({ memory }) => `/v1/memories/${memory}/history/` },
  "batch update": {
    method: "PUT",
    path: () => "/v1/batch/",
    body: ({ memory }) => ({ memories: [{ memory_id: memory, text: "stolen" }] }),
  },
  "batch delete": {
    method: "DELETE",
    path: () => "/v1/batch/",
    body: ({ memory }) => ({ memories: [{ memory_id: memory }] }),
  },
  feedback: {
    method: "POST",
    path: () => "/v1/feedback/",
    body: ({ memory }) => ({ memory_id: memory, feedback: "VERY_NEGATIVE" }),
  },
  "get event": { method: "GET", path: ({ event }) => `/v1/event/${event}/` },
  "get export": {
    method: "POST",
    path: () => "/v1/exports/get/",
    body: (ids) => ({ memory_export_id: ids.export }),
  },
  "list by memory ids": {
    method: "POST",
    path: () => "/v3/memories/",
    body: ({ memory }) => ({ filters: { user_id: "alice", memory_ids: [memory] } }),
  },
  "search by memory ids": {
    method: "POST",
    path: () => "/v3/memories/search/",
    body: ({ memory }) => ({ query: "secret", filters: { user_id: "alice", memory_ids: [memory] } }),
  },
};

/** Calls that name a user. Every place has one of the same name, and every call must stay with the caller's. */
const callsByName: Readonly<
  Record<string, { readonly method: string; readonly path: string; readonly body?: object }>
> = {
  list: { method: "POST", path: "/v3/memories/", body: { filters: { user_id: "alice" } } },
  search: {
    method: "POST",
    path: "/v3/memories/search/",
    body: { query: "secret", filters: { user_id: "alice" } },
  },
  entities: { method: "GET", path: "/v1/entities/" },
  entity: { method: "GET", path: "/v2/entities/user/alice/" },
  events: { method: "GET", path: "/v1/events/" },
  "history of the project": { method: "GET", path: "/v1/memories/events/" },
  "newest export": { method: "POST", path: "/v1/exports/get/", body: { filters: { user_id: "alice" } } },
  stats: { method: "GET", path: "/v1/stats/" },
  "delete by filter": { method: "DELETE", path: "/v1/memories/?user_id=alice" },
  "delete of everything": { method: "DELETE", path: "/v1/memories/?user_id=*&agent_id=*&app_id=*&run_id=*" },
  "delete of the entity": { method: "DELETE", path: "/v2/entities/user/alice/" },
};

type Row = Readonly<Record<string, unknown>>;
type Tables = Readonly<Record<string, readonly Row[]>>;

const dataTables = ["memories", "history", "events", "entities", "feedback", "exports"];

async function rowsOf(place: Place): Promise<Tables> {
  const tables = await place.rig.control<Tables>("GET", "tables?deleted=true");
  return Object.fromEntries(
    dataTables.map((name) => [
      name,
      (tables[name] ?? []).filter((row) => row["project_id"] === place.project_id),
    ]),
  );
}

async function furnish(rig: Rig): Promise<Place> {
  const { org_id, project_id } = await rig.ping();
  const memory = await remember(rig, `The secret of ${project_id} is tea`);
  const messages = [{ role: "user", content: `I live in ${project_id}` }];
  const added = await rig.call("POST", "/v3/memories/add/", { messages, user_id: "alice" });
  const { event_id: event } = added.body as { event_id: string };
  await until(async () => {
    const { status } = (await rig.call("GET", `/v1/event/${event}/`)).body as { status: string };
    return status === "SUCCEEDED";
  });
  await rig.call("POST", "/v1/feedback/", { memory_id: memory, feedback: "POSITIVE" });
  const schema = { properties: { facts: { type: "array", items: { type: "string" } } } };
  const ordered = await rig.call("POST", "/v1/exports/", { schema, filters: { user_id: "alice" } });
  const { id } = ordered.body as { id: string };
  return { rig, org_id, project_id, ids: { memory, event, export: id } };
}

let own: Place;
let sibling: Place;
let stranger: Place;

beforeEach(async () => {
  const rig = await startRig();
  const { org_id } = await rig.ping();
  const project_id = await rig.createProject(org_id);
  own = await furnish(rig);
  sibling = await furnish(rig.as(await rig.makeKey({ org_id, project_id })));
  stranger = await furnish(await rig.somebodyElse("other@acme.test"));
});

/** Every place with each that must not reach it: in the same organization, and in another, both ways. */
function pairs(): readonly (readonly [victim: Place, caller: Place])[] {
  const places = [own, sibling, stranger];
  return places.flatMap((victim) =>
    places.filter((caller) => caller !== victim).map((caller) => [victim, caller] as const),
  );
}

async function answerOf({ rig }: Place, call: Call, ids: Ids): Promise<string> {
  const { status, text } = await rig.call(call.method, call.path(ids), call.body?.(ids));
  return `${status} ${text}`;
}

const unknownIds = (): Ids => ({ memory: randomUUID(), event: randomUUID(), export: randomUUID() });

describe("what belongs to another project", () => {
  it("is there for its own key, so that the comparisons below compare something", async () => {
    for (const place of [own, sibling, stranger]) {
      const rows = await rowsOf(place);
      expect(Object.entries(rows).filter(([, of]) => of.length === 0)).toEqual([]);
      for (const name of ["get memory", "history", "get event", "get export", "list by memory ids"]) {
        const call = calls[name];
        if (call === undefined) throw new Error(`There is no call "${name}"`);
        expect(await answerOf(place, call, place.ids)).not.toBe(await answerOf(place, call, unknownIds()));
      }
    }
  });

  it.each(Object.entries(calls))(
    "is answered as if it did not exist, and stays as it is: %s",
    async (_, call) => {
      for (const [victim, caller] of pairs()) {
        const before = await rowsOf(victim);
        const absent = await answerOf(caller, call, unknownIds());
        expect(await answerOf(caller, call, victim.ids)).toBe(absent);
        expect(absent).not.toContain("500");
        expect(await rowsOf(victim)).toEqual(before);
      }
    },
  );

  it.each(Object.entries(callsByName))(
    "is not met by a user of the same name: %s",
    async (_, { method, path, body }) => {
      for (const [victim, caller] of pairs()) {
        const before = await rowsOf(victim);
        const reply = await caller.rig.call(method, path, body);
        expect(reply.status).toBeLessThan(500);
        for (const secret of [victim.project_id, ...Object.values(victim.ids)]) {
          expect(reply.text).not.toContain(secret);
        }
        expect(await rowsOf(victim)).toEqual(before);
      }
    },
  );

  it("is not reached by ids of its organization and project in the query", async () => {
    for (const [victim, caller] of pairs()) {
      const before = await rowsOf(victim);
      const query = new URLSearchParams({ org_id: victim.org_id, project_id: victim.project_id });
      const listed = await caller.rig.call("POST", `/v3/memories/?${query}`, {
        filters: { user_id: "alice" },
      });
      expect(listed.status).toBe(200);
      expect(listed.text).not.toContain(victim.ids.memory);
      const deleted = await caller.rig.call("DELETE", `/v1/memories/${victim.ids.memory}/?${query}`);
      expect(deleted.status).toBe(404);
      await caller.rig.call("DELETE", `/v1/memories/?user_id=alice&${query}`);
      expect(await rowsOf(victim)).toEqual(before);
    }
  });

  it("in another organization is not reached by the pair in a body either, and is told from no project by nothing", async () => {
    for (const [victim, caller] of pairs()) {
      if (victim.org_id === caller.org_id) continue;
      const before = await rowsOf(victim);
      const pair = { org_id: victim.org_id, project_id: victim.project_id };
      const unknown = { org_id: victim.org_id, project_id: "proj_unknown" };
      const filters = { user_id: "alice" };
      const feedback = { memory_id: victim.ids.memory, feedback: "NEGATIVE" };
      for (const [path, body] of [
        ["/v3/memories/add/", { messages: [{ role: "user", content: "stolen" }], user_id: "alice" }],
        ["/v3/memories/", { filters }],
        ["/v3/memories/search/", { query: "secret", filters }],
        ["/v1/feedback/", feedback],
        ["/v1/exports/", { schema: { properties: { a: {} } }, filters }],
        ["/v1/exports/get/", { memory_export_id: victim.ids.export }],
      ] as const) {
        const reply = await caller.rig.call("POST", path, { ...body, ...pair });
        const absent = await caller.rig.call("POST", path, { ...body, ...unknown });
        expect([reply.status, reply.text]).toEqual([404, absent.text]);
      }
      expect(await rowsOf(victim)).toEqual(before);
    }
  });
});

describe("a key that is no longer good", () => {
  it("is a 401 on every route of the data plane, revoked or with its project deleted, and changes nothing", async () => {
    const { org_id, project_id, rig } = own;
    const revoked = rig.as(await rig.makeKey({ org_id, project_id }));
    await rig.control("DELETE", `keys/${revoked.apiKey}`);
    await rig.call("DELETE", rig.projectPath(sibling.org_id, sibling.project_id));
    const before = [await rowsOf(own), await rowsOf(sibling)];
    for (const [key, ids] of [
      [revoked, own.ids],
      [sibling.rig, sibling.ids],
    ] as const) {
      const byId = Object.values(calls).map(({ method, path, body }) => ({
        method,
        path: path(ids),
        body: body?.(ids),
      }));
      for (const { method, path, body } of [...byId, ...Object.values(callsByName)]) {
        const reply = await key.call(method, path, body);
        expect(reply.status).toBe(401);
        expect(reply.text).toContain("Invalid API key.");
      }
    }
    expect([await rowsOf(own), await rowsOf(sibling)]).toEqual(before);
  });
});
