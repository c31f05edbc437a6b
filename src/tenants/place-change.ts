import { z } from "zod";
import {
  memberSchema,
  membersMax,
  settingsSchema,
  unknownMemberPolicies,
  webhookSchema,
  webhooksMax,
} from "./place.ts";

const email = memberSchema.shape.email;
const namedWebhookSchema = webhookSchema.required({ name: true });
const webhookNameSchema = namedWebhookSchema.shape.name;

/**
 * What is to become different in an ACTIVE tenant's place. Each part says how it shall be, not what to do, so that the same
 * change again changes nothing. Members are told apart by their e-mail without regard to case, webhooks by their name.
 */
export const placeChangeSchema = z
  .object({
    settings: settingsSchema.default({}),
    /** Members who shall be there in this role, whether they are or not. */
    setMembers: z.array(memberSchema).max(membersMax, `Must have at most ${membersMax} members.`).default([]),
    removeMembers: z.array(email).max(membersMax, `Must have at most ${membersMax} members.`).default([]),
    onUnknownMember: z.enum(unknownMemberPolicies).default("WAIT"),
    /** Webhooks that shall be there and be like this, whether they are there or not. */
    setWebhooks: z
      .array(namedWebhookSchema)
      .max(webhooksMax, `Must have at most ${webhooksMax} webhooks.`)
      .default([]),
    removeWebhooks: z
      .array(webhookNameSchema)
      .max(webhooksMax, `Must have at most ${webhooksMax} webhooks.`)
      .default([]),
  })
  .superRefine((change, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    const parts = [change.setMembers, change.removeMembers, change.setWebhooks, change.removeWebhooks];
    if (Object.keys(change.settings).length === 0 && parts.every((part) => part.length === 0)) {
      problem([], "Must ask for at least one change.");
    }
    const once = (field: string, values: readonly string[], taken: readonly string[]) => {
      for (const [index, value] of values.entries()) {
        if (values.indexOf(value) !== index || taken.includes(value)) {
          problem([field, index], "Must not be named twice in a change.");
        }
      }
    };
    const set = change.setMembers.map((member) => member.email.toLowerCase());
    once("setMembers", set, []);
    once(
      "removeMembers",
      change.removeMembers.map((each) => each.toLowerCase()),
      set,
    );
    const names = change.setWebhooks.map(({ name }) => name);
    once("setWebhooks", names, []);
    once("removeWebhooks", change.removeWebhooks, names);
    const urls = change.setWebhooks.map(({ url }) => url);
    for (const [index, url] of urls.entries()) {
      if (urls.indexOf(url) !== index)
        problem(["setWebhooks", index, "url"], "Must not stand twice in the list.");
    }
  });

/** A change whose defaults are filled in. */
export type PlaceChange = z.infer<typeof placeChangeSchema>;
