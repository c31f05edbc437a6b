import { z } from "zod";
import { createApiToken, type TokenWish } from "../access/api-tokens.ts";
import { EncryptionKeyMissing } from "../tenants/key-refusals.ts";
import { reasonSchema } from "../tenants/operator-input.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { InvalidInput, TenantNotFound, TenantStatusRefused } from "../tenants/refusals.ts";
import { ApiTokenKindEnum, MadeTokenPayload } from "./api-token.ts";
import { labelSchema, lifetimeDescription, lifetimeSchema } from "./api-token-input.ts";
import { builder } from "./builder.ts";
import { parseInput } from "./parse-input.ts";

/** As long as Mem0 takes them (inferred). */
const entityNameMax = 255;

const EntityTypeEnum = builder.enumType("ApiTokenEntityType", {
  description: "What a token of a tenant can be bound to.",
  values: {
    USER: { value: "user" },
    AGENT: { value: "agent" },
    APP: { value: "app" },
    RUN: { value: "run" },
  },
});

const ApiTokenEntityInput = builder.inputType("ApiTokenEntityInput", {
  description: "The one user, agent, app or run whose memories a token reaches.",
  fields: (t) => ({
    type: t.field({ type: EntityTypeEnum, required: true }),
    name: t.string({ required: true, description: "The name that the tenant's product gave it." }),
  }),
});

const CreateApiTokenInput = builder.inputType("CreateApiTokenInput", {
  fields: (t) => ({
    kind: t.field({ type: ApiTokenKindEnum, required: true }),
    label: t.string({ required: true, description: "What people call it; 1 to 100 characters." }),
    tenantKey: t.string({
      description: "Of a TENANT's token, and only there: the newest tenant of that key.",
    }),
    isReadOnly: t.boolean({ defaultValue: false, description: "Of a TENANT's token: it changes nothing." }),
    entity: t.field({
      type: ApiTokenEntityInput,
      description: "Of a TENANT's token: the only one whose memories there are for it.",
    }),
    lifetimeMs: t.field({ type: "Float", description: lifetimeDescription }),
    reason: t.string({
      required: true,
      description: "Why; 1 to 2000 characters, kept word for word in the audit.",
    }),
  }),
});

const inputSchema = z
  .object({
    kind: z.enum(["ADMIN", "PROVISIONER", "OFFBOARDER", "AUDITOR", "TENANT"]),
    label: labelSchema,
    tenantKey: tenantKeySchema.optional(),
    isReadOnly: z.boolean().default(false),
    entity: z
      .object({
        type: z.enum(["user", "agent", "app", "run"]),
        name: z
          .string()
          .regex(/\S/, "Must not be blank.")
          .max(entityNameMax, `Must have at most ${entityNameMax} characters.`)
          .regex(/^[^\p{Cc}\p{Cs}*]*$/u, "Must have no control characters, no half characters and no *."),
      })
      .optional(),
    lifetimeMs: lifetimeSchema.optional(),
    reason: reasonSchema,
  })
  .superRefine(({ kind, tenantKey, isReadOnly, entity }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (kind === "TENANT") {
      if (tenantKey === undefined) fault("tenantKey", "Must be given for a token of a tenant.");
      return;
    }
    const message = "Is only for a token of a tenant.";
    if (tenantKey !== undefined) fault("tenantKey", message);
    if (isReadOnly) fault("isReadOnly", message);
    if (entity !== undefined) fault("entity", message);
  });

builder.mutationField("createApiToken", (t) =>
  t.field({
    authScopes: { can: "tokens:manage" },
    type: MadeTokenPayload,
    description:
      "Makes a token of the API. It is shown in the answer and never again; every call makes another one. Audited.",
    errors: {
      types: [InvalidInput, TenantNotFound, TenantStatusRefused, EncryptionKeyMissing],
      union: { name: "CreateApiTokenResult" },
    },
    args: { input: t.arg({ type: CreateApiTokenInput, required: true }) },
    resolve: async (_root, { input }, { apiTokens, caller }) => {
      const { kind, label, tenantKey, isReadOnly, entity, lifetimeMs, reason } = parseInput(
        inputSchema,
        input,
      );
      const wish: TokenWish = {
        ...{ kind, label, isReadOnly, tenantKey: tenantKey ?? null, lifetimeMs: lifetimeMs ?? null },
        entity: entity === undefined ? null : { type: entity.type, id: entity.name },
      };
      return createApiToken(apiTokens, { actor: caller.actor, reason }, wish);
    },
  }),
);
