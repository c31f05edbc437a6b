import { beforeEach, describe, expect, it } from "vitest";
import { type Rig, startRig, until } from "./rig.ts";

const path = "/v3/memories/add/";
const hourMs = 3_600_000;
const uuid = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const alice = { user_id: "alice" };
const say = (content: unknown, role = "user"): object => ({ messages: [{ role, content }] });

interface Listed {
  readonly count: number;
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

async function list(rig: Rig, filters: object = alice, rest: object = {}): Promise<Listed> {
  const reply = await rig.call("POST", "/v3/memories/", { filters, ...rest });
  if (reply.status !== 200) throw new Error(reply.text);
  return reply.body as Listed;
}

async function texts(rig: Rig, filters?: object, rest?: object): Promise<readonly unknown[]> {
  return (await list(rig, filters, rest)).results.map(({ memory }) => memory);
}

async function addAndWait(rig: Rig, body: object): Promise<Readonly<Record<string, unknown>>> {
  const { event_id } = (await rig.call("POST", path, body)).body as { event_id: string };
  let event: Readonly<Record<string, unknown>> = {};
  await until(async () => {
    event = (await rig.call("GET", `/v1/event/${event_id}/`)).body as typeof event;
    return event["status"] === "SUCCEEDED" || event["status"] === "FAILED";
  });
  return event;
}

describe("adding memories", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig({ switches: { addDelayMs: 0 } });
  });

  it("is PENDING behind an event, whose results name every sentence that was no question", async () => {
    const body = { ...say("I moved to Austin. Where else? I like tea!"), ...alice, timestamp: 1_721_577_600 };
    const reply = await rig.call("POST", path, body);
    expect(reply).toMatchObject({ status: 200, body: { event_id: uuid, status: "PENDING" } });
    expect(reply.body).not.toHaveProperty("results");
    const event = await rig.call("GET", `/v1/event/${(reply.body as { event_id: string }).event_id}/`);
    expect(event.body).toEqual({
      id: (reply.body as { event_id: string }).event_id,
      event_type: "ADD",
      status: "SUCCEEDED",
      payload: { ...say("I moved to Austin. Where else? I like tea!"), ...alice },
      metadata: null,
      results: ["I moved to Austin.", "I like tea!"].map((memory) => ({
        id: uuid,
        event: "ADD",
        user_id: "alice",
        data: { memory },
        linked_memory_ids: [],
      })),
      created_at: expect.any(String),
      updated_at: expect.any(String),
      started_at: expect.any(String),
      completed_at: expect.any(String),
      latency: expect.any(Number),
      graph_status: null,
      error: null,
    });
    const { results } = await list(rig);
    expect(results.map(({ memory }) => memory)).toEqual(["I like tea!", "I moved to Austin."]);
    expect(Date.parse(String(results[1]?.["created_at"]))).toBe(1_721_577_600_000);
  });

  it("shows nothing before the event has completed: no memory, no entity, no history, no search", async () => {
    await rig.switches({ addDelayMs: hourMs });
    const { event_id } = (await rig.call("POST", path, { ...say("Alice likes tea."), ...alice })).body as {
      event_id: string;
    };
    const event = (): Promise<unknown> => rig.call("GET", `/v1/event/${event_id}/`).then(({ body }) => body);
    expect(await event()).toMatchObject({
      status: "PENDING",
      results: [],
      started_at: null,
      completed_at: null,
      latency: null,
    });
    expect(await list(rig)).toMatchObject({ count: 0, results: [] });
    const found = await rig.call("POST", "/v3/memories/search/", { query: "tea", filters: alice });
    expect(found.body).toEqual({ results: [] });
    expect((await rig.call("GET", "/v1/entities/")).body).toMatchObject({ count: 0, total_users: 0 });
    expect((await rig.call("GET", "/v1/memories/events/")).body).toMatchObject({ count: 0 });
    const [pending] = (await rig.tables()).memories;
    expect((await rig.call("GET", `/v1/memories/${pending?.memory_id}/`)).status).toBe(404);
  });

  it("goes from PENDING over RUNNING to SUCCEEDED", async () => {
    await rig.switches({ addDelayMs: 600 });
    const { event_id } = (await rig.call("POST", path, { ...say("Tea."), ...alice })).body as {
      event_id: string;
    };
    const seen = new Set<unknown>();
    await until(async () => {
      const { status } = (await rig.call("GET", `/v1/event/${event_id}/`)).body as { status: string };
      seen.add(status);
      return status === "SUCCEEDED";
    });
    expect([...seen]).toEqual(["PENDING", "RUNNING", "SUCCEEDED"]);
    expect(await texts(rig)).toEqual(["Tea."]);
  });

  it("that fails says so in its event and stores nothing", async () => {
    await rig.switches({ addOutcome: "fail" });
    const event = await addAndWait(rig, { ...say("Tea."), ...alice });
    expect(event).toMatchObject({ status: "FAILED", results: [], error: expect.stringContaining("failed") });
    expect(await texts(rig)).toEqual([]);
  });

  it("gives the user's facts to the user and the assistant's to the agent when both are named", async () => {
    const messages = [
      { role: "system", content: "Be kind." },
      { role: "user", content: "I like tea." },
      { role: "assistant", content: "I recommend Assam." },
    ];
    const ids = { user_id: "alice", agent_id: "bot", app_id: "app", run_id: "r1" };
    await rig.call("POST", path, { messages, ...ids, metadata: { a: 1 }, expiration_date: "2999-01-01" });
    const carried = { app_id: "app", session_id: "r1", metadata: { a: 1 }, expiration_date: "2999-01-01" };
    expect((await list(rig)).results).toMatchObject([
      { memory: "I like tea.", user_id: "alice", agent_id: null, ...carried },
    ]);
    expect((await list(rig, { agent_id: "bot" })).results).toMatchObject([
      { memory: "I recommend Assam.", user_id: null, agent_id: "bot", ...carried },
    ]);
    expect((await rig.call("GET", "/v1/entities/")).body).toMatchObject({
      total_users: 1,
      total_agents: 1,
      total_apps: 1,
      total_runs: 1,
    });
  });

  it("hears the assistant only when an agent is named", async () => {
    const messages = [{ role: "assistant", content: "I recommend Assam." }];
    expect(await addAndWait(rig, { messages, ...alice })).toMatchObject({ results: [] });
    await addAndWait(rig, { messages, agent_id: "bot" });
    expect(await texts(rig, { agent_id: "bot" })).toEqual(["I recommend Assam."]);
  });

  it("of the same fact twice succeeds with no results, in the same scope only", async () => {
    await addAndWait(rig, { ...say("Likes tea."), ...alice });
    expect(await addAndWait(rig, { ...say("likes  TEA"), ...alice })).toMatchObject({
      status: "SUCCEEDED",
      results: [],
    });
    await addAndWait(rig, { ...say("Likes tea."), user_id: "alice", run_id: "r" });
    expect(await texts(rig)).toHaveLength(2);
  });

  it("of a contradicting fact keeps both and marks the older as replaced; latest_only hides it", async () => {
    await addAndWait(rig, { ...say("Alice lives in Austin."), ...alice });
    const event = await addAndWait(rig, { ...say("Alice moved to Paris."), ...alice });
    const { results } = await list(rig);
    expect(results).toMatchObject([
      { memory: "Alice moved to Paris.", replaced_by: null },
      { memory: "Alice lives in Austin.", replaced_by: results[0]?.["id"] },
    ]);
    expect(event).toMatchObject({ results: [{ linked_memory_ids: [results[1]?.["id"]] }] });
    expect(await texts(rig, alice, { latest_only: true })).toEqual(["Alice moved to Paris."]);
    const deleted = await rig.call(
      "DELETE",
      `/v1/memories/${String(results[0]?.["id"])}/?delete_linked=true`,
    );
    expect(deleted.body).toEqual({ message: "Memory deleted successfully!", cascade_count: 1 });
    expect(await texts(rig)).toEqual([]);
  });
});

