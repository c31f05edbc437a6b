import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FeedbackKind, giveFeedback } from "../../src/mem0/feedback.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

function sent(index = 0): unknown {
  return JSON.parse(server.seen[index]?.body ?? "");
}

const memoryId = "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21";
const project = { orgId: "org_1", projectId: "proj_2" };

describe("giveFeedback", () => {
  test("posts the word and the reason, and answers what Mem0 knows now", async () => {
    server.answer(200, { id: "f1", feedback: "VERY_NEGATIVE", feedback_reason: "wrong city" });
    const input = { memoryId, feedback: "VERY_NEGATIVE", reason: "wrong city" } as const;
    expect(await giveFeedback(mem0, input, { project })).toEqual({
      feedbackId: "f1",
      feedback: "VERY_NEGATIVE",
      reason: "wrong city",
    });
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/v1/feedback/" });
    expect(sent()).toEqual({
      memory_id: memoryId,
      feedback: "VERY_NEGATIVE",
      feedback_reason: "wrong city",
      org_id: "org_1",
      project_id: "proj_2",
    });
  });

  test("takes feedback back by nulls, which are sent", async () => {
    server.answer(200, { id: "f1", feedback: null });
    expect(await giveFeedback(mem0, { memoryId, feedback: null, reason: null })).toEqual({
      feedbackId: "f1",
      feedback: null,
      reason: null,
    });
    expect(sent()).toEqual({ memory_id: memoryId, feedback: null, feedback_reason: null });
  });

  test.each([
    [404, { name: "Mem0Refused", status: 404 }],
    [500, { name: "Mem0Unanswered", status: 500 }],
  ])("fails for an unknown memory as Mem0 does: with %s", async (status, failure) => {
    server.answer(status, { error: "Memory not found!" });
    const giving = giveFeedback(mem0, { memoryId, feedback: "POSITIVE", reason: null });
    expect(await failureOf(giving)).toMatchObject(failure);
  });

  test.each([
    ["an id that is none", "memoryId", { memoryId: "m" }],
    // The type forbids it; what comes at run time need not keep to it.
    ["a word that is none", "feedback", { feedback: "GOOD" as FeedbackKind }],
    ["a blank reason", "reason", { reason: "" }],
  ])("refuses %s before anything is sent", async (_name, argument, changes) => {
    const giving = giveFeedback(mem0, { memoryId, feedback: "POSITIVE", reason: null, ...changes });
    expect(await failureOf(giving)).toMatchObject({ name: "InvalidArgument", argument });
    expect(server.seen).toEqual([]);
  });
});
