import { resolveCursorConnection } from "@pothos/plugin-relay";
import { GraphQLError } from "graphql";
import { z } from "zod";
import type { AuditEvent as Event } from "../generated/prisma/client.ts";
import { type AuditPlace, findAuditEvents } from "../tenants/find-audit-events.ts";
import { tenantKeySchema } from "../tenants/place.ts";
import { AuditEvent, decisionEnum } from "./audit-event.ts";
import { builder } from "./builder.ts";

const AuditFilterInput = builder.inputType("AuditFilter", {
  description: "All that is given must hold.",
  fields: (t) => ({
    actor: t.string({ description: "Who asked: `admin`, or a token's line." }),
    action: t.string({ description: "The mutation: `signUpTenant`." }),
    decision: t.field({ type: decisionEnum }),
    tenantKey: t.string({ description: "What was about any tenant of this key, in whichever of its lives." }),
    since: t.field({ type: "DateTime", description: "From this moment on." }),
    until: t.field({ type: "DateTime", description: "Before this moment." }),
  }),
});

/** Longest text of a filter; nothing that is looked for is longer. */
const textMax = 200;

/** What a text holds that the database could look for. Anything else is in no event. */
const textSchema = z
  .string()
  .max(textMax)
  .regex(/^[^\0]*$/);

function cursorOf({ at, id }: AuditPlace): string {
  return Buffer.from(`audit:${at.getTime()}:${id}`).toString("base64url");
}

function placeOf(cursor: string | undefined): AuditPlace | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, "base64url").toString();
  const [, at, id] = /^audit:(\d{1,15}):(aud_[0-9a-z]{26})$/.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { at: new Date(Number(at)), id };
  throw new GraphQLError("This is not a cursor of this list.", { extensions: { code: "BAD_CURSOR" } });
}

builder.queryField("auditEvents", (t) =>
  t.connection({
    authScopes: { can: "audit:read" },
    type: AuditEvent,
    description:
      "Who asked for what, newest first: every call of a mutation, what was refused included. There is no total count.",
    args: { filter: t.arg({ type: AuditFilterInput }) },
    resolve: (_root, args, { prisma }) =>
      resolveCursorConnection<Promise<Event[]>>(
        { args, defaultSize: 20, maxSize: 100, toCursor: cursorOf },
        async ({ before, after, limit, inverted }): Promise<Event[]> => {
          const page = { limit, after: placeOf(after), before: placeOf(before), isBackward: inverted };
          const { actor, action, tenantKey, decision, since, until } = args.filter ?? {};
          const isPossible =
            [actor, action].every((text) => text == null || textSchema.safeParse(text).success) &&
            (tenantKey == null || tenantKeySchema.safeParse(tenantKey).success);
          if (!isPossible) return [];
          const filter = {
            ...{ actor: actor ?? undefined, action: action ?? undefined, tenantKey: tenantKey ?? undefined },
            ...{ decision: decision ?? undefined, since: since ?? undefined, until: until ?? undefined },
          };
          return findAuditEvents(prisma, filter, page);
        },
      ),
  }),
);