describe("importing memories", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("stores user and assistant messages as they stand, with all ids, at once", async () => {
    const messages = [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Do I like tea? I do. " },
      { role: "assistant", content: "Noted" },
      { role: "user", content: "Noted" },
    ];
    const reply = await rig.call("POST", path, { messages, user_id: "alice", agent_id: "bot", infer: false });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      message: "Memories stored successfully",
      status: "SUCCEEDED",
      event_id: uuid,
      results: [
        { id: uuid, data: { memory: "Do I like tea? I do. " }, event: "ADD" },
        { id: uuid, data: { memory: "Noted" }, event: "ADD" },
      ],
    });
    expect((await list(rig, { AND: [alice, { agent_id: "bot" }] })).count).toBe(2);
    const { event_id } = reply.body as { event_id: string };
    expect((await rig.call("GET", `/v1/event/${event_id}/`)).body).toMatchObject({ status: "SUCCEEDED" });
    const again = await rig.call("POST", path, { messages, user_id: "alice", agent_id: "bot", infer: false });
    expect(again.body).toMatchObject({ status: "SUCCEEDED", results: [] });
  });

  it("skips exact repeats only", async () => {
    await rig.call("POST", path, { ...say("Likes tea"), ...alice, infer: false });
    await rig.call("POST", path, { ...say("likes tea"), ...alice, infer: false });
    expect(await texts(rig)).toEqual(["likes tea", "Likes tea"]);
  });
});

