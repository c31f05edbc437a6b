import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const alice = { user_id: "alice" };
const uuid = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const needed = "One of the filters: app_id, user_id, agent_id, run_id is required!";

function said(content: string): readonly object[] {
  return [{ role: "user", content }];
}

async function texts(rig: Rig, query: string): Promise<readonly string[]> {
  const reply = await rig.call("GET", `/v1/memories/${query}`);
  return (reply.body as readonly { memory: string }[]).map(({ memory }) => memory);
}

describe("adding in version 1", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig({ switches: { addDelayMs: 0 } });
  });

  it("answers a list of one, and is the same deed as in version 3", async () => {
    const reply = await rig.call("POST", "/v1/memories/", { messages: said("Likes tea."), ...alice });
    expect(reply.status).toBe(200);
    const message = "Memory processing has been queued for background execution";
    expect(reply.body).toEqual([{ message, status: "PENDING", event_id: uuid }]);
    expect(await texts(rig, "?user_id=alice")).toEqual(["Likes tea."]);
    const [{ event_id: eventId }] = reply.body as [{ event_id: string }];
    expect((await rig.call("GET", `/v1/event/${eventId}/`)).body).toMatchObject({ status: "SUCCEEDED" });
    expect((await rig.call("GET", `/v1/events/${eventId}/`)).body).toMatchObject({ id: eventId });
  });

  it.each([
    [{ output_format: "v1.1", version: "v2" }, true],
    [{ output_format: "v1.1" }, false],
    [{ version: "v2" }, false],
  ])(
    "wraps the list only when both output_format=v1.1 and version=v2 are asked for: %j",
    async (asked, isWrapped) => {
      const body = { messages: said("Likes tea"), ...alice, ...asked };
      const reply = await rig.call("POST", "/v1/memories/", body);
      expect(Array.isArray(reply.body)).toBe(!isWrapped);
      if (isWrapped) expect(reply.body).toEqual({ results: [expect.anything()], relations: [] });
    },
  );

  it("says what is wrong in its one envelope", async () => {
    const cases = [
      [{ messages: [7], ...alice }, expect.stringMatching(/^Invalid input data\./)],
      [{ messages: said("x") }, expect.stringMatching(/^At least one entity ID is required/)],
    ] as const;
    for (const [body, message] of cases) {
      const reply = await rig.call("POST", "/v1/memories/", body);
      expect(reply).toMatchObject({ status: 400, body: { error: "400 Bad Request", details: { message } } });
    }
    const blank = await rig.call("POST", "/v1/memories/", { messages: " ", ...alice });
    expect(blank.body).toEqual({
      error: "400 Bad Request",
      details: { messages: ["This field may not be blank."] },
    });
  });
});

