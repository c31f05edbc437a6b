import {
  NotInProject,
  UpstreamQuotaSpent,
  UpstreamRefused,
  UpstreamThrottled,
  UpstreamUnavailable,
  UpstreamUnexpectedBody,
} from "../tenants/memory-refusals.ts";
import { builder } from "./builder.ts";
import { ErrorInterface, InputProblem } from "./errors.ts";

/** The greatest Int of GraphQL. */
const intMax = 2 ** 31 - 1;

/** What callers are told about calls of Mem0 that did not work. See `mem0-failures.ts` for which error becomes which. */

builder.objectType(NotInProject, {
  name: "NotFound",
  description:
    "The tenant's project shows no such thing: not there and not this tenant's are the same answer.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    kind: t.exposeString("kind", { description: "What was asked for: `memory`, `event`, `export`." }),
  }),
});

builder.objectType(UpstreamRefused, {
  name: "Mem0Refused",
  description: "Mem0 said no. Nothing was done, and the same call gets the same answer.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.exposeInt("status", { description: "The HTTP status of Mem0's answer." }),
    messages: t.stringList({
      description: "Mem0's own words.",
      resolve: ({ messages }) => [...messages],
    }),
    problems: t.field({
      type: [InputProblem],
      description: "The fields that Mem0 complains of, by Mem0's own names.",
      resolve: ({ problems }) => [...problems],
    }),
  }),
});

builder.objectType(UpstreamQuotaSpent, {
  name: "Mem0QuotaSpent",
  description:
    "The quota of the billing period is spent. Nothing was done, and nothing is until it is renewed.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    quotaResetAt: t.expose("quotaResetAt", {
      type: "DateTime",
      nullable: true,
      description: "When it is renewed, perhaps in weeks. Null: Mem0 did not say.",
    }),
  }),
});

builder.objectType(UpstreamThrottled, {
  name: "Mem0Throttled",
  description: "Mem0 takes no more calls just now. Nothing was done.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterMs: t.int({
      nullable: true,
      description: "How long Mem0 asks us to wait. Null: it does not say.",
      resolve: ({ retryAfterMs }) => (retryAfterMs === null ? null : Math.min(retryAfterMs, intMax)),
    }),
  }),
});

/** What an outage and an unreadable answer have in common: it is not known what Mem0 did. */
const mayHaveHappenedDescription =
  "Whether it may have been done all the same: then look before you repeat it. False for what only reads.";

builder.objectType(UpstreamUnavailable, {
  name: "Mem0Unavailable",
  description: "Mem0 gave no answer, or an error of its own.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    mayHaveHappened: t.exposeBoolean("mayHaveHappened", { description: mayHaveHappenedDescription }),
  }),
});

builder.objectType(UpstreamUnexpectedBody, {
  name: "Mem0UnexpectedBody",
  description:
    "Mem0 answered something that is not in the shape of such an answer. Nothing of it is passed on.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    mayHaveHappened: t.exposeBoolean("mayHaveHappened", { description: mayHaveHappenedDescription }),
  }),
});
