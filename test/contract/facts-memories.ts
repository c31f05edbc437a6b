import { z } from "zod";
import { answered } from "./answered.ts";
import type { Check } from "./check.ts";
import { field, type Reply, rows, text } from "./client.ts";
import { allOf, judged, unchecked, type Verdict } from "./verdict.ts";
import { unknownId, type World } from "./world.ts";

const error = z.object({ error: z.string() });
const message = z.object({ message: z.string() });
const deletion = z.object({ message: z.string(), event_id: z.string() });
const page = z.object({
  count: z.int(),
  next: z.string().nullable(),
  previous: z.string().nullable(),
  results: z.array(z.unknown()),
});

/** What is documented of memories, their events, entities and lists. */
export const memoryFacts: readonly Check[] = [
  { name: "infer:false stores each message word by word at once, but for system's", look: verbatim },
  { name: "infer:false skips what the user has word by word already", look: duplicateSkipped },
  { name: "infer:true is PENDING, and its event ends SUCCEEDED", look: pendingThenDone },
  { name: "an unknown event is a 404 {error}", look: unknownEvent },
  { name: "events are a page, and its next is a path", look: eventsPage },
  { name: "an add without an id of user, agent, app or run is a 400", look: refusedAdd({}, "A fact") },
  { name: "an add of blank content is a 400", look: refusedAdd({ user_id: "loci-contract" }, "  ") },
  {
    name: "an add with more than 2000 characters of metadata is a 400",
    look: refusedAdd({ user_id: "loci-contract", metadata: { long: "x".repeat(2100) } }, "A fact"),
  },
  {
    name: "an add with custom categories as texts is a 400",
    look: refusedAdd({ user_id: "loci-contract", custom_categories: ["music"] }, "A fact"),
  },
  { name: "a list is a page with count, next, previous; a run's id is session_id in it", look: listPage },
  { name: "next of a list is an absolute URL, and a page past the end is a 404 or 400", look: pagesOfList },
  { name: "a list of an unknown user is empty", look: unknownUser },
  ...filterFacts(),
  { name: "a search is {results}, with scores from 0 to 1 and run_id", look: search },
  { name: "a memory is read by its id; unknown 404 {error}, no UUID 400 {error}", look: readOne },
  { name: "an update is answered with the whole memory", look: updateOne },
  { name: "a deletion is answered 200 {message}, and then all is a 404", look: deleteOne },
  { name: "an expired memory is listed only with show_expired", look: expired },
  { name: "many are updated and deleted at once, and 1,001 are a 400", look: batches },
  { name: "deleting by user answers an event, also for a user nobody knows", look: deleteByUser },
  { name: "entities are a page with totals, and ids are texts", look: entitiesPage },
  { name: "deleting an entity of a type that is none is a 400 {message}", look: wrongEntityType },
  {
    name: "feedback is answered with its id, taken back with null; no UUID is a 400 {error}",
    look: feedback,
  },
  {
    name: "an export without a schema is a 400 {message}, one that is none a 404 {error}",
    look: exportRefusals,
  },
  { name: "stats are whole numbers", look: stats },
];

async function verbatim(world: World): Promise<Verdict> {
  const user_id = world.entity();
  const messages = [
    { role: "system", content: "Loci contract check: be brief" },
    { role: "user", content: "Loci contract check: breeds pigeons" },
    { role: "assistant", content: "Loci contract check: told of lofts" },
  ];
  const reply = await world.add({ messages, user_id, infer: false });
  const shape = z.object({
    status: z.literal("SUCCEEDED"),
    event_id: z.string(),
    results: z.array(z.unknown()),
  });
  const stored = rows(reply.body).map((each) => text(field(each, "data"), "memory"));
  const wanted = messages.slice(1).map(({ content }) => content);
  const isVerbatim = stored.length === 2 && wanted.every((content) => stored.includes(content));
  return allOf([answered(world, reply, 200, shape), judged(isVerbatim, `${stored.length} stored`)]);
}