describe("the list of version 1", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
    await remember(rig, "Likes tea", { ...alice, metadata: { cup: "big" } });
    await remember(rig, "Plays the guitar", { ...alice, agent_id: "bot" });
    await remember(rig, "Likes milk", { user_id: "bob" });
    await remember(rig, "Is over", { ...alice, expiration_date: "2020-01-01" });
  });

  it("is bare, newest first, without expired memories and without agent, app and run", async () => {
    expect(await texts(rig, "?user_id=alice")).toEqual(["Plays the guitar", "Likes tea"]);
    const [first] = (await rig.call("GET", "/v1/memories/?user_id=alice")).body as object[];
    expect(Object.keys(first ?? {})).not.toContain("agent_id");
    expect(first).toMatchObject({ user_id: "alice", lifecycle_state: "active" });
  });

  it.each([
    ["?user_id=alice&agent_id=bot", ["Plays the guitar"]],
    ["?user_id=*", ["Likes milk", "Plays the guitar", "Likes tea"]],
    [`?user_id=alice&metadata=${encodeURIComponent('{"cup":"big"}')}`, ["Likes tea"]],
    ["?user_id=alice&metadata[cup]=big", ["Likes tea"]],
    ["?user_id=alice&categories=music", ["Plays the guitar"]],
    ["?user_id=alice&keywords=TEA", ["Likes tea"]],
    ["?user_id=alice&start_date=2100-01-01", []],
    ["?user_id=alice&end_date=2020-01-01", []],
    ["?user_id=alice&limit=1", ["Plays the guitar"]],
    ["?user_id=alice&limit=1&page=1", ["Plays the guitar"]],
  ])("is narrowed by its query: %s", async (query, expected) => {
    expect(await texts(rig, query)).toEqual(expected);
  });

  it("is a page when both page and page_size are given, and then limit has no effect", async () => {
    const path = "/v1/memories/?user_id=alice&page=1&page_size=1&limit=900";
    const reply = await rig.call("GET", path);
    expect(reply.body).toMatchObject({
      count: 2,
      next: `${rig.url}/v1/memories/?user_id=alice&page=2&page_size=1&limit=900`,
      previous: null,
      results: [{ memory: "Plays the guitar" }],
    });
    const past = await rig.call("GET", "/v1/memories/?user_id=alice&page=3&page_size=1");
    expect(past).toMatchObject({ status: 404, body: { detail: "Invalid page." } });
  });

  it("shows only the fields that are asked for", async () => {
    const reply = await rig.call("GET", "/v1/memories/?user_id=bob&fields=memory&fields=user_id");
    expect(reply.body).toEqual([{ memory: "Likes milk", user_id: "bob" }]);
  });

  it("wants an id, a limit of at most 200, days and JSON", async () => {
    expect(await rig.call("GET", "/v1/memories/")).toMatchObject({ status: 400, body: [needed] });
    const refused = async (query: string) => {
      const reply = await rig.call("GET", `/v1/memories/?user_id=alice&${query}`);
      return [reply.status, reply.body];
    };
    expect(await refused("limit=201")).toEqual([400, { error: "limit must be <= 200" }]);
    expect(await refused("limit=many")).toEqual([400, { error: "limit must be a positive integer" }]);
    expect(await refused("metadata={")).toEqual([400, { metadata: ["Value must be valid JSON."] }]);
    expect(await refused("start_date=today")).toMatchObject([400, { start_date: [expect.any(String)] }]);
  });

  it("is of the key's own project, whatever the query says", async () => {
    const eve = await rig.somebodyElse("eve@else.test");
    const { org_id, project_id } = await rig.ping();
    expect(await texts(eve, `?user_id=alice&org_id=${org_id}&project_id=${project_id}`)).toEqual([]);
  });
});

describe("the list of version 2", () => {
  it("is bare in pages, takes wildcards alone, and is empty past its end", async () => {
    const rig = await startRig();
    await remember(rig, "Likes tea", { ...alice, run_id: "r1" });
    await remember(rig, "Likes milk", { user_id: "bob" });
    const list = async (body: object) => (await rig.call("POST", "/v2/memories/", body)).body;
    expect(await list({ filters: alice })).toMatchObject([{ memory: "Likes tea", session_id: "r1" }]);
    expect(await list({ filters: { OR: [{ user_id: "*" }] } })).toHaveLength(2);
    const filters = { user_id: "*" };
    expect(await list({ filters, page: 2, page_size: 1 })).toMatchObject([{ memory: "Likes tea" }]);
    expect(await list({ filters, page: 3, page_size: 1 })).toEqual([]);
    expect(await list({ filters, fields: ["memory"] })).toContainEqual({ memory: "Likes milk" });
    for (const body of [{}, { filters: {} }, { filters: { categories: { in: ["food"] } } }]) {
      expect(await rig.call("POST", "/v2/memories/", body)).toMatchObject({
        status: 400,
        body: { message: needed },
      });
    }
  });
});

