import { z } from "zod";
import { type Member, type MemberInput, memberFields, requiredEmail } from "./members.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { acknowledgement, upstreamId } from "./wire-fields.ts";

/** A member as the members list of an organization shows him: by an id, and (by the document) nothing else. */
export interface OrganizationMember extends Member {
  readonly userId: string | null;
}

const membersAnswer: z.ZodType<OrganizationMember[]> = z
  .object({ members: z.array(memberFields.extend({ user_id: upstreamId.nullish() })) })
  .transform(({ members }) =>
    members.map(({ user_id, ...member }) => ({ ...member, userId: user_id ?? null })),
  );

/**
 * The members of an organization; the documented list has no e-mail (Mem0 OpenAPI), so to look for somebody use
 * `getOrganization(...).members`. `GET /api/v1/orgs/organizations/{org_id}/members/`.
 *
 * @throws {Mem0Refused} 404 when there is no such organization for the key's account.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function listOrganizationMembers(
  mem0: Mem0,
  orgId: string,
  options?: CallOptions,
): Promise<OrganizationMember[]> {
  return mem0.send({ method: "GET", path: membersPath(orgId), answer: membersAnswer, options });
}

/**
 * Adds a registered user to an organization. What a repeat does is not documented: expect a refusal.
 * `POST /api/v1/orgs/organizations/{org_id}/members/`.
 *
 * @throws {Mem0Refused} 400 for an e-mail that Mem0 does not know or a bad role (text unknown), 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function addOrganizationMember(
  mem0: Mem0,
  orgId: string,
  member: MemberInput,
  options?: CallOptions,
): Promise<void> {
  const body = { email: requiredEmail(member.email), role: member.role };
  return mem0.send({ method: "POST", path: membersPath(orgId), body, answer: acknowledgement, options });
}

/**
 * Sets a member's role. A repeat changes nothing. `PUT /api/v1/orgs/organizations/{org_id}/members/`.
 *
 * @throws {Mem0Refused} 400, 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function updateOrganizationMember(
  mem0: Mem0,
  orgId: string,
  member: MemberInput,
  options?: CallOptions,
): Promise<void> {
  const body = { email: requiredEmail(member.email), role: member.role };
  return mem0.send({ method: "PUT", path: membersPath(orgId), body, answer: acknowledgement, options });
}

/**
 * Removes a member. The e-mail travels in a JSON body, unlike a project's. What a repeat gets is not documented:
 * expect a refusal. `DELETE /api/v1/orgs/organizations/{org_id}/members/`.
 *
 * @throws {TypeError} when the e-mail is empty.
 * @throws {Mem0Refused} 404 for organization or member.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function removeOrganizationMember(
  mem0: Mem0,
  orgId: string,
  email: string,
  options?: CallOptions,
): Promise<void> {
  const body = { email: requiredEmail(email) };
  return mem0.send({ method: "DELETE", path: membersPath(orgId), body, answer: acknowledgement, options });
}

function membersPath(orgId: string) {
  return mem0Path("/api/v1/orgs/organizations/{org_id}/members/", { org_id: orgId });
}
