import { z } from "zod";
import { judgeUrl } from "../urls/judge-url.ts";

/** Roles of a member, in Mem0's words (Mem0 docs, api-reference add-org-member: READER and OWNER, no other). */
export const memberRoles = ["READER", "OWNER"] as const;

/** Event types a webhook can ask for: Mem0's words in capitals (Mem0 OpenAPI, webhooks). */
export const webhookEventTypes = [
  "MEMORY_ADD",
  "MEMORY_UPDATE",
  "MEMORY_DELETE",
  "MEMORY_CATEGORIZE",
  "INGEST_JOB_COMPLETED",
  "INGEST_JOB_PARTIALLY_COMPLETED",
  "INGEST_JOB_FAILED",
  "INGEST_JOB_CANCELLED",
] as const;

/** What a sign-up does about an e-mail that belongs to no Mem0 user: the member WAITs, or the sign-up FAILs. */
export const unknownMemberPolicies = ["WAIT", "FAIL"] as const;

/** Most members and webhooks of one place: bounds on the requests one sign-up makes. */
export const membersMax = 100;
/** As `membersMax`. */
export const webhooksMax = 20;

const printable = /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u;

function text(max: number) {
  return z
    .string()
    .trim()
    .min(1, "Must not be empty.")
    .refine((value) => [...value].length <= max, `Must have at most ${max} characters.`)
    .regex(printable, "Must not contain control characters.");
}

/** The caller's own word for a tenant. */
export const tenantKeySchema = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/,
    "Must have 1 to 128 letters, digits, or . _ : - inside.",
  );

/** A display name: at most 255 code points, no control characters. */
export const displayNameSchema = text(255);

/** Chosen by the caller for one intent. */
export const idempotencyKeySchema = z
  .string()
  .min(1, "Must not be empty.")
  .max(255, "Must have at most 255 characters.")
  .regex(/^[\x21-\x7e]+$/, "Must consist of printable ASCII characters without spaces.");

/** How long a mutation waits for its operation: 0 to 60,000 ms. */
export const waitMsSchema = z
  .number()
  .int()
  .min(0, "Must be at least 0.")
  .max(60_000, "Must be at most 60000.");

/** A member as the caller asks for it, and as the mapping wishes it. */
export const memberSchema = z.object({
  email: z.email("Must be an e-mail address.").max(254, "Must have at most 254 characters."),
  role: z.enum(memberRoles).default("READER"),
});

/**
 * A webhook as the caller asks for it. Without a name it gets one by its position. Its URL is public by what it says, or
 * leads to this machine: whether that may be depends on where Mem0 is, and is judged where it comes in and where it is used.
 */
export const webhookSchema = z.object({
  name: text(100).optional(),
  url: z.string().superRefine((url, context) => {
    const verdict = judgeUrl(url, { allowsLoopback: true });
    if (!verdict.isAllowed) context.addIssue({ code: "custom", message: verdict.why });
  }),
  eventTypes: z
    .array(z.enum(webhookEventTypes))
    .min(1, "Must name at least one event type.")
    .refine((types) => new Set(types).size === types.length, "Must not name an event type twice."),
});

/** Text of many lines. What Postgres cannot store is refused here: NUL, and halves of surrogate pairs. */
const instructions = z
  .string()
  .max(20_000, "Must have at most 20000 characters.")
  .regex(/^[^\0\p{Cs}]*$/u, "Must not contain NUL or half a character.");

/** Settings of a project, as the caller asks for them and as the mapping wishes them. Absent: left alone. */
export const settingsSchema = z.object({
  customInstructions: instructions.optional(),
  agentCustomInstructions: instructions.optional(),
  customCategories: z
    .array(z.object({ name: text(100), description: text(1_000) }))
    .max(100, "Must have at most 100 categories.")
    .optional(),
  multilingual: z.boolean().optional(),
  decay: z.boolean().optional(),
});

function firstRepeated(values: readonly string[]): number {
  return values.findIndex((value, index) => values.indexOf(value) !== index);
}

/**
 * The description of a tenant's place in Mem0: what a sign-up is asked to make. Members are told apart by their
 * e-mail without regard to case, webhooks by URL (Mem0 refuses a URL twice in a project: live observation) and
 * by name (ours, for the mapping).
 */
export const placeSchema = z
  .object({
    name: displayNameSchema,
    members: z.array(memberSchema).max(membersMax, `Must have at most ${membersMax} members.`).default([]),
    onUnknownMember: z.enum(unknownMemberPolicies).default("WAIT"),
    webhooks: z
      .array(webhookSchema)
      .max(webhooksMax, `Must have at most ${webhooksMax} webhooks.`)
      .default([]),
    settings: settingsSchema.default({}),
  })
  .superRefine((place, context) => {
    const repeated = (field: string, property: string, values: readonly string[]) => {
      const index = firstRepeated(values);
      if (index === -1) return;
      const path = [field, index, property];
      context.addIssue({ code: "custom", path, message: `Must not stand twice in the list.` });
    };
    repeated(
      "members",
      "email",
      place.members.map((member) => member.email.toLowerCase()),
    );
    repeated(
      "webhooks",
      "url",
      place.webhooks.map((webhook) => webhook.url),
    );
    repeated(
      "webhooks",
      "name",
      place.webhooks.map((webhook, index) => webhook.name ?? webhookName(index)),
    );
  });

/** A place whose defaults are filled in. */
export type Place = z.infer<typeof placeSchema>;

/** The name of the webhook at this position (from 0) of a place, when the caller gave none: `webhook-1`. */
export function webhookName(index: number): string {
  return `webhook-${index + 1}`;
}