describe("an add is refused", () => {
  const misshapen = {
    error: "400 Bad Request",
    details: { message: expect.stringContaining("Invalid input data.") },
  };

  it.each([
    ["without messages", alice, { messages: ["This field is required."] }],
    ["with no message", { messages: [], ...alice }, misshapen],
    ["with a message that is no object", { messages: ["tea"], ...alice }, misshapen],
    ["with an unknown role", { ...say("tea", "robot"), ...alice }, misshapen],
    [
      "with a blank message",
      {
        messages: [
          { role: "user", content: "tea" },
          { role: "user", content: "  " },
        ],
        ...alice,
      },
      { messages: [{}, { content: ["This field may not be blank."] }] },
    ],
    [
      "for nobody",
      say("tea"),
      { error: "At least one entity ID is required (user_id, agent_id, app_id, or run_id)." },
    ],
    ["for a blank user", { ...say("tea"), user_id: " " }, { user_id: ["This field may not be blank."] }],
    [
      "with metadata that is too long",
      { ...say("tea"), ...alice, metadata: { a: "x".repeat(2000) } },
      { metadata: ["Metadata size (2008 chars) exceeds the limit of 2000 chars."] },
    ],
    [
      "as an import of images",
      {
        ...say([{ type: "image_url", image_url: { url: "https://acme.test/a.png" } }]),
        ...alice,
        infer: false,
      },
      { error: "400 Bad Request" },
    ],
    [
      "with categories that are texts",
      { ...say("tea"), ...alice, custom_categories: [{ food: "eating" }, "travel"] },
      { custom_categories: { "1": ['Expected a dictionary of items but got type "str".'] } },
    ],
    [
      "with a day that does not exist",
      { ...say("tea"), ...alice, expiration_date: "2026-02-30" },
      { expiration_date: [expect.stringContaining("YYYY-MM-DD")] },
    ],
    ["with a wrong flag", { ...say("tea"), ...alice, infer: "no" }, { infer: ["Must be a valid boolean."] }],
  ])("%s, and nothing is stored", async (_what, body, refusal) => {
    const rig = await startRig();
    expect(await rig.call("POST", path, body)).toMatchObject({ status: 400, body: refusal });
    const { memories, events, entities } = await rig.tables();
    expect([...memories, ...events, ...entities]).toEqual([]);
  });

  it("for metadata by the length that the switch metadataSize says", async () => {
    const rig = await startRig();
    const metadata = { a: "ä".repeat(400) };
    const body = { ...say("tea"), ...alice, metadata };
    expect((await rig.call("POST", path, body)).status).toBe(200);
    await rig.switches({ metadataSize: "python" });
    expect(await rig.call("POST", path, body)).toMatchObject({
      status: 400,
      body: { metadata: ["Metadata size (2409 chars) exceeds the limit of 2000 chars."] },
    });
  });
});

describe("a memory belongs to", () => {
  it("the key's project, or the one whose ids are both in the body; one id alone and the query say nothing", async () => {
    const rig = await startRig();
    const { org_id, project_id } = await rig.ping();
    const project = await rig.createProject(org_id);
    const key = rig.as(await rig.makeKey({ org_id, project_id: project }));
    const add = (text: string, over: object, query = ""): Promise<unknown> =>
      rig.call("POST", `${path}${query}`, { ...say(text), ...alice, infer: false, ...over });
    await add("there", { org_id, project_id: project });
    await add("here", { project_id: project });
    await add("here too", {}, `?org_id=${org_id}&project_id=${project}`);
    expect(await texts(key)).toEqual(["there"]);
    expect(await texts(rig)).toEqual(["here too", "here"]);
    expect(await texts(rig, alice, { org_id, project_id: project })).toEqual(["there"]);
    expect(await texts(key, alice, { org_id, project_id })).toEqual(["here too", "here"]);
  });

  it("no project of another organization, and none that is gone", async () => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const eve = await rig.somebodyElse("eve@else.test");
    const theirs = await eve.ping();
    const gone = await rig.createProject(org_id);
    await rig.call("DELETE", rig.projectPath(org_id, gone));
    for (const pair of [
      { org_id: theirs.org_id, project_id: theirs.project_id },
      { org_id, project_id: theirs.project_id },
      { org_id, project_id: gone },
    ]) {
      const reply = await rig.call("POST", path, { ...say("tea"), ...alice, ...pair });
      expect(reply).toMatchObject({ status: 404, body: { message: "Organization or project not found" } });
    }
    expect((await rig.tables()).memories).toEqual([]);
  });

  it("its project to the end: deleting that takes memories, history, events and entities along", async () => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const project = await rig.createProject(org_id);
    const key = rig.as(await rig.makeKey({ org_id, project_id: project }));
    await key.call("POST", path, { ...say("tea"), ...alice, infer: false });
    await rig.call("POST", path, { ...say("mine"), ...alice, infer: false });
    await rig.call("DELETE", rig.projectPath(org_id, project));
    const { memories, history, events, entities } = await rig.tables();
    expect([memories, history, events, entities].map((rows) => rows.length)).toEqual([1, 1, 1, 1]);
    expect((await key.call("POST", "/v3/memories/", { filters: alice })).status).toBe(401);
    expect((await rig.tables("?deleted=true")).memories).toHaveLength(2);
  });
});
