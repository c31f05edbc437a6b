import { type AgentAccountRow, agentAccounts } from "./agent-accounts.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { nowMs } from "./clock.ts";
import { noticeText } from "./notice.ts";
import { newPerson } from "./people.ts";
import { randomId } from "./random-id.ts";
import { refusalDetail, refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { put } from "./table.ts";

const dayMs = 86_400_000;

/** Longest name that an agent can give itself (inferred). */
const callerLengthMax = 64;

/** An agent signs itself up, without an e-mail, and says what it is (Mem0's command line program; not in its OpenAPI file). */
export const agentSignUpResource: Resource = {
  routes: [
    { method: "POST", path: "/api/v1/auth/agent_mode/", isOpen: true, handle: signUp },
    { method: "PATCH", path: "/api/v1/auth/agent_mode/caller/", handle: nameCaller },
  ],
  tables: [agentAccounts],
};

/**
 * Makes a person without an e-mail of his own, with an organization, its `default-project` and a key. Doing it twice
 * makes two. Every caller has the same address here, so the bound of five a day and address is one of five a day.
 * @throws {Refusal} 403 beyond it, with the framework's own text and no `Retry-After` (a commit in Mem0's repository).
 */
function signUp(upstream: Upstream, call: Call): Answer {
  const fields = new BodyFields(call.body());
  const source = optionalText(fields, "source");
  const caller = optionalText(fields, "agent_caller");
  refuseTooMany(upstream);
  const slug = randomId("", 12).toLowerCase();
  const { person, puts } = newPerson(`${slug}@agents.mem0.invalid`);
  const atMs = nowMs();
  const account: AgentAccountRow = {
    api_key: person.apiKey,
    default_user_id: `agent-${slug}`,
    agent_caller: caller,
    source,
    claimed_ms: null,
    created_ms: atMs,
    updated_ms: atMs,
    inserted_ms: atMs,
    deleted_ms: null,
  };
  upstream.state.commit([...puts, put(agentAccounts, account)]);
  return json(200, {
    api_key: account.api_key,
    default_user_id: account.default_user_id,
    org_id: person.orgId,
    project_id: person.projectId,
    claim_command: "mem0 init --email <your-email>",
    mem0_notice: noticeText,
  });
}

/** Again overwrites (Mem0 docs, agent-signup). That others than unclaimed agents get a 400 is inferred. */
function nameCaller({ state }: Upstream, call: Call): Answer {
  const account = state.table(agentAccounts).get(call.caller.apiKey);
  if (account === undefined || account.claimed_ms !== null)
    throw refusalError(400, "This key is not an unclaimed agent mode key.");
  const caller = optionalText(new BodyFields(call.body()), "agent_caller");
  if (caller === null) throw refusalError(400, "agent_caller is required.");
  state.commit([put(agentAccounts, { ...account, agent_caller: caller, updated_ms: nowMs() })]);
  return json(200, { agent_caller: caller });
}

function refuseTooMany({ state }: Upstream): void {
  const { agentSignUpsPerDay } = state.switches;
  const midnightMs = Math.floor(nowMs() / dayMs) * dayMs;
  const today = state
    .table(agentAccounts)
    .all()
    .filter((account) => account.inserted_ms >= midnightMs);
  if (agentSignUpsPerDay === 0 || today.length < agentSignUpsPerDay) return;
  throw refusalDetail(403, "You do not have permission to perform this action.");
}

/** What cannot be is a 400 in the one envelope that Mem0's command line program reads. */
function optionalText(fields: BodyFields, name: string): string | null {
  const given = fields.raw(name) ?? "";
  if (typeof given !== "string") throw refusalError(400, `${name} must be a string.`);
  const text = given.trim();
  if ([...text].length > callerLengthMax) {
    throw refusalError(400, `${name} must have no more than ${callerLengthMax} characters.`);
  }
  return text === "" ? null : text;
}
