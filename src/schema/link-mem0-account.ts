import { z } from "zod";
import { linkMem0Account } from "../memory-access/link-account.ts";
import { Secret } from "../memory-access/secret.ts";
import { AccountNotLinkable } from "../tenants/account-refusals.ts";
import { EncryptionKeyMissing, ProjectKeyInvalid } from "../tenants/key-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { displayNameSchema } from "../tenants/place.ts";
import { apiKeySchema } from "./api-key.ts";
import { builder } from "./builder.ts";
import { accountPayload } from "./mem0-account.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { parseInput } from "./parse-input.ts";

const inputSchema = z.object({
  apiKey: apiKeySchema,
  label: displayNameSchema,
  reason: reasonSchema.default(noReasonGiven),
});

const LinkMem0AccountInput = builder.inputType("LinkMem0AccountInput", {
  fields: (t) => ({
    apiKey: t.string({
      required: true,
      description: "A Mem0 API key that the customer made in an account of his own. Send it as a variable.",
    }),
    label: t.string({ required: true, description: "What people call the account." }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const payload = accountPayload(
  "LinkMem0AccountPayload",
  "The account is linked: its key is proved and sealed, and its organization and project are known.",
);

builder.mutationField("linkMem0Account", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Links a customer's own Mem0 account by its API key. Mem0 is asked whose it is, and for its organization and project. The " +
      "same key again is the same account, proved again; another key of the same project replaces the account's key. Audited.",
    errors: {
      types: [AccountNotLinkable, EncryptionKeyMissing, ProjectKeyInvalid, ...mem0Failures],
      union: { name: "LinkMem0AccountResult" },
    },
    args: { input: t.arg({ type: LinkMem0AccountInput, required: true }) },
    resolve: async (_root, { input }, { projectKeys, caller, meter }) => {
      const { apiKey, ...request } = parseInput(inputSchema, input);
      const linking = { ...request, apiKey: new Secret(apiKey), actor: caller.actor, onCall: meter.count };
      return answeringMem0(() => linkMem0Account(projectKeys, linking));
    },
  }),
);
