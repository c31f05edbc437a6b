import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { startRig } from "./rig.ts";

const nothing = {
  total_memories: 0,
  total_retrieval_events: 0,
  total_add_events: 0,
  total_api_retrieval_events: 0,
  total_retrieval_events_limit: 0,
  total_users_with_memories: 0,
  total_agents_with_memories: 0,
  total_runs_with_memories: 0,
  memories_per_user: 0,
  memories_per_agent: 0,
  memories_per_run: 0,
};

describe("stats", () => {
  it("are eleven whole numbers, zero in a fresh project", async () => {
    const rig = await startRig();
    const reply = await rig.call("GET", "/v1/stats/");
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual(nothing);
  });

  it("count the key's project: its living memories, who has them, and what was asked through its keys", async () => {
    const rig = await startRig({ switches: { quotaSearchMax: 100 } });
    await remember(rig, "I like tea");
    await remember(rig, "I like milk");
    await remember(rig, "I like rum");
    await remember(rig, "I like ale", { user_id: "bob", run_id: "r1" });
    const gone = await remember(rig, "I like gin", { agent_id: "bot" });
    await rig.call("DELETE", `/v1/memories/${gone}/`);
    await rig.call("POST", "/v3/memories/", { filters: { user_id: "alice" } });
    await rig.call("POST", "/v3/memories/search/", { query: "tea", filters: { user_id: "alice" } });
    expect((await rig.call("GET", "/v1/stats/")).body).toEqual({
      ...nothing,
      total_memories: 4,
      total_retrieval_events: 2,
      total_add_events: 5,
      total_api_retrieval_events: 2,
      total_retrieval_events_limit: 100,
      total_users_with_memories: 2,
      total_runs_with_memories: 1,
      memories_per_user: 2,
      memories_per_run: 1,
    });
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const sibling = rig.as(await rig.makeKey({ org_id, project_id }));
    const limit = { total_retrieval_events_limit: 100 };
    expect((await sibling.call("GET", "/v1/stats/")).body).toEqual({ ...nothing, ...limit });
  });
});
