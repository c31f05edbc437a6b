import type { Check } from "./check.ts";
import { field, type Reply, rows, text } from "./client.ts";
import { allOf, confirmed, judged, refuted, unchecked, type Verdict } from "./verdict.ts";
import { type Remembered, unknownId, type World } from "./world.ts";

/** Beliefs 36 to 45: memories. */
export const memoryBeliefs: readonly Check[] = [
  { name: "37", look: pairLeads },
  { name: "38", look: eventBelongsThere },
  { name: "41", look: exportFilters },
  { name: "36", look: otherProjectIsClosed },
  { name: "39", look: async () => unchecked("would spend a month's quota of the account") },
  { name: "40", look: feedbackOnUnknown },
  { name: "44", look: updateReplacesMetadata },
  { name: "45", look: historyOrder },
  { name: "43", look: pagesOfHundred },
];

interface Led extends Remembered {
  readonly pair: { readonly org_id: string; readonly project_id: string };
  /** How many of this user's memories the list has with the pair, and without it. */
  readonly there: number;
  readonly here: number;
}

/** A memory that a pair of ids was to lead to a new project of the key's own organization. @throws {Barred} */
function led(world: World): Promise<Led> {
  return world.once("led", async () => {
    const { org_id } = await world.me();
    const { id: project_id } = await world.makeProject(org_id);
    const pair = { org_id, project_id };
    const memory = await world.remember("Loci contract check: keeps bees behind the house", pair);
    const filters = { user_id: memory.user };
    const there = rows((await world.list(filters, pair)).body).length;
    const here = rows((await world.list(filters)).body).length;
    return { ...memory, pair, there, here };
  });
}

async function pairLeads(world: World): Promise<Verdict> {
  const { id, user, pair, there, here } = await led(world);
  const add = judged(
    there === 1 && here === 0,
    `the add and the list: ${there} there, ${here} with the key alone`,
  );
  if (add.state === "REFUTED") return add;
  const text = "Loci contract check: keeps bees behind the house and sells honey";
  const filters = { user_id: user };
  const search = await world.first.call("POST", "/v3/memories/search/", { query: "bees", filters, ...pair });
  const calls: Readonly<Record<string, Reply>> = {
    update: await world.first.call("PUT", `/v1/memories/${id}/`, { text, ...pair }),
    feedback: await world.first.call("POST", "/v1/feedback/", {
      memory_id: id,
      feedback: "POSITIVE",
      ...pair,
    }),
  };
  const found = rows(search.body).length;
  const searched = judged(search.status === 200 && found === 1, `the search found ${found}`);
  const parts = Object.entries(calls).map(([what, reply]) =>
    judged(reply.status === 200, `${what}: ${reply.status}`),
  );
  return allOf([add, searched, ...parts]);
}

/** Where the pair did not lead anywhere, there is nothing in another project to look at. */
async function whereLed(world: World, look: (memory: Led) => Promise<Verdict>): Promise<Verdict> {
  const memory = await led(world);
  if (memory.there !== 1 || memory.here !== 0)
    return unchecked("no memory could be led to another project (see 37)");
  return look(memory);
}

function eventBelongsThere(world: World): Promise<Verdict> {
  return whereLed(world, async ({ event }) => {
    if (event === "") return unchecked("the add was answered without event_id");
    const { status } = await world.first.call("GET", `/v1/event/${event}/`);
    return judged(status !== 200, `GET of the event with the key alone: ${status}`);
  });
}

function otherProjectIsClosed(world: World): Promise<Verdict> {
  return whereLed(world, async ({ id, user, pair }) => {
    const path = `/v1/memories/${id}/`;
    const statuses: Record<string, number> = {
      GET: (await world.first.call("GET", path)).status,
      PUT: (await world.first.call("PUT", path, { text: "Loci contract check: changed from outside" }))
        .status,
      DELETE: (await world.first.call("DELETE", path)).status,
    };
    const left = rows((await world.list({ user_id: user }, pair)).body);
    const isWhole = left.length === 1 && !text(left[0], "memory").includes("from outside");
    const answers = Object.entries(statuses).map(([method, status]) =>
      judged(status === 404, `${method} ${status}`),
    );
    return allOf([
      ...answers,
      judged(isWhole, isWhole ? "afterwards as before" : "afterwards changed or gone"),
    ]);
  });
}

const exportSchema = {
  title: "Facts",
  type: "object",
  properties: { facts: { type: "array", items: { type: "string" }, description: "What is known" } },
};

