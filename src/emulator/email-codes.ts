import { randomInt } from "node:crypto";
import { agentAccounts } from "./agent-accounts.ts";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { formatDate, nowMs } from "./clock.ts";
import { newPerson, renamed } from "./people.ts";
import { Refusal, refusalError } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { type KeyRow, keys, users } from "./rows.ts";
import { put, type Row, type TableDefinition } from "./table.ts";
import { registration } from "./users.ts";

/** How long a code is good, and how many wrong ones may be tried on it (both inferred). */
const lifetimeMs = 15 * 60_000;
const wrongTriesMax = 5;

/** The code that was sent to an e-mail last. Using it deletes it. */
export interface EmailCodeRow extends Row {
  readonly email: string;
  /** Six digits (Mem0's command line program). */
  readonly code: string;
  readonly wrong_tries: number;
}

/** Codes, by e-mail in lower case: a newer one replaces the older. */
export const emailCodes: TableDefinition<EmailCodeRow> = {
  name: "email_codes",
  idOf: (row) => row.email.toLowerCase(),
};

/**
 * Signing in by e-mail, and claiming an agent's account with it (Mem0's command line program; not in its OpenAPI file). No
 * mail is sent: the control plane shows the code.
 */
export const emailCodeResource: Resource = {
  routes: [
    { method: "POST", path: "/api/v1/auth/email_code/", isOpen: true, handle: sendCode },
    { method: "POST", path: "/api/v1/auth/email_code/verify/", isOpen: true, handle: verifyCode },
  ],
  tables: [emailCodes],
};

/** Repeating it makes another code, and the older one worthless. */
function sendCode({ state }: Upstream, call: Call): Answer {
  const email = readEmail(call.body());
  const atMs = nowMs();
  const code = String(randomInt(0, 1_000_000)).padStart(6, "0");
  const times = { created_ms: atMs, updated_ms: atMs, inserted_ms: atMs, deleted_ms: null };
  state.commit([put(emailCodes, { email, code, wrong_tries: 0, ...times })]);
  return json(200, { message: "Verification code sent." });
}

/**
 * With `agent_mode_api_key` the agent's account becomes this person's, its key unchanged; without, the person gets a key of
 * his own, and is registered if need be.
 * @throws {Refusal} 400 for a wrong or expired code, 429 after five wrong ones, 409 `email_already_claimed` when an account
 *   is claimed for a person who has one (the code is in Mem0's command line program, the statuses are inferred).
 */
function verifyCode(upstream: Upstream, call: Call): Answer {
  const body = call.body();
  const email = readEmail(body);
  const spent = useCode(upstream, email, body["code"]);
  const agentKey = body["agent_mode_api_key"] ?? null;
  if (agentKey === null) return signIn(upstream, email, spent);
  const account =
    typeof agentKey === "string" ? upstream.state.table(agentAccounts).get(agentKey) : undefined;
  const key = account && upstream.state.table(keys).get(account.api_key);
  const user = key && upstream.state.table(users).get(key.email.toLowerCase());
  if (key === undefined || user === undefined || account?.claimed_ms !== null) {
    throw refusal(400, "This key is not an unclaimed agent mode key.", "invalid_agent_key");
  }
  if (upstream.state.table(users).get(email.toLowerCase()) !== undefined) {
    throw refusal(409, "This email already has a Mem0 account.", "email_already_claimed");
  }
  const atMs = nowMs();
  const claimed = { ...account, claimed_ms: atMs, updated_ms: atMs };
  upstream.state.commit([
    put(emailCodes, spent),
    ...renamed(upstream, user, email),
    put(agentAccounts, claimed),
  ]);
  const claimedAt = formatDate(atMs, upstream.state.switches.dates);
  return json(200, { claimed: true, claimed_at: claimedAt, ...keyObject(key) });
}

/** Who is registered keeps his oldest living key; who has no place of his own gets one (which key it is, is inferred). */
function signIn(upstream: Upstream, email: string, spent: EmailCodeRow): Answer {
  const { state } = upstream;
  const own = state
    .table(keys)
    .all()
    .find((key) => key.deleted_ms === null && key.email.toLowerCase() === email.toLowerCase());
  if (own !== undefined) {
    state.commit([put(emailCodes, spent)]);
    return json(200, keyObject(own));
  }
  const known = state.table(users).get(email.toLowerCase());
  const invited = known === undefined ? registration(upstream, email) : [];
  const { person, puts } = newPerson(email);
  const others = known === undefined ? puts : puts.filter(({ table }) => table !== users.name);
  // Memberships that waited for him come before his own place; his row is the last one written of the two.
  state.commit([put(emailCodes, spent), ...invited, ...others]);
  return json(200, { api_key: person.apiKey, org_id: person.orgId, project_id: person.projectId });
}

/** The code as used up. @throws {Refusal} as `verifyCode`; a wrong try is counted. */
function useCode({ state }: Upstream, email: string, given: unknown): EmailCodeRow {
  const sent = state.table(emailCodes).get(email.toLowerCase());
  const atMs = nowMs();
  if (sent === undefined || atMs >= sent.created_ms + lifetimeMs) throw wrongCode();
  if (sent.wrong_tries >= wrongTriesMax) {
    throw refusal(429, "Too many attempts. Request a new code.", "too_many_attempts");
  }
  if (typeof given !== "string" || given.trim() !== sent.code) {
    state.commit([put(emailCodes, { ...sent, wrong_tries: sent.wrong_tries + 1, updated_ms: atMs })]);
    throw wrongCode();
  }
  return { ...sent, deleted_ms: atMs };
}

function keyObject({ api_key, org_id, project_id }: KeyRow): object {
  return { api_key, org_id, project_id };
}

function readEmail({ email }: Readonly<Record<string, unknown>>): string {
  const text = typeof email === "string" ? email.trim() : "";
  if (!/^[^\s@]+@[^\s@]+$/.test(text)) throw refusalError(400, "Enter a valid email address.");
  return text;
}

function wrongCode(): Refusal {
  return refusal(400, "Invalid or expired code.", "invalid_code");
}

function refusal(status: number, error: string, code: string): Refusal {
  return new Refusal(json(status, { error, code }));
}
