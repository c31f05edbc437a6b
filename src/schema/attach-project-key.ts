import { z } from "zod";
import { attachProjectKey } from "../memory-access/project-keys.ts";
import { Secret } from "../memory-access/secret.ts";
import { EncryptionKeyMissing, ProjectKeyInvalid, ProjectKeyMismatch } from "../tenants/key-refusals.ts";
import { noReasonGiven, reasonSchema } from "../tenants/operator-input.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { TenantNotFound, TenantStatusRefused } from "../tenants/refusals.ts";
import { apiKeySchema } from "./api-key.ts";
import { builder } from "./builder.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { parseInput } from "./parse-input.ts";
import { projectKeyPayload } from "./project-key.ts";

/** The longest time for which a replaced key may still serve: a week. */
const overlapMaxMs = 604_800_000;

const inputSchema = z.object({
  tenantKey: tenantKeySchema,
  apiKey: apiKeySchema,
  reason: reasonSchema.default(noReasonGiven),
  overlapMs: z
    .int()
    .min(0, "Must not be negative.")
    .max(overlapMaxMs, `Must be at most ${overlapMaxMs}.`)
    .default(600_000),
});

const AttachProjectKeyInput = builder.inputType("AttachProjectKeyInput", {
  fields: (t) => ({
    tenantKey: t.string({ required: true, description: "The key of an ACTIVE tenant." }),
    apiKey: t.string({
      required: true,
      description:
        "A Mem0 API key that was made while the tenant's own project was selected. Send it as a variable.",
    }),
    reason: t.string({ description: "Why; at most 2000 characters, kept word for word in the audit." }),
    overlapMs: t.int({
      defaultValue: 600_000,
      description: "How long the keys that it replaces still serve when it cannot; 0 to 604800000 (a week).",
    }),
  }),
});

const payload = projectKeyPayload(
  "AttachProjectKeyPayload",
  "The key is attached: proved, sealed, and from now on the one that memory calls go by.",
);

builder.mutationField("attachProjectKey", (t) =>
  t.field({
    authScopes: { can: "tenants:operate" },
    type: payload,
    description:
      "Gives a tenant the API key of its own project, which is what memory calls go by. Mem0 is asked first whose it is: only a " +
      "key of this very project is stored, sealed. Those before it retire. The same key again is proved again. Audited.",
    errors: {
      types: [
        TenantNotFound,
        TenantStatusRefused,
        EncryptionKeyMissing,
        ProjectKeyInvalid,
        ProjectKeyMismatch,
        ...mem0Failures,
      ],
      union: { name: "AttachProjectKeyResult" },
    },
    args: { input: t.arg({ type: AttachProjectKeyInput, required: true }) },
    resolve: async (_root, { input }, { projectKeys, caller, meter }) => {
      const { apiKey, ...request } = parseInput(inputSchema, input);
      const attaching = { ...request, apiKey: new Secret(apiKey), actor: caller.actor, onCall: meter.count };
      return answeringMem0(() => attachProjectKey(projectKeys, attaching));
    },
  }),
);
