import { z } from "zod";
import { AuditDecision } from "../generated/prisma/enums.ts";
import { auditEventsMax, auditEventsOf } from "../tenants/audit.ts";
import { builder } from "./builder.ts";

const decisionEnum = builder.enumType(AuditDecision, {
  name: "AuditDecision",
  description: "Whether what was asked for by hand was done.",
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

const AuditEvent = builder.prismaObject("AuditEvent", {
  description: "Who did what by hand, or was refused it, and why. Never changed.",
  fields: (t) => ({
    at: t.expose("at", { type: "DateTime" }),
    actor: t.exposeString("actor"),
    action: t.exposeString("action", { description: "The mutation: `skipStep`." }),
    decision: t.expose("decision", { type: decisionEnum }),
    refusal: t.exposeString("refusal", { nullable: true, description: "The refusal's code." }),
    reason: t.exposeString("reason", { description: "What the actor gave as the reason, word for word." }),
    details: t.field({
      type: [AuditDetail],
      description: "Holds no secrets: of a webhook's URL only host and hash.",
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
    type: [AuditEvent],
    description: `What was done to it by hand, the newest first; at most ${auditEventsMax}.`,
    args: { first: t.arg.int({ defaultValue: 20 }) },
    select: { id: true },
    resolve: async ({ id }, { first }, { prisma }) =>
      auditEventsOf(prisma, id, Math.max(0, Math.min(first ?? 20, auditEventsMax))),
  }),
);
