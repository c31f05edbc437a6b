import type { MadeToken } from "../access/api-tokens.ts";
import { ApiTokenKind } from "../generated/prisma/enums.ts";
import { ApiTokenEnded, ApiTokenNotFound } from "../tenants/token-refusals.ts";
import { builder } from "./builder.ts";
import { ErrorInterface } from "./errors.ts";
import { andVisible, visibleControl } from "./visible.ts";

/** What a token of the API is for, in GraphQL. */
export const ApiTokenKindEnum = builder.enumType("ApiTokenKind", {
  description: "What a token of the API is for.",
  values: {
    ADMIN: { value: ApiTokenKind.ADMIN, description: "Everything." },
    PROVISIONER: {
      value: ApiTokenKind.PROVISIONER,
      description: "Signs tenants up, and sees what came of it; nothing else.",
    },
    OFFBOARDER: {
      value: ApiTokenKind.OFFBOARDER,
      description: "Off-boards tenants, and sees what came of it; nothing else.",
    },
    AUDITOR: {
      value: ApiTokenKind.AUDITOR,
      description:
        "Reads tenants, operations, the installation and the audit; no memories, and changes nothing.",
    },
    TENANT: {
      value: ApiTokenKind.TENANT,
      description:
        "The memories of one tenant, or of one user, agent, app or run of it. Sees no other tenant.",
    },
  },
});

/** A token of the API as it is shown: never the token itself. */
export const ApiTokenNode = builder.prismaNode("ApiToken", {
  id: { field: "id" },
  nullable: true,
  findUnique: (id, { caller }) => andVisible(id, visibleControl(caller)),
  description:
    "A token of the API. The token itself was shown once, when it was made; what is stored only recognizes it.",
  fields: (t) => ({
    kind: t.expose("kind", { type: ApiTokenKindEnum }),
    label: t.exposeString("label"),
    actor: t.string({
      description: "Who it speaks for, wherever it says who did something. The same through rotations.",
      select: { kind: true, lineId: true },
      resolve: ({ kind, lineId }) => `${kind.toLowerCase()}:${lineId}`,
    }),
    tenant: t.relation("tenant", { nullable: true, description: "TENANT: whose memories it reaches." }),
    isReadOnly: t.exposeBoolean("isReadOnly", { description: "TENANT: whether it changes nothing." }),
    entityType: t.exposeString("entityType", {
      nullable: true,
      description: "TENANT: `user`, `agent`, `app` or `run`, where it reaches only one. Null: all.",
    }),
    entityName: t.exposeString("entityId", { nullable: true }),
    createdAt: t.expose("createdAt", { type: "DateTime" }),
    createdBy: t.exposeString("createdBy"),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "From when on it is not taken. Null: it lives until it is revoked.",
    }),
    lastUsedAt: t.expose("lastUsedAt", {
      type: "DateTime",
      nullable: true,
      description: "Right to a minute. Null: never.",
    }),
    replacedAt: t.expose("replacedAt", {
      type: "DateTime",
      nullable: true,
      description: "When a rotation made the next one.",
    }),
    revokedAt: t.expose("revokedAt", { type: "DateTime", nullable: true }),
    revokedBy: t.exposeString("revokedBy", {
      nullable: true,
      description: "`loci`: its tenant was closed.",
    }),
  }),
});

/** The payload of what makes a token. */
export const MadeTokenPayload = builder.objectRef<MadeToken>("ApiTokenPayload").implement({
  description: "A token that was just made.",
  fields: (t) => ({
    apiToken: t.field({ type: ApiTokenNode, resolve: ({ row }) => row }),
    token: t.string({
      description:
        "The token itself. This is the only time it is shown; send it as `Authorization: Bearer …`.",
      resolve: ({ token }) => token.reveal(),
    }),
  }),
});

builder.objectType(ApiTokenNotFound, {
  name: "ApiTokenNotFound",
  description: "There is no API token with this id.",
  interfaces: [ErrorInterface],
});

builder.objectType(ApiTokenEnded, {
  name: "ApiTokenEnded",
  description: "The token is not taken any more, so nothing can follow from it; the message says why.",
  interfaces: [ErrorInterface],
});
