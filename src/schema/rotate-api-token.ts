import { z } from "zod";
import { rotateApiToken } from "../access/api-tokens.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { ApiTokenEnded, ApiTokenNotFound } from "../tenants/token-refusals.ts";
import { MadeTokenPayload } from "./api-token.ts";
import { apiTokenIdOf, lifetimeDescription, lifetimeSchema } from "./api-token-input.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";

/** The longest time for which a replaced token may still be taken: a week. */
const overlapMaxMs = 604_800_000;

const RotateApiTokenInput = builder.inputType("RotateApiTokenInput", {
  fields: (t) => ({
    id: t.globalID({ required: true }),
    overlapMs: t.int({
      defaultValue: 3_600_000,
      description: "How long the old token is still taken; 0 to 604800000 (a week). By default an hour.",
    }),
    lifetimeMs: t.field({ type: "Float", description: lifetimeDescription }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
  }),
});

const inputSchema = z.object({
  overlapMs: z
    .int()
    .min(0, "Must not be negative.")
    .max(overlapMaxMs, `Must be at most ${overlapMaxMs}.`)
    .default(3_600_000),
  lifetimeMs: lifetimeSchema.optional(),
  reason: reasonSchema.default(noReasonGiven),
});

builder.mutationField("rotateApiToken", (t) =>
  t.field({
    authScopes: { can: "tokens:manage" },
    type: MadeTokenPayload,
    description:
      "Makes the next token of a line: it may do the same, and callers go on as the same actor. The old one is still taken for a " +
      "while. Of two rotations of one token the second is refused. Audited.",
    errors: {
      types: [InvalidInput, ApiTokenNotFound, ApiTokenEnded, EncryptionKeyMissing],
      union: { name: "RotateApiTokenResult" },
    },
    args: { input: t.arg({ type: RotateApiTokenInput, required: true }) },
    resolve: async (_root, { input: { id, ...rest } }, { apiTokens, caller }) => {
      const { overlapMs, lifetimeMs, reason } = parseInput(inputSchema, rest);
      const wish = { id: apiTokenIdOf(id), overlapMs, lifetimeMs: lifetimeMs ?? null };
      return rotateApiToken(apiTokens, { actor: caller.actor, reason }, wish);
    },
  }),
);