describe("the old searches", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
    await remember(rig, "Likes tea", { ...alice, run_id: "r1", metadata: { cup: "big" } });
    await remember(rig, "Owns a blue bicycle", alice);
    await remember(rig, "Likes tea too", { user_id: "bob" });
  });

  it("of version 1 answer a bare list, or results and relations with output_format=v1.1", async () => {
    const body = { query: "tea", ...alice };
    const bare = await rig.call("POST", "/v1/memories/search/", body);
    expect(bare.body).toMatchObject([{ memory: "Likes tea" }, { memory: "Owns a blue bicycle" }]);
    expect((bare.body as object[])[0]).not.toHaveProperty("score_breakdown");
    const wrapped = await rig.call("POST", "/v1/memories/search/", { ...body, output_format: "v1.1" });
    expect(wrapped.body).toEqual({ results: bare.body, relations: [] });
    const narrow = { ...body, metadata: { cup: "big" }, fields: ["memory"], top_k: 5 };
    expect((await rig.call("POST", "/v1/memories/search/", narrow)).body).toEqual([{ memory: "Likes tea" }]);
    expect(await rig.call("POST", "/v1/memories/search/", { query: "tea" })).toMatchObject({
      status: 400,
      body: { message: "At least one of the filters: agent_id, user_id, app_id, run_id is required!" },
    });
    expect(await rig.call("POST", "/v1/memories/search/", alice)).toMatchObject({
      status: 400,
      body: { query: ["This field is required."] },
    });
  });

  it("of version 2 answer a bare list above 0.3, the run as session_id", async () => {
    const search = async (body: object) => (await rig.call("POST", "/v2/memories/search/", body)).body;
    const found = await search({ query: "tea", filters: alice });
    expect(found).toEqual([expect.objectContaining({ memory: "Likes tea", session_id: "r1" })]);
    expect((found as object[])[0]).not.toHaveProperty("run_id");
    const all = await search({ query: "tea", filters: alice, threshold: 0 });
    expect(all).toHaveLength(2);
    expect(await search({ query: "tea", filters: { OR: [{ user_id: "*" }] } })).toHaveLength(2);
    const empty = await rig.call("POST", "/v2/memories/search/", { query: "tea", filters: {} });
    expect(empty).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^Filters are required/) },
    });
  });
});

describe("the old routes", () => {
  it("run the same quota meters", async () => {
    const rig = await startRig({ switches: { quotaSearchMax: 4, quotaAddMax: 1 } });
    await rig.call("GET", "/v1/memories/?user_id=alice");
    await rig.call("POST", "/v2/memories/", { filters: alice });
    await rig.call("POST", "/v1/memories/search/", { query: "x", ...alice });
    expect(await rig.call("POST", "/v2/memories/search/", { query: "x", filters: alice })).toMatchObject({
      status: 200,
    });
    expect(await rig.call("GET", "/v1/memories/?user_id=alice")).toMatchObject({
      status: 429,
      body: { event_type: "SEARCH", quota_limit: 4 },
    });
    const add = () => rig.call("POST", "/v1/memories/", { messages: said("x"), ...alice });
    expect((await add()).status).toBe(200);
    expect((await add()).status).toBe(429);
  });

  it("are redirected by the body's pair of ids as those of version 3 are", async () => {
    const rig = await startRig({ switches: { addDelayMs: 0 } });
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const pair = { org_id, project_id };
    await rig.call("POST", "/v1/memories/", { messages: said("Likes tea"), ...alice, ...pair });
    expect((await rig.call("POST", "/v2/memories/", { filters: alice })).body).toEqual([]);
    expect((await rig.call("POST", "/v2/memories/", { filters: alice, ...pair })).body).toHaveLength(1);
    const query = { query: "tea", ...alice };
    expect((await rig.call("POST", "/v1/memories/search/", query)).body).toEqual([]);
    expect((await rig.call("POST", "/v1/memories/search/", { ...query, ...pair })).body).toHaveLength(1);
  });
});

describe("a summary", () => {
  it("is a list with what the memories that pass say, and empty when they say nothing", async () => {
    const rig = await startRig();
    await remember(rig, "Likes tea", alice);
    await remember(rig, "Plays chess!", alice);
    await remember(rig, "Likes milk", { user_id: "bob" });
    const summary = (body: object) => rig.call("POST", "/v1/summary/", body);
    expect((await summary({ filters: alice })).body).toEqual([{ summary: "Plays chess! Likes tea." }]);
    expect((await summary({ filters: { AND: [alice] } })).body).toHaveLength(1);
    expect((await summary({ filters: { user_id: "nobody" } })).body).toEqual([]);
    expect(await summary({})).toMatchObject({ status: 400, body: { filters: ["This field is required."] } });
    expect((await summary({ filters: {} })).status).toBe(400);
  });
});
