import { agentAccounts } from "../agent-accounts.ts";
import { emailCodes } from "../email-codes.ts";
import type { ControlRoute } from "./control-route.ts";

/** What signing up leaves behind that no route of the real service shows: the codes in people's mail, and who is an agent. */
export const signUpRoutes: readonly ControlRoute[] = [
  {
    method: "GET",
    path: "/_emulator/email-codes",
    handle: ({ state }) => ({
      codes: state
        .table(emailCodes)
        .all()
        .filter((row) => row.deleted_ms === null)
        .map(({ email, code }) => ({ email, code })),
    }),
  },
  {
    method: "GET",
    path: "/_emulator/agent-accounts",
    handle: ({ state }) => ({
      accounts: state
        .table(agentAccounts)
        .all()
        .map(({ api_key, default_user_id, agent_caller, source, claimed_ms }) => ({
          api_key,
          default_user_id,
          agent_caller,
          source,
          is_claimed: claimed_ms !== null,
        })),
    }),
  },
];
