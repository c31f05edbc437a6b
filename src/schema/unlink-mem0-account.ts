import { z } from "zod";
import { unlinkMem0Account } from "../memory-access/link-account.ts";
import { AccountInUse, AccountNotFound } from "../tenants/account-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { builder } from "./builder.ts";
import { accountIdOf, accountPayload } from "./mem0-account.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({ reason: reasonSchema.default(noReasonGiven) });

const UnlinkMem0AccountInput = builder.inputType("UnlinkMem0AccountInput", {
  fields: (t) => ({
    id: t.globalID({ required: true }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const payload = accountPayload("UnlinkMem0AccountPayload", "The account's key was forgotten.");

builder.mutationField("unlinkMem0Account", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Forgets the API key of a customer's own account, for good. In Mem0 it stays valid: the customer revokes it there. Refused " +
      "while a tenant that is not closed is on it. A repeat answers the same. Audited.",
    errors: {
      types: [InvalidInput, AccountNotFound, AccountInUse],
      union: { name: "UnlinkMem0AccountResult" },
    },
    args: { input: t.arg({ type: UnlinkMem0AccountInput, required: true }) },
    resolve: async (_root, { input }, { projectKeys, caller }) => {
      const { reason } = parseInput(inputSchema, { reason: input.reason });
      return unlinkMem0Account(projectKeys, { id: accountIdOf(input.id), reason, actor: caller.actor });
    },
  }),
);
