import { json } from "./answer.ts";
import type { Call } from "./call.ts";
import { readableMemories } from "./memory-reads.ts";
import type { MemoryRow, ScopeField } from "./memory-rows.ts";
import { quotaOf, usedByProject } from "./quota.ts";
import type { Resource, Upstream } from "./resource.ts";

/** `GET /v1/stats/`: eleven whole numbers (Mem0 OpenAPI). That they are the key's project's is inferred. */
export const statsResource: Resource = {
  routes: [
    {
      method: "GET",
      path: "/v1/stats/",
      handle: (upstream, call) => json(200, statsOf(upstream, call)),
    },
  ],
  tables: [],
};

/** Retrievals are those of this billing period, because their limit stands beside them (inferred); adds are all. */
function statsOf(upstream: Upstream, { caller: { projectId } }: Call): object {
  const memories = readableMemories(upstream, projectId);
  const retrievals = usedByProject(upstream, projectId, "SEARCH", "period");
  const users = spread(memories, "user_id");
  const agents = spread(memories, "agent_id");
  const runs = spread(memories, "run_id");
  return {
    total_memories: memories.length,
    total_retrieval_events: retrievals,
    total_add_events: usedByProject(upstream, projectId, "ADD", "ever"),
    // There is no dashboard here that could retrieve anything: every retrieval came over the API.
    total_api_retrieval_events: retrievals,
    total_retrieval_events_limit: quotaOf(upstream, "SEARCH"),
    total_users_with_memories: users.holders,
    total_agents_with_memories: agents.holders,
    total_runs_with_memories: runs.holders,
    memories_per_user: users.each,
    memories_per_agent: agents.each,
    memories_per_run: runs.each,
  };
}

/** How many users (agents, runs) have memories, and how many each has: the mean, rounded (inferred). */
function spread(
  memories: readonly MemoryRow[],
  field: ScopeField,
): { readonly holders: number; readonly each: number } {
  const held = memories.filter((memory) => memory[field] !== null);
  const holders = new Set(held.map((memory) => memory[field])).size;
  return { holders, each: holders === 0 ? 0 : Math.round(held.length / holders) };
}