/** In a project that is deleted afterwards, for an export has no deletion. */
function exportFilters(world: World): Promise<Verdict> {
  return whereLed(world, async ({ user, pair }) => {
    const filters = { AND: [{ user_id: user }] };
    const order = await world.first.call("POST", "/v1/exports/", { schema: exportSchema, filters, ...pair });
    if (order.status >= 300) return refuted(world.first.excerpt(order));
    const { value } = await world.until(world.timings.exportMs, async () => {
      const reply = await world.first.call("POST", "/v1/exports/get/", { filters, ...pair });
      return reply.status === 404 ? null : reply;
    });
    if (value === null) return unchecked(`no export was ready after ${world.timings.exportMs} ms`);
    const fetched = value.status === 200 ? "fetched by the same filters" : world.first.excerpt(value);
    return judged(value.status === 200, `ordered ${order.status}; ${fetched}`);
  });
}

async function feedbackOnUnknown(world: World): Promise<Verdict> {
  const body = { memory_id: unknownId(), feedback: "POSITIVE" };
  const reply = await world.first.call("POST", "/v1/feedback/", body);
  return judged(reply.status === 404, `${reply.status}`);
}

async function updateReplacesMetadata(world: World): Promise<Verdict> {
  const { id } = await world.remember("Loci contract check: paints harbours", { metadata: { first: "1" } });
  const path = `/v1/memories/${id}/`;
  await world.first.need([200], "PUT", path, { metadata: { second: "2" } });
  await world.first.need([200], "PUT", path, { metadata: { third: "3" } });
  const metadata = field((await world.first.need([200], "GET", path)).body, "metadata");
  return judged(
    JSON.stringify(metadata) === '{"third":"3"}',
    `after two updates ${JSON.stringify(metadata)}`,
  );
}

async function historyOrder(world: World): Promise<Verdict> {
  const { id } = await world.remember("Loci contract check: collects stamps");
  await world.first.need([200], "PUT", `/v1/memories/${id}/`, {
    text: "Loci contract check: collects old stamps",
  });
  const { value } = await world.until(world.timings.eventMs, async () => {
    const { body } = await world.first.need([200], "GET", `/v1/memories/${id}/history/`);
    return rows(body).length >= 2 ? rows(body) : null;
  });
  const events = (value ?? []).map((entry) => text(entry, "event"));
  const order = judged(
    events[0] === "ADD" && events.at(-1) === "UPDATE",
    `entries ${events.join(", ") || "none"}`,
  );
  const unknown = await world.first.call("GET", `/v1/memories/${unknownId()}/history/`);
  const isEmpty = unknown.status === 200 && Array.isArray(unknown.body) && unknown.body.length === 0;
  return allOf([
    order,
    judged(isEmpty, `of an unknown memory: ${unknown.status}${isEmpty ? ", empty" : ""}`),
  ]);
}

const pageSize = 100;

async function pagesOfHundred(world: World): Promise<Verdict> {
  if (world.isLong) await fillPages(world);
  const lists = {
    entities: `/v1/entities/?page=1&page_size=${pageSize}`,
    "the project's history": `/v1/memories/events/?page=1&limit=${pageSize}`,
  };
  const parts: Verdict[] = [];
  for (const [what, path] of Object.entries(lists)) {
    const { body } = await world.first.need([200], "GET", path);
    const count = Number(field(body, "count"));
    const shown = rows(body).length;
    if (Number.isNaN(count)) parts.push(refuted(`${what}: no page with a count`));
    else if (count > pageSize) parts.push(judged(shown === pageSize, `${what}: ${shown} of ${count}`));
    else if (shown === count)
      parts.push(unchecked(`${what}: only ${count} are there${world.isLong ? "" : ": --long"}`));
    else parts.push(refuted(`${what}: a page of ${shown} where ${count} are`));
  }
  return allOf(parts);
}

/** More than a page of entities, four with each add, and more than a page of history with one more add. */
async function fillPages(world: World): Promise<void> {
  for (let entities = 0; entities <= pageSize; entities += 4) {
    const agent_id = world.entity("agent");
    const ids = { agent_id, app_id: world.entity("app"), run_id: world.entity("run") };
    await world.remember(`Loci contract check: entity ${entities}`, ids);
  }
  const messages = Array.from({ length: pageSize + 1 }, (_, index) => ({
    role: "user",
    content: `Loci contract check: entry ${index}`,
  }));
  await world.add({ messages, user_id: world.entity(), infer: false });
}

/** Beliefs 32 and 42: what every answer tells. The first is looked at before anything else, by whoever starts the run. */
export function throttlingBelief(throttled: readonly Reply[]): Check {
  return {
    name: "42",
    isLast: true,
    look: async () => {
      if (throttled.length === 0)
        return unchecked("nothing was throttled; to be so on purpose takes 1,000 calls a minute");
      const without = throttled.filter(({ headers }) => headers.get("retry-after") === null).length;
      if (without > 0)
        return refuted(`${without} of ${throttled.length} throttled answers had no Retry-After`);
      return confirmed(`${throttled.length} throttled answers, all with Retry-After`);
    },
  };
}
