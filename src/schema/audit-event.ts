import { encodeGlobalID } from "@pothos/plugin-relay";
import { z } from "zod";
import { AuditDecision, AuditOutcome } from "../generated/prisma/enums.ts";
import { auditEventsMax, auditEventsOf } from "../tenants/audit.ts";
import { builder } from "./builder.ts";

/** Whether a call was let through. */
export const decisionEnum = builder.enumType(AuditDecision, {
  name: "AuditDecision",
  description: "Whether the caller was let do what was asked for.",
});

const outcomeEnum = builder.enumType("AuditOutcome", {
  description: "What came of a call.",
  values: {
    ASKED: {
      value: AuditOutcome.ASKED,
      description:
        "It is about to be sent to Mem0. What came of it says the next event of the same call; without one, nobody knows.",
    },
    DONE: { value: AuditOutcome.DONE, description: "It is done, or an operation was started that does it." },
    REPEATED: { value: AuditOutcome.REPEATED, description: "Nothing was changed: it had been done before." },
    NOT_DONE: { value: AuditOutcome.NOT_DONE, description: "Nothing was changed." },
    UNKNOWN: { value: AuditOutcome.UNKNOWN, description: "It broke, or Mem0's answer was lost." },
  },
});

const AuditDetail = builder
  .objectRef<{ readonly name: string; readonly value: string }>("AuditDetail")
  .implement({
    description: "Something that was asked for, or turned out, besides the reason.",
    fields: (t) => ({
      name: t.exposeString("name"),
      value: t.exposeString("value", { description: "A text as it is; anything else as JSON." }),
    }),
  });

/** Who asked for what, and what came of it. */
export const AuditEvent = builder.prismaObject("AuditEvent", {
  description: "Who asked for what, and what came of it. Never changed.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "Not a global id: it cannot be asked for alone." }),
    at: t.expose("at", { type: "DateTime" }),
    actor: t.exposeString("actor"),
    action: t.exposeString("action", { description: "The mutation: `skipStep`." }),
    decision: t.expose("decision", { type: decisionEnum }),
    outcome: t.expose("outcome", {
      type: outcomeEnum,
      nullable: true,
      description: "Null: written by an earlier release.",
    }),
    refusal: t.exposeString("refusal", { nullable: true, description: "The refusal's code." }),
    reason: t.exposeString("reason", {
      description: "What the actor gave as the reason, word for word. Empty: none was asked for.",
    }),
    tenantId: t.field({
      type: "ID",
      nullable: true,
      description: "The global id of the tenant that it was about.",
      resolve: ({ tenantId }) => (tenantId === null ? null : encodeGlobalID("Tenant", tenantId)),
    }),
    operationId: t.field({
      type: "ID",
      nullable: true,
      description: "The global id of the operation that it started, found or changed.",
      resolve: ({ operationId }) => (operationId === null ? null : encodeGlobalID("Operation", operationId)),
    }),
    callId: t.exposeString("callId", {
      nullable: true,
      description: "Of the one call of the mutation; events that belong together have the same.",
    }),
    correlationId: t.exposeString("correlationId", {
      nullable: true,
      description: "The request's id, as in its answer's header `x-request-id` and in the log.",
    }),
    details: t.field({
      type: [AuditDetail],
      description:
        "Holds no secrets and no memory text: of a webhook's URL only host and hash, of an e-mail address first letter, " +
        "domain and the beginning of its SHA-256, of any other text its length.",
      resolve: ({ details }) =>
        Object.entries(z.record(z.string(), z.json()).parse(details)).map(([name, value]) => ({
          name,
          value: typeof value === "string" ? value : JSON.stringify(value),
        })),
    }),
  }),
});

builder.prismaObjectField("Operation", "auditEvents", (t) =>
  t.field({
    authScopes: { can: "audit:read" },
    type: [AuditEvent],
    description: `What was done to it by hand, the newest first; at most ${auditEventsMax}.`,
    args: { first: t.arg.int({ defaultValue: 20 }) },
    select: { id: true },
    resolve: async ({ id }, { first }, { prisma }) =>
      auditEventsOf(prisma, id, Math.max(0, Math.min(first ?? 20, auditEventsMax))),
  }),
);