async function duplicateSkipped(world: World): Promise<Verdict> {
  const memory = "Loci contract check: tunes pianos";
  const { user } = await world.remember(memory);
  const reply = await world.add({
    messages: [{ role: "user", content: memory }],
    user_id: user,
    infer: false,
  });
  const { body } = await world.list({ user_id: user });
  return judged(
    field(body, "count") === 1,
    `${reply.status}; then ${String(field(body, "count"))} are listed`,
  );
}

async function pendingThenDone(world: World): Promise<Verdict> {
  const messages = [{ role: "user", content: "I play the cello in an orchestra in Lisbon." }];
  const reply = await world.add({ messages, user_id: world.entity() });
  const pending = answered(
    world,
    reply,
    200,
    z.object({ status: z.literal("PENDING"), event_id: z.string() }),
  );
  const eventId = text(reply.body, "event_id");
  if (eventId === "") return pending;
  const seen = new Set<string>();
  const end = await world.eventEnd(eventId, (status) => seen.add(status));
  if (end === null) return allOf([pending, unchecked(`not over after ${world.timings.eventMs} ms`)]);
  const order = [...seen].join(", ");
  const isKnown = [...seen].every((status) => ["PENDING", "RUNNING", "SUCCEEDED"].includes(status));
  return allOf([pending, judged(isKnown && text(end.body, "status") === "SUCCEEDED", order)]);
}

async function unknownEvent(world: World): Promise<Verdict> {
  return answered(world, await world.first.call("GET", `/v1/event/${unknownId()}/`), 404, error);
}

async function eventsPage(world: World): Promise<Verdict> {
  const reply = await world.first.call("GET", "/v1/events/");
  const next = text(reply.body, "next");
  return allOf([
    answered(world, reply, 200, page),
    judged(next === "" || next.startsWith("/"), "next is none or a path"),
  ]);
}

function refusedAdd(rest: Readonly<Record<string, unknown>>, content: string): Check["look"] {
  return async (world) => {
    // An id of its own, so that it can be removed if it is taken after all.
    const ids = "user_id" in rest ? { user_id: world.entity() } : {};
    const reply = await world.add({ messages: [{ role: "user", content }], infer: false, ...rest, ...ids });
    return judged(reply.status === 400, world.first.excerpt(reply));
  };
}

async function listPage(world: World): Promise<Verdict> {
  const run_id = world.entity("run");
  const { user } = await world.remember("Loci contract check: sails a dinghy", { run_id });
  const reply = await world.list({ user_id: user });
  const [row] = rows(reply.body);
  const isNamed = field(row, "session_id") === run_id;
  return allOf([
    answered(world, reply, 200, page),
    judged(isNamed, `session_id ${isNamed ? "is it" : "is not it"}`),
  ]);
}

async function pagesOfList(world: World): Promise<Verdict> {
  const { user } = await world.remember("Loci contract check: bakes bread");
  await world.remember("Loci contract check: brews beer", {}, user);
  const first = await world.list({ user_id: user }, {}, "?page=1&page_size=1");
  const past = await world.list({ user_id: user }, {}, "?page=9&page_size=1");
  const next = text(first.body, "next");
  return allOf([
    judged(
      rows(first.body).length === 1 && URL.canParse(next),
      `next is ${URL.canParse(next) ? "absolute" : "no URL"}`,
    ),
    judged([404, 400].includes(past.status), `past the end ${past.status}`),
  ]);
}

async function unknownUser(world: World): Promise<Verdict> {
  const shape = page.extend({ count: z.literal(0), results: z.array(z.unknown()).max(0) });
  return answered(world, await world.list({ user_id: `loci-contract-${unknownId()}` }), 200, shape);
}

