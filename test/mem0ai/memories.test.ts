import { describe, expect, it } from "vitest";
import { until } from "../emulator/rig.ts";
import { listed, remember, rowOf, rowsOf, startClient, untilListed } from "./client.ts";

const ofAlice = { filters: { user_id: "alice" } };

function says(...contents: readonly string[]): { role: "user"; content: string }[] {
  return contents.map((content) => ({ role: "user", content }));
}

describe("what is added to be extracted", () => {
  it("is PENDING, and neither listed nor found until it is done", async () => {
    const { rig, client } = await startClient({ switches: { addDelayMs: 3_600_000 } });
    const added = await client.add(says("I love playing tennis."), { userId: "alice", runId: "run" });
    expect(added).toEqual({ eventId: expect.any(String), status: "PENDING" });
    expect(await listed(client)).toEqual([]);
    expect((await client.search("tennis", ofAlice)).results).toEqual([]);
    expect((await client.users()).results).toEqual([]);
    expect(await rowOf(rig, "events", "event_id", Reflect.get(added, "eventId"))).toMatchObject({
      event_type: "ADD",
      status: expect.stringMatching(/^(PENDING|RUNNING)$/),
      payload: { user_id: "alice", run_id: "run" },
    });
  });

  it("is then listed and found, in camel case, as the tables have it", async () => {
    const { rig, client } = await startClient();
    const options = { userId: "alice", appId: "app", runId: "run", expirationDate: "2099-01-31" };
    const added = await client.add(says("I love playing tennis. Do you?"), {
      ...options,
      metadata: { source_note: "call", nestedKey: { a_b: 1 } },
    });
    await untilListed(client, 1);
    const [memory] = (await client.getAll(ofAlice)).results;
    const row = await rowOf(rig, "memories", "memory_id", memory?.id);
    expect(memory).toEqual({
      id: row["memory_id"],
      memory: "I love playing tennis.",
      userId: "alice",
      agentId: null,
      appId: "app",
      sessionId: "run",
      metadata: { source_note: "call", nestedKey: { a_b: 1 } },
      categories: row["categories"],
      createdAt: row["created_at"],
      updatedAt: row["updated_at"],
      expirationDate: "2099-01-31",
      replacedBy: null,
      synthesized: false,
      structuredAttributes: expect.objectContaining({
        dayOfWeek: expect.any(String),
        isWeekend: expect.any(Boolean),
      }),
    });
    expect(memory?.categories).toContain("sports");
    const [found] = (await client.search("tennis", ofAlice)).results;
    expect(found).toMatchObject({
      id: memory?.id,
      memory: memory?.memory,
      runId: "run",
      metadata: row["metadata"],
    });
    expect(found).not.toHaveProperty("sessionId");
    expect(found?.score).toBeGreaterThan(0);
    expect(found?.score).toBeLessThanOrEqual(1);
    const event = await rowOf(rig, "events", "event_id", Reflect.get(added, "eventId"));
    expect(event).toMatchObject({ status: "SUCCEEDED", results: [{ id: memory?.id, event: "ADD" }] });
  });

  it("is stored once when it is said twice, and superseded when it is contradicted", async () => {
    const { rig, client } = await startClient();
    await client.add(says("I live in Berlin."), { userId: "alice" });
    await untilListed(client, 1);
    const again = await client.add(says("I live in Berlin!"), { userId: "alice" });
    await until(async () => {
      const { status } = await rowOf(rig, "events", "event_id", Reflect.get(again, "eventId"));
      return status === "SUCCEEDED";
    });
    expect(await rowOf(rig, "events", "event_id", Reflect.get(again, "eventId"))).toMatchObject({
      results: [],
    });
    expect(await listed(client)).toEqual(["I live in Berlin."]);
    await client.add(says("I live in Munich."), { userId: "alice" });
    await untilListed(client, 2);
    expect(await listed(client)).toEqual(["I live in Munich.", "I live in Berlin."]);
    expect(await listed(client, "alice", { latestOnly: true })).toEqual(["I live in Munich."]);
    const found = await client.search("where do I live", { ...ofAlice, latestOnly: true });
    expect(found.results.map(({ memory }) => memory)).toEqual(["I live in Munich."]);
    const [munich, berlin] = (await client.getAll(ofAlice)).results;
    expect(berlin).toMatchObject({ replacedBy: munich?.id });
    expect(await client.get(berlin?.id ?? "")).toMatchObject({
      replacedBy: munich?.id,
      lifecycleState: "superseded",
    });
    // Deleting the newer one with what it superseded takes both.
    expect(await client.delete(munich?.id ?? "", { deleteLinked: true })).toEqual({
      message: "Memory deleted successfully!",
      cascadeCount: 1,
    });
    expect(await rowsOf(rig, "memories")).toEqual([]);
  });

  it.each([
    ["I live in Berlin.", "I recently moved to Munich."],
    ["I'm based in Berlin.", "I've moved from Berlin to Munich."],
    ["Alice lives in Berlin.", "Alice is now living in Munich."],
    ["I work at Acme.", "I now work for Initech."],
    ["I work as a nurse.", "I'm working as a doctor."],
    ["I am 30 years old.", "I'm 31 years old."],
    ["My favourite food is pizza.", "My favorite food is sushi now."],
    ["My name is Ann.", "My name is Anna."],
    ["I like coffee.", "I don't like coffee anymore."],
    ["I love coffee.", "I hate coffee!"],
    ["Alice enjoys tea.", "Alice no longer enjoys tea."],
  ])("replaces what it contradicts: %s / %s", async (older, newer) => {
    const { client } = await startClient();
    await client.add(says(older), { userId: "alice" });
    await client.add(says(newer), { userId: "alice" });
    await untilListed(client, 2);
    expect(await listed(client, "alice", { latestOnly: true })).toEqual([newer]);
  });

  it.each([
    ["I like coffee.", "I like tea."],
    ["I live in Berlin.", "I work in Munich."],
    ["I live in Berlin.", "My brother lives in Munich."],
    ["My favorite food is pizza.", "My favorite color is red."],
    ["I am vegetarian.", "I am 31 years old."],
    ["I used to live in Berlin.", "I live in Munich."],
  ])("leaves what it does not contradict: %s / %s", async (older, newer) => {
    const { client } = await startClient();
    await client.add(says(older, newer), { userId: "alice" });
    await untilListed(client, 2);
    expect(await listed(client, "alice", { latestOnly: true })).toHaveLength(2);
  });

  it("belongs to the user or to the agent, by who said it", async () => {
    const { client } = await startClient();
    const messages = [
      { role: "user" as const, content: "I play the piano." },
      { role: "assistant" as const, content: "I recommend Bach." },
    ];
    await client.add(messages, { userId: "alice", agentId: "tutor" });
    await untilListed(client, 1);
    const { results } = await client.getAll({
      filters: { OR: [{ user_id: "alice" }, { agent_id: "tutor" }] },
    });
    expect(results.map(({ memory, userId, agentId }) => ({ memory, userId, agentId }))).toEqual([
      { memory: "I recommend Bach.", userId: null, agentId: "tutor" },
      { memory: "I play the piano.", userId: "alice", agentId: null },
    ]);
  });
});

