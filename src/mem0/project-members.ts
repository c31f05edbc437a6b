import { z } from "zod";
import { type Member, type MemberInput, memberFields, requiredEmail } from "./members.ts";
import { mem0Path } from "./path.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { acknowledgement } from "./wire-fields.ts";

const membersAnswer: z.ZodType<Member[]> = z
  .object({ members: z.array(memberFields) })
  .transform(({ members }) => members);

/**
 * The members of a project; the documented list has usernames and no e-mail (Mem0 OpenAPI), so to look for somebody
 * use `getProject(...).members`. `GET /api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/`.
 *
 * @throws {Mem0Refused} 404 when there is no such project for the key's account.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function listProjectMembers(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  options?: CallOptions,
): Promise<Member[]> {
  return mem0.send({ method: "GET", path: membersPath(orgId, projectId), answer: membersAnswer, options });
}

/**
 * Adds a registered user to a project. What a repeat does is not documented: expect a refusal.
 * `POST /api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/`.
 *
 * @throws {Mem0Refused} 403 without the right to, 404 (also, inferred, for an e-mail that Mem0 does not know).
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function addProjectMember(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  member: MemberInput,
  options?: CallOptions,
): Promise<void> {
  const path = membersPath(orgId, projectId);
  const body = { email: requiredEmail(member.email), role: member.role };
  return mem0.send({ method: "POST", path, body, answer: acknowledgement, options });
}

/**
 * Sets a member's role. A repeat changes nothing.
 * `PUT /api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/`.
 *
 * @throws {Mem0Refused} 403, 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function updateProjectMember(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  member: MemberInput,
  options?: CallOptions,
): Promise<void> {
  const path = membersPath(orgId, projectId);
  const body = { email: requiredEmail(member.email), role: member.role };
  return mem0.send({ method: "PUT", path, body, answer: acknowledgement, options });
}

/**
 * Removes a member. The e-mail travels in the query, unlike an organization's. What a repeat gets is not documented:
 * expect a refusal. `DELETE /api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/?email=`.
 *
 * @throws {TypeError} when the e-mail is empty.
 * @throws {Mem0Refused} 403, 404 for project or member.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function removeProjectMember(
  mem0: Mem0,
  orgId: string,
  projectId: string,
  email: string,
  options?: CallOptions,
): Promise<void> {
  const path = membersPath(orgId, projectId);
  const query = { email: requiredEmail(email) };
  return mem0.send({ method: "DELETE", path, query, answer: acknowledgement, options });
}

function membersPath(orgId: string, projectId: string) {
  const template = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/";
  return mem0Path(template, { org_id: orgId, project_id: projectId });
}
