import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Mem0 } from "../../src/mem0/request.ts";
import { getStats } from "../../src/mem0/stats.ts";
import { openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

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

describe("getStats", () => {
  test("answers what Mem0 counts, and null for what it does not say", async () => {
    server.answer(200, {
      total_memories: 7,
      total_retrieval_events: 6,
      total_add_events: 5,
      total_api_retrieval_events: 4,
      total_retrieval_events_limit: 1000,
      total_users_with_memories: 3,
      total_agents_with_memories: 2,
      total_runs_with_memories: null,
      memories_per_user: 2.5,
    });
    expect(await getStats(mem0)).toEqual({
      totalMemories: 7,
      totalRetrievalEvents: 6,
      totalAddEvents: 5,
      totalApiRetrievalEvents: 4,
      totalRetrievalEventsLimit: 1000,
      totalUsersWithMemories: 3,
      totalAgentsWithMemories: 2,
      totalRunsWithMemories: null,
      memoriesPerUser: 2.5,
      memoriesPerAgent: null,
      memoriesPerRun: null,
    });
    expect(server.seen[0]).toMatchObject({ method: "GET", url: "/v1/stats/", body: "" });
  });
});