describe("what is added verbatim", () => {
  it("is answered at once, backdated, and dropped when it is there already or a system's word", async () => {
    const { rig, client } = await startClient();
    const messages = [
      { role: "user", content: "Alice loves badminton" },
      { role: "assistant", content: "Noted" },
    ] as const;
    const system = JSON.parse('[{ "role": "system", "content": "Be brief" }]') as never[];
    const options = { userId: "alice", agentId: "a", infer: false, timestamp: 1_721_577_600 };
    const added = await client.add([...system, ...messages], options);
    const rows = await rowsOf(rig, "memories");
    expect(added).toEqual({
      message: "Memories stored successfully",
      status: "SUCCEEDED",
      eventId: rows[0]?.["event_id"],
      results: rows.map(({ memory_id, memory }) => ({ id: memory_id, data: { memory }, event: "ADD" })),
    });
    expect(rows.map(({ memory, user_id, agent_id }) => [memory, user_id, agent_id])).toEqual([
      ["Alice loves badminton", "alice", "a"],
      ["Noted", "alice", "a"],
    ]);
    const memory = await client.get(String(rows[0]?.["memory_id"]));
    expect(Date.parse(String(memory.createdAt))).toBe(1_721_577_600_000);
    expect(await client.add([...messages], options)).toMatchObject({ results: [] });
  });
});

