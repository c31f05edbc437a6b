import { z } from "zod";
import { webhookEventTypes } from "../mem0/webhooks.ts";
import { trailingMarker } from "../tenants/marker.ts";
import { reasonSchema, upstreamIdSchema } from "../tenants/operator-input.ts";
import { memberSchema, placeSchema, settingsSchema, webhookSchema } from "../tenants/place.ts";

/** The rules of what admins change in Mem0 by hand: the same as for a tenant's place where it is the same thing. */

/** A text that no look for a marker may take for a tenant's, whatever Mem0 makes of its characters. */
function hasNoMarker(text: string | undefined): boolean {
  return text === undefined || trailingMarker(text.normalize("NFKC")) === null;
}

const noMarker = "Must not end in what looks like a marker of Loci: a middle dot and 16 letters or digits.";
const nothingToChange = "Must change something.";

const nameSchema = placeSchema.shape.name.refine(hasNoMarker, noMarker);

const descriptionSchema = z
  .string()
  .max(2_000, "Must have at most 2000 characters.")
  .regex(/^[^\0\p{Cs}]*$/u, "Must not contain NUL or half a character.")
  .refine(hasNoMarker, noMarker);

const reason = { reason: reasonSchema };
const inOrganization = { organizationId: upstreamIdSchema, ...reason };
const inProject = { projectId: upstreamIdSchema, ...inOrganization };
const { email } = memberSchema.shape;
const role = memberSchema.shape.role.unwrap();
/** Our words for event types are Mem0's in capitals. */
const eventTypes = webhookSchema.shape.eventTypes.transform((types) =>
  types.flatMap((type) => webhookEventTypes.find((word) => word === type.toLowerCase()) ?? []),
);

/** A new organization. */
export const newOrganizationSchema = z.object({ name: nameSchema, ...reason });

/** An organization. */
export const organizationSchema = z.object(inOrganization);

/** A member of an organization; his role is part of it. */
export const organizationMemberSchema = z.object({ ...inOrganization, email, role });

/** Somebody in an organization. */
export const organizationPersonSchema = z.object({ ...inOrganization, email });

/** A new project. */
export const newProjectSchema = z.object({
  ...inOrganization,
  name: nameSchema,
  description: descriptionSchema.optional(),
});

/** A project. */
export const projectSchema = z.object(inProject);

/** What changes of a project: at least something. */
export const projectChangeSchema = z
  .object({
    ...inProject,
    name: nameSchema.optional(),
    description: descriptionSchema.optional(),
    settings: settingsSchema.default({}),
  })
  .refine(
    ({ name, description, settings }) => isAnyGiven({ name, description, ...settings }),
    nothingToChange,
  );

/** A member of a project; his role is part of it. */
export const projectMemberSchema = z.object({ ...inProject, email, role });

/** Somebody in a project. */
export const projectPersonSchema = z.object({ ...inProject, email });

const { name: webhookName, url } = webhookSchema.shape;

/** A new webhook. */
export const newWebhookSchema = z.object({ ...inProject, name: webhookName.unwrap(), url, eventTypes });

/** A webhook. */
export const webhookIdsSchema = z.object({ ...inProject, webhookId: upstreamIdSchema });

/** What changes of a webhook: at least something. */
export const webhookChangeSchema = webhookIdsSchema
  .extend({ name: webhookName, url: url.optional(), eventTypes: eventTypes.optional() })
  .refine(({ name, url: to, eventTypes: types }) => isAnyGiven({ name, to, types }), nothingToChange);

function isAnyGiven(changes: object): boolean {
  return Object.values(changes).some((value) => value !== undefined);
}
