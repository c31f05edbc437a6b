import { describe, expect, it } from "vitest";
import { invoke, mem0ai, rejection, remember, rowOf, rowsOf, startClient } from "./client.ts";

const schema = {
  title: "Person",
  type: "object",
  properties: {
    current_role: { type: "string", description: "job and employer" },
    shoe_size: { type: "integer", description: "size of shoes" },
    all_facts: { type: "array", items: { type: "string" } },
    nested_part: { type: "object", properties: { home_town: { type: "string", description: "lives in" } } },
  },
};
const filters = { user_id: "alice" };

describe("an export", () => {
  it("is a 404 until it is ready, then has the schema's keys, in camel case", async () => {
    const { rig, client } = await startClient({ switches: { exportDelayMs: 3_600_000 } });
    await remember(client, "Has the job of a nurse");
    await remember(client, "Wears shoes of size 38");
    await remember(client, "Lives in Rome");
    await remember(client, "Has a job in Oslo", { userId: "bob" });
    const order = { schema, filters, exportInstructions: "one person" };
    let ordered = await client.createMemoryExport(order);
    expect(ordered).toEqual({
      message: "Memory export request received. The export will be ready in a few seconds.",
      id: expect.any(String),
    });
    expect(await rowOf(rig, "exports", "export_id", ordered.id)).toMatchObject({
      schema,
      export_instructions: "one person",
    });
    const fetched = () => client.getMemoryExport({ memoryExportId: ordered.id });
    expect(await rejection(fetched())).toMatchObject({
      name: "MemoryNotFoundError",
      message: '{"error":"No memory export request found"}',
    });
    await rig.switches({ exportDelayMs: 0 });
    ordered = await client.createMemoryExport(order);
    const expected = {
      currentRole: "Has the job of a nurse",
      shoeSize: 38,
      allFacts: ["Lives in Rome", "Wears shoes of size 38", "Has the job of a nurse"],
      nestedPart: { homeTown: "Lives in Rome" },
    };
    expect(await fetched()).toEqual(expected);
    expect(await client.getMemoryExport({ filters })).toEqual(expected);
    expect(await client.getMemoryExport({ filters: { AND: [filters] } })).toEqual(expected);
    expect(await rejection(client.getMemoryExport({ filters: { user_id: "bob" } }))).toMatchObject({
      errorCode: "HTTP_404",
    });
  });

  it.each([
    [{ schema: {}, filters }, "Schema is required and must be a valid object"],
    [{ schema, filters: { AND: [{ created_at: { gte: "2020-01-01" } }] } }, "One of the filters"],
    [{ schema, filters: { user_id: "alice", userId: "alice" } }, "Top-level key"],
  ])("is refused: %j", async (order, words) => {
    const { rig, client } = await startClient();
    const error = await rejection(client.createMemoryExport(order));
    expect(error).toBeInstanceOf(mem0ai.ValidationError);
    expect(error.message).toContain(words);
    expect(await rowsOf(rig, "exports")).toEqual([]);
  });
});

describe("feedback", () => {
  it("is given, given anew, and taken back", async () => {
    const { rig, client } = await startClient();
    const memoryId = await remember(client, "Likes chess");
    const { Feedback } = mem0ai;
    const given = await client.feedback({ memoryId, feedback: Feedback.POSITIVE, feedbackReason: "true" });
    expect(given).toEqual({ id: expect.any(String), feedback: "POSITIVE", feedbackReason: "true" });
    expect(await rowOf(rig, "feedback", "memory_id", memoryId)).toMatchObject({
      feedback_id: Reflect.get(given, "id"),
      feedback: "POSITIVE",
      feedback_reason: "true",
    });
    const anew = await client.feedback({ memoryId, feedback: Feedback.VERY_NEGATIVE });
    expect(anew).toEqual({ id: Reflect.get(given, "id"), feedback: "VERY_NEGATIVE", feedbackReason: null });
    await client.feedback({ memoryId, feedback: null, feedbackReason: null });
    expect(await rowsOf(rig, "feedback")).toEqual([]);
  });

  it("is one of three words, of an id that is one", async () => {
    const { client } = await startClient();
    const memoryId = await remember(client, "Likes chess");
    const wrong = await rejection(invoke(client, "feedback", [{ memoryId, feedback: "GREAT" }]));
    expect(wrong).toMatchObject({
      name: "ValidationError",
      message: '{"feedback":["\\"GREAT\\" is not a valid choice."]}',
    });
    const none = await rejection(invoke(client, "feedback", [{ memoryId: "m", feedback: "POSITIVE" }]));
    expect(none).toMatchObject({ name: "ValidationError", message: '{"error":"Invalid memory_id"}' });
  });
});
