import type { Provisioning } from "../provisioning/provisioning.ts";
import { webhookUrlPolicy } from "../provisioning/webhooks.ts";
import { memberRoles, unknownMemberPolicies, webhookEventTypes } from "../tenants/place.ts";
import { InvalidInput } from "../tenants/refusals.ts";
import { leadsHere } from "../urls/judge-url.ts";
import { builder } from "./builder.ts";

/** The words in which callers describe a place, or a part of one. */

/** The roles of members, in GraphQL. */
export const MemberRoleEnum = builder.enumType("MemberRole", {
  description: "READER views and searches; OWNER changes settings and members, and deletes.",
  values: memberRoles,
});

/** What to do about people whom Mem0 does not know, in GraphQL. */
export const UnknownMemberPolicyEnum = builder.enumType("UnknownMemberPolicy", {
  description:
    "What to do about an e-mail that belongs to no Mem0 user: let the member wait, or fail the sign-up.",
  values: unknownMemberPolicies,
});

/** What webhooks hear about, in GraphQL. */
export const WebhookEventTypeEnum = builder.enumType("WebhookEventType", {
  description: "What of Mem0 a webhook hears about.",
  values: webhookEventTypes,
});

/** A member as a caller asks for it. */
export const MemberInput = builder.inputType("MemberInput", {
  fields: (t) => ({
    email: t.string({ required: true }),
    role: t.field({ type: MemberRoleEnum, defaultValue: "READER" }),
  }),
});

/** What is told of the URL of a webhook wherever one is given. */
export const webhookUrlDescription =
  "https to the internet, the host written plainly, without credentials and fragment; http only to loopback, and loopback " +
  "only where Mem0 is on the same machine.";

/** A webhook as a caller asks for it. */
export const WebhookInput = builder.inputType("WebhookInput", {
  fields: (t) => ({
    name: t.string({ description: "Its name in Mem0; `webhook-1` and so on by default." }),
    url: t.string({ required: true, description: webhookUrlDescription }),
    eventTypes: t.field({ type: [WebhookEventTypeEnum], required: true }),
  }),
});

/** A category of one's own, as a caller asks for it. */
export const CategoryInput = builder.inputType("CategoryInput", {
  fields: (t) => ({ name: t.string({ required: true }), description: t.string({ required: true }) }),
});

/** Settings of a project as a caller asks for them. */
export const ProjectSettingsInput = builder.inputType("ProjectSettingsInput", {
  description: "Settings of the tenant's project. What is not given is left as Mem0 makes it.",
  fields: (t) => ({
    customInstructions: t.string(),
    agentCustomInstructions: t.string(),
    customCategories: t.field({ type: [CategoryInput] }),
    multilingual: t.boolean(),
    decay: t.boolean(),
  }),
});

/** A URL of an input, and the field that it stands in. */
interface GivenUrl {
  readonly field: string;
  readonly url: string;
}

/**
 * Refuses URLs that lead to the machine of whoever calls them, where that is a Mem0 elsewhere. All else about a URL is
 * judged by the schemas of the input.
 * @throws {InvalidInput}
 */
export function refuseLoopback(provisioning: Pick<Provisioning, "mem0">, given: readonly GivenUrl[]): void {
  if (webhookUrlPolicy(provisioning).allowsLoopback) return;
  const leading = given.filter(({ url }) => URL.canParse(url) && leadsHere(new URL(url)));
  if (leading.length === 0) return;
  const message = "Must not lead to Mem0's own machine.";
  throw new InvalidInput(leading.map(({ field }) => ({ field, message })));
}
