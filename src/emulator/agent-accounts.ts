import type { Caller } from "./call.ts";
import type { NoticePlace } from "./notice.ts";
import type { Upstream } from "./resource.ts";
import type { Row, TableDefinition } from "./table.ts";

/** An account that an agent made for itself, without an e-mail; a person may claim it later. */
export interface AgentAccountRow extends Row {
  /** Stays the same when the account is claimed (Mem0's command line program). */
  readonly api_key: string;
  /** The user id that the agent's memories belong to unless it names another. */
  readonly default_user_id: string;
  /** What the agent calls itself; null until it says so. */
  readonly agent_caller: string | null;
  /** Where the sign-up came from, as the agent says. */
  readonly source: string | null;
  readonly claimed_ms: number | null;
}

/** Accounts of agents, by their key. */
export const agentAccounts: TableDefinition<AgentAccountRow> = {
  name: "agent_accounts",
  idOf: (row) => row.api_key,
};

/**
 * Where successful answers to this caller carry the notice: where the switch for everybody says; without it, unclaimed
 * accounts of agents have it where their own switch says.
 */
export function noticePlaceFor({ state }: Upstream, { apiKey }: Caller): NoticePlace {
  const { mem0Notice, agentNotice } = state.switches;
  if (mem0Notice !== "none") return mem0Notice;
  return state.table(agentAccounts).get(apiKey)?.claimed_ms === null ? agentNotice : "none";
}
