import { json } from "./answer.ts";
import type { Call, Caller } from "./call.ts";
import { readableMemories } from "./memory-reads.ts";
import type { MemoryRow, ScopeField } from "./memory-rows.ts";
import { type Meter, quotaOf, usedByProject } from "./quota.ts";
import type { Resource, Upstream } from "./resource.ts";
import { projects } from "./rows.ts";

/** `GET /v1/stats/`: eleven whole numbers (Mem0 OpenAPI). That they are the key's project's is inferred, and a switch. */
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
function statsOf(upstream: Upstream, { caller }: Call): object {
  const counted = countedProjects(upstream, caller);
  const memories = counted.flatMap((projectId) => readableMemories(upstream, projectId));
  const used = (meter: Meter, when: "period" | "ever"): number =>
    counted.reduce((sum, projectId) => sum + usedByProject(upstream, projectId, meter, when), 0);
  const retrievals = used("SEARCH", "period");
  const users = spread(memories, "user_id");
  const agents = spread(memories, "agent_id");
  const runs = spread(memories, "run_id");
  return {
    total_memories: memories.length,
    total_retrieval_events: retrievals,
    total_add_events: used("ADD", "ever"),
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

function countedProjects({ state }: Upstream, { orgId, projectId }: Caller): readonly string[] {
  if (state.switches.statsOf === "project") return [projectId];
  const living = state.table(projects).childrenOf(orgId);
  return living.filter(({ deleted_ms }) => deleted_ms === null).map(({ project_id }) => project_id);
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
