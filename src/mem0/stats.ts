import { z } from "zod";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";

/** What Mem0 counts in a project. Null where it does not say. */
export interface Stats {
  readonly totalMemories: number | null;
  readonly totalRetrievalEvents: number | null;
  readonly totalAddEvents: number | null;
  readonly totalApiRetrievalEvents: number | null;
  /** How many retrievals the plan allows: the only documented sight of the quota. */
  readonly totalRetrievalEventsLimit: number | null;
  readonly totalUsersWithMemories: number | null;
  readonly totalAgentsWithMemories: number | null;
  readonly totalRunsWithMemories: number | null;
  readonly memoriesPerUser: number | null;
  readonly memoriesPerAgent: number | null;
  readonly memoriesPerRun: number | null;
}

// Whole by the OpenAPI document; averages would not be, so parts are taken too.
const optionalCount = z
  .number()
  .nullish()
  .transform((count) => count ?? null);

const statsAnswer: z.ZodType<Stats> = z
  .object({
    total_memories: optionalCount,
    total_retrieval_events: optionalCount,
    total_add_events: optionalCount,
    total_api_retrieval_events: optionalCount,
    total_retrieval_events_limit: optionalCount,
    total_users_with_memories: optionalCount,
    total_agents_with_memories: optionalCount,
    total_runs_with_memories: optionalCount,
    memories_per_user: optionalCount,
    memories_per_agent: optionalCount,
    memories_per_run: optionalCount,
  })
  .refine((wire) => Object.values(wire).some((count) => count !== null), "no count is in it")
  .transform((wire) => ({
    totalMemories: wire.total_memories,
    totalRetrievalEvents: wire.total_retrieval_events,
    totalAddEvents: wire.total_add_events,
    totalApiRetrievalEvents: wire.total_api_retrieval_events,
    totalRetrievalEventsLimit: wire.total_retrieval_events_limit,
    totalUsersWithMemories: wire.total_users_with_memories,
    totalAgentsWithMemories: wire.total_agents_with_memories,
    totalRunsWithMemories: wire.total_runs_with_memories,
    memoriesPerUser: wire.memories_per_user,
    memoriesPerAgent: wire.memories_per_agent,
    memoriesPerRun: wire.memories_per_run,
  }));

/**
 * The counts of the key's project. `GET /v1/stats/`.
 *
 * @throws {Mem0Refused | Mem0Limited | Mem0Unanswered}
 */
export async function getStats(mem0: Mem0, options?: CallOptions): Promise<Stats> {
  return mem0.send({ method: "GET", path: mem0Path("/v1/stats/", {}), answer: statsAnswer, options });
}