/** Each filter, with the status that is documented or was seen. */
function filterFacts(): readonly Check[] {
  const ofUser = (user: string) => ({ user_id: user });
  const cases: readonly (readonly [string, number, (user: string) => unknown])[] = [
    ["without filters", 400, () => undefined],
    ["with an empty filter", 400, () => ({})],
    ["with a key that is none", 400, (user) => ({ userId: user })],
    ["with * alone", 400, () => ({ user_id: "*" })],
    ["with NOT alone", 400, (user) => ({ NOT: [{ user_id: user }] })],
    ["with a bare category", 400, (user) => ({ ...ofUser(user), categories: "music" })],
    ["with eq on a date", 400, (user) => ({ ...ofUser(user), created_at: { eq: "2026-01-01" } })],
    ["with AND", 200, (user) => ({ AND: [ofUser(user)] })],
    ["with NOT as a list", 200, (user) => ({ ...ofUser(user), NOT: [{ app_id: "*" }] })],
    ["with in", 200, (user) => ({ user_id: { in: [user] } })],
    ["with a range of dates", 200, (user) => ({ ...ofUser(user), created_at: { gte: "2020-01-01" } })],
  ];
  const byFilter = cases.map(
    ([what, status, filter]): Check => ({
      name: `a list ${what} is a ${status}`,
      look: async (world) => {
        const { user } = await world.memory();
        const reply = await world.list(filter(user));
        if (status !== 200) return judged(reply.status === status, world.first.excerpt(reply));
        return judged(
          reply.status === 200 && rows(reply.body).length === 1,
          `${reply.status}, ${rows(reply.body).length} found`,
        );
      },
    }),
  );
  const topLevel: Check = {
    name: "a list with user_id beside filters is a 400",
    look: async (world) => {
      const { user } = await world.memory();
      const reply = await world.list({ user_id: user }, { user_id: user });
      return judged(reply.status === 400, world.first.excerpt(reply));
    },
  };
  return [...byFilter, topLevel];
}

async function search(world: World): Promise<Verdict> {
  const { user } = await world.memory();
  const body = { query: "plays the cello on Sundays", filters: { user_id: user } };
  const { value } = await world.until(world.timings.eventMs, async () => {
    const reply = await world.first.need([200], "POST", "/v3/memories/search/", body);
    return rows(reply.body).length > 0 ? reply : null;
  });
  if (value === null) return unchecked("nothing was found in time");
  const row = z.object({ id: z.string(), score: z.number().min(0).max(1), run_id: z.string().nullable() });
  return answered(world, value, 200, z.object({ results: z.array(row) }));
}

async function readOne(world: World): Promise<Verdict> {
  const { id } = await world.memory();
  const read = async (path: string): Promise<Reply> => world.first.call("GET", `/v1/memories/${path}/`);
  const shape = z.object({ id: z.literal(id), memory: z.string(), created_at: z.string() });
  return allOf([
    answered(world, await read(id), 200, shape),
    answered(world, await read(unknownId()), 404, error),
    answered(world, await read("no-uuid"), 400, error),
  ]);
}

async function updateOne(world: World): Promise<Verdict> {
  const { id } = await world.remember("Loci contract check: grows roses");
  const changed = "Loci contract check: grows tulips";
  const reply = await world.first.call("PUT", `/v1/memories/${id}/`, { text: changed });
  const shape = z.object({ id: z.literal(id), memory: z.literal(changed) });
  const read = await world.first.call("GET", `/v1/memories/${id}/`);
  return allOf([answered(world, reply, 200, shape), answered(world, read, 200, shape)]);
}

async function deleteOne(world: World): Promise<Verdict> {
  const { id } = await world.remember("Loci contract check: hums tunes");
  const path = `/v1/memories/${id}/`;
  return allOf([
    answered(world, await world.first.call("DELETE", path), 200, message),
    answered(world, await world.first.call("GET", path), 404, error),
    answered(world, await world.first.call("DELETE", path), 404, error),
  ]);
}

async function expired(world: World): Promise<Verdict> {
  const { id, user } = await world.remember("Loci contract check: is away this week", {
    expiration_date: "2020-01-31",
  });
  const hidden = rows((await world.list({ user_id: user })).body).length;
  const shown = rows((await world.list({ user_id: user }, { show_expired: true })).body).length;
  const { status } = await world.first.call("GET", `/v1/memories/${id}/`);
  const seen = `listed ${hidden}, with show_expired ${shown}, GET ${status}`;
  return judged(hidden === 0 && shown === 1 && status === 200, seen);
}

