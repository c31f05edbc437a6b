import { z } from "zod";
import { revokeApiToken } from "../access/api-tokens.ts";
import type { ApiToken } from "../generated/prisma/client.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { ApiTokenNotFound } from "../tenants/token-refusals.ts";
import { ApiTokenNode } from "./api-token.ts";
import { apiTokenIdOf } from "./api-token-input.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";

const RevokeApiTokenInput = builder.inputType("RevokeApiTokenInput", {
  fields: (t) => ({
    id: t.globalID({ required: true }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const inputSchema = z.object({ reason: reasonSchema.default(noReasonGiven) });

const RevokeApiTokenPayload = builder.objectRef<ApiToken>("RevokeApiTokenPayload").implement({
  description: "The token is not taken any more.",
  fields: (t) => ({ apiToken: t.field({ type: ApiTokenNode, resolve: (token) => token }) }),
});

builder.mutationField("revokeApiToken", (t) =>
  t.field({
    authScopes: { can: "tokens:manage" },
    type: RevokeApiTokenPayload,
    description:
      "Ends a token for good. No process takes it for longer than a second more. Others of its line stay. A repeat answers the same. Audited.",
    errors: { types: [InvalidInput, ApiTokenNotFound], union: { name: "RevokeApiTokenResult" } },
    args: { input: t.arg({ type: RevokeApiTokenInput, required: true }) },
    resolve: async (_root, { input: { id, ...rest } }, { apiTokens, caller }) => {
      const { reason } = parseInput(inputSchema, rest);
      return revokeApiToken(apiTokens, { actor: caller.actor, reason }, apiTokenIdOf(id));
    },
  }),
);