describe("one memory", () => {
  it("is read, updated, cleared of its date, deleted, and leaves its history", async () => {
    const { rig, client } = await startClient();
    const memoryId = await remember(client, "Likes cats", { userId: "alice", metadata: { a_b: 1 } });
    const updated = await client.update(memoryId, {
      text: "Likes dogs",
      metadata: { cD: [1] },
      expirationDate: "2099-12-31",
      timestamp: "2026-01-02T03:04:05Z",
    });
    expect(updated).toMatchObject({
      id: memoryId,
      memory: "Likes dogs",
      metadata: { cD: [1] },
      userId: "alice",
    });
    expect(updated).toMatchObject({ expirationDate: "2099-12-31" });
    expect(await client.get(memoryId)).toEqual(updated);
    expect(Date.parse(String((await client.get(memoryId)).createdAt))).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(await rowOf(rig, "memories", "memory_id", memoryId)).toMatchObject({
      memory: "Likes dogs",
      metadata: { cD: [1] },
      expiration_date: "2099-12-31",
    });
    expect(await client.update(memoryId, { expirationDate: null })).toMatchObject({ expirationDate: null });
    expect(await client.delete(memoryId)).toEqual({ message: "Memory deleted successfully!" });
    await expect(client.get(memoryId)).rejects.toThrow('{"error":"Memory not found!"}');
    await expect(client.delete(memoryId)).rejects.toThrow('{"error":"Memory not found!"}');
    const history = await client.history(memoryId);
    expect(history.map(({ event, oldMemory, newMemory }) => [event, oldMemory, newMemory])).toEqual([
      ["ADD", null, "Likes cats"],
      ["UPDATE", "Likes cats", "Likes dogs"],
      ["UPDATE", "Likes dogs", "Likes dogs"],
      ["DELETE", "Likes dogs", null],
    ]);
    expect(history[0]).toMatchObject({
      memoryId,
      userId: "alice",
      input: [{ role: "user", content: "Likes cats" }],
      metadata: { a_b: 1 },
      createdAt: expect.any(String),
    });
    expect(history.map(({ id }) => id)).toEqual(
      (await rowsOf(rig, "history")).map((row) => row["history_id"]),
    );
  });

  it("that has expired is hidden unless asked for, and read by its id", async () => {
    const { client } = await startClient();
    const memoryId = await remember(client, "Has a cold", { userId: "alice", expirationDate: "2020-01-31" });
    expect(await listed(client)).toEqual([]);
    expect(await listed(client, "alice", { showExpired: true })).toEqual(["Has a cold"]);
    expect((await client.search("cold", ofAlice)).results).toEqual([]);
    const options = { ...ofAlice, referenceDate: "2020-01-15" };
    expect((await client.search("cold", options)).results).toHaveLength(1);
    expect((await client.search("cold", { ...ofAlice, showExpired: true })).results).toHaveLength(1);
    expect(await client.get(memoryId)).toMatchObject({ memory: "Has a cold", expirationDate: "2020-01-31" });
  });
});

describe("several memories at once", () => {
  it("are updated and deleted, and the message counts those that were", async () => {
    const { rig, client } = await startClient();
    const first = await remember(client, "Likes tea");
    const second = await remember(client, "Likes coffee");
    const nobodys = "00000000-0000-4000-8000-000000000000";
    const changes = [first, second, nobodys].map((memoryId) => ({ memoryId, text: `now ${memoryId}` }));
    expect(await client.batchUpdate(changes)).toEqual({ message: "Successfully updated 2 memories" });
    expect((await rowsOf(rig, "memories")).map(({ memory }) => memory)).toEqual([
      `now ${first}`,
      `now ${second}`,
    ]);
    expect(await client.batchDelete([first, nobodys])).toEqual({
      message: "Successfully deleted 1 memories",
    });
    expect(await listed(client)).toEqual([`now ${second}`]);
    expect((await client.history(first)).map(({ event }) => event)).toEqual(["ADD", "UPDATE", "DELETE"]);
  });

  it("are as many as a thousand, and not one more", async () => {
    const { rig, client } = await startClient();
    const messages = says(...Array.from({ length: 1000 }, (_, index) => `Has read page ${index}`));
    await client.add(messages, { userId: "alice", infer: false });
    const ids = (await rowsOf(rig, "memories")).map(({ memory_id }) => String(memory_id));
    expect(ids).toHaveLength(1000);
    const changes = ids.map((memoryId, index) => ({ memoryId, text: `Has forgotten page ${index}` }));
    expect(await client.batchUpdate(changes)).toEqual({ message: "Successfully updated 1000 memories" });
    expect((await client.getAll({ ...ofAlice, pageSize: 200 })).results.at(-1)).toMatchObject({
      memory: expect.stringMatching(/^Has forgotten page /),
    });
    await expect(client.batchUpdate([...changes, ...changes.slice(0, 1)])).rejects.toThrow(
      "Maximum of 1000 memories can be updated in a single request",
    );
    expect(await client.batchDelete(ids)).toEqual({ message: "Successfully deleted 1000 memories" });
    expect(await client.getAll(ofAlice)).toMatchObject({ count: 0, results: [] });
  });

  it("come in pages, each with the way to the next", async () => {
    const { rig, client } = await startClient();
    for (const text of ["one", "two", "three", "four", "five"]) await remember(client, text);
    const page = (number: number) => client.getAll({ ...ofAlice, page: number, pageSize: 2 });
    const pages = [await page(1), await page(2), await page(3)];
    expect(pages.flatMap(({ results }) => results.map(({ memory }) => memory))).toEqual([
      "five",
      "four",
      "three",
      "two",
      "one",
    ]);
    expect(pages.map(({ count }) => count)).toEqual([5, 5, 5]);
    expect(pages[0]).toMatchObject({ next: `${rig.url}/v3/memories/?page=2&page_size=2`, previous: null });
    expect(pages[2]).toMatchObject({ next: null, previous: `${rig.url}/v3/memories/?page=2&page_size=2` });
    await expect(page(4)).rejects.toThrow('{"detail":"Invalid page."}');
  });
});
