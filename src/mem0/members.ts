import { z } from "zod";
import { optionalText } from "./wire-fields.ts";

/** The roles of a member, in an organization and in a project alike (Mem0 docs add-org-member, add-project-member). */
export const memberRoles = ["READER", "OWNER"] as const;

/** READER: view and search. OWNER: settings, members and deletion too. */
export type MemberRole = (typeof memberRoles)[number];

/**
 * A person in an organization or project. What is embedded in these carries the e-mail; what the members lists
 * answer does not (Mem0 OpenAPI), so look for an e-mail in the embedded members only.
 */
export interface Member {
  readonly email: string | null;
  readonly username: string | null;
  /** Any text: a role that Mem0 adds one day must not make a list unreadable. */
  readonly role: string | null;
}

/** Whom to make a member, or whose role to change. He must be a registered Mem0 user. */
export interface MemberInput {
  readonly email: string;
  readonly role: MemberRole;
}

/** A member on the wire. */
export const memberFields = z.object({ email: optionalText, username: optionalText, role: optionalText });

/** The members embedded in an organization or project; absent counts as none. */
export const embeddedMembers: z.ZodType<Member[]> = z
  .array(memberFields)
  .nullish()
  .transform((members) => members ?? []);

/**
 * Passes an e-mail on.
 *
 * @throws {TypeError} when it is empty: nobody knows whom Mem0 would remove then.
 */
export function requiredEmail(email: string): string {
  if (email.trim() === "") throw new TypeError("email must not be empty.");
  return email;
}