async function batches(world: World): Promise<Verdict> {
  const one = await world.remember("Loci contract check: knits scarves");
  const two = await world.remember("Loci contract check: knits gloves", {}, one.user);
  const send = (method: string, memories: readonly object[]): Promise<Reply> =>
    world.first.call(method, "/v1/batch/", { memories });
  const ids = [one, two].map(({ id }) => ({ memory_id: id }));
  const updated = await send(
    "PUT",
    ids.map((each) => ({ ...each, metadata: { by: "batch" } })),
  );
  const deleted = await send("DELETE", ids);
  const many = Array.from({ length: 1001 }, () => ({ memory_id: unknownId() }));
  return allOf([
    answered(world, updated, 200, z.object({ message: z.string().regex(/\b2\b/) })),
    answered(world, deleted, 200, z.object({ message: z.string().regex(/\b2\b/) })),
    answered(world, await send("DELETE", many), 400, error),
  ]);
}

/** Always with an id of our own: without one, and with a body, deletions are left alone here, for they may mean everything. */
async function deleteByUser(world: World): Promise<Verdict> {
  const { user } = await world.remember("Loci contract check: climbs hills");
  const remove = (id: string): Promise<Reply> =>
    world.first.call("DELETE", `/v1/memories/?user_id=${encodeURIComponent(id)}`);
  const first = answered(world, await remove(user), 200, deletion);
  const { value } = await world.until(world.timings.eventMs, async () =>
    field((await world.list({ user_id: user })).body, "count") === 0 ? true : null,
  );
  const nobody = answered(world, await remove(world.entity()), 200, deletion);
  return allOf([first, judged(value === true, "nothing is listed then"), nobody]);
}

async function entitiesPage(world: World): Promise<Verdict> {
  await world.memory();
  const totals = { total_users: z.int(), total_agents: z.int(), total_apps: z.int(), total_runs: z.int() };
  const entity = z.object({
    id: z.string(),
    name: z.string(),
    type: z.enum(["user", "agent", "app", "run"]),
  });
  const shape = page.extend({ results: z.array(entity), ...totals });
  return answered(world, await world.first.call("GET", "/v1/entities/"), 200, shape);
}

async function wrongEntityType(world: World): Promise<Verdict> {
  const reply = await world.first.call("DELETE", `/v2/entities/planet/loci-contract-${unknownId()}/`);
  return answered(world, reply, 400, message);
}

async function feedback(world: World): Promise<Verdict> {
  const { id } = await world.remember("Loci contract check: whistles");
  const send = (memory_id: string, word: string | null): Promise<Reply> =>
    world.first.call("POST", "/v1/feedback/", { memory_id, feedback: word, feedback_reason: null });
  const given = z.object({ id: z.string(), feedback: z.literal("POSITIVE") });
  return allOf([
    answered(world, await send(id, "POSITIVE"), 200, given),
    answered(world, await send(id, null), 200, z.object({ feedback: z.null() })),
    answered(world, await send("no-uuid", "POSITIVE"), 400, error),
  ]);
}

async function exportRefusals(world: World): Promise<Verdict> {
  const { user } = await world.memory();
  const order = await world.first.call("POST", "/v1/exports/", { filters: { AND: [{ user_id: user }] } });
  const get = await world.first.call("POST", "/v1/exports/get/", { memory_export_id: unknownId() });
  return allOf([answered(world, order, 400, message), answered(world, get, 404, error)]);
}

async function stats(world: World): Promise<Verdict> {
  const shape = z.object({
    total_memories: z.int(),
    total_retrieval_events: z.int(),
    total_add_events: z.int(),
  });
  return answered(world, await world.first.call("GET", "/v1/stats/"), 200, shape);
}
