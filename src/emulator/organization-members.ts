import { organizationToChange, organizationToRead } from "./access.ts";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { findMember, isLastOwner, withMember, withoutMember } from "./members.ts";
import { findUser, type Person, readMembership, readRemoved } from "./membership.ts";
import { type Refusal, refusalErrors, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { type OrganizationRow, organizations, projects, type Role, type UserRow, users } from "./rows.ts";
import { type Put, put } from "./table.ts";

const path = "/api/v1/orgs/organizations/{org_id}/members/";
const forbidden = "Unauthorized";

/** Members of an organization: list, add (201), change the role, remove (e-mail in the body of DELETE). */
export const organizationMemberResource: Resource = {
  routes: [
    { method: "GET", path, handle: listMembers },
    { method: "POST", path, handle: addMember },
    { method: "PUT", path, handle: changeRole },
    { method: "DELETE", path, handle: removeMember },
  ],
  tables: [],
};

/** The rows without this member: the organization, and its projects too unless a switch says otherwise. */
export function removalFromOrganization(
  { state }: Upstream,
  organization: OrganizationRow,
  email: string,
): readonly Put[] {
  const puts = [put(organizations, { ...organization, members: withoutMember(organization.members, email) })];
  if (!state.switches.organizationMemberRemovalCascades) return puts;
  for (const project of state.table(projects).childrenOf(organization.org_id)) {
    if (findMember(project.members, email) === undefined) continue;
    puts.push(put(projects, { ...project, members: withoutMember(project.members, email) }));
  }
  return puts;
}

function listMembers(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const members = organizationToRead(upstream, call).members.map(({ email, role }) => ({
    user_id: state.table(users).get(email.toLowerCase())?.user_id ?? email,
    role,
    ...(state.switches.memberListsShowEmail ? { email } : {}),
  }));
  return json(200, { members });
}

function addMember(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const organization = organizationToChange(upstream, call, forbidden);
  const { person, role } = wholeMembership(upstream, call);
  const user = findUser(upstream, person);
  if (user === undefined) return answerUnknown(upstream, organization, person, role);
  const isMember = findMember(organization.members, user.email) !== undefined;
  if (isMember && state.switches.alreadyMember === "refuse") {
    throw refusalErrors({ [person.field]: ["User is already a member of this organization."] });
  }
  const members = withMember(organization.members, user.email, role);
  state.commit([put(organizations, { ...organization, members })]);
  return json(201, { message: "User added to the organization." });
}

function changeRole(upstream: Upstream, call: Call): Answer {
  const organization = organizationToChange(upstream, call, forbidden);
  const { person, role } = wholeMembership(upstream, call);
  const { nonMemberChanged } = upstream.state.switches;
  const user =
    presentMember(upstream, organization, person) ??
    (nonMemberChanged === "added" ? findUser(upstream, person) : undefined);
  if (user === undefined) throw notMember();
  if (role !== "OWNER") refuseLastOwner(upstream, organization, user, person);
  const members = withMember(organization.members, user.email, role);
  upstream.state.commit([put(organizations, { ...organization, members })]);
  return json(200, { message: "User role updated successfully" });
}

/** The e-mail stands in the body (Mem0 OpenAPI); one in the query is taken too, as for projects. */
function removeMember(upstream: Upstream, call: Call): Answer {
  const organization = organizationToChange(upstream, call, forbidden);
  const { person, errors } = readRemoved(upstream, call, "body");
  if (person === null) throw refusalErrors(errors);
  const user = presentMember(upstream, organization, person);
  if (user === undefined) {
    if (upstream.state.switches.nonMemberRemoved === "404") throw notMember();
    return removed;
  }
  refuseLastOwner(upstream, organization, user, person);
  upstream.state.commit(removalFromOrganization(upstream, organization, user.email));
  return removed;
}

const removed = json(200, { message: "User removed from organization." });

function wholeMembership(upstream: Upstream, call: Call): { readonly person: Person; readonly role: Role } {
  const { person, role, errors } = readMembership(upstream, call);
  if (person === null || role === null) throw refusalErrors(errors);
  return { person, role };
}

function presentMember(
  upstream: Upstream,
  organization: OrganizationRow,
  person: Person,
): UserRow | undefined {
  const user = findUser(upstream, person);
  return user !== undefined && findMember(organization.members, user.email) !== undefined ? user : undefined;
}

function notMember(): Refusal {
  return refusalMessage(404, "User is not a member of this organization.");
}

function refuseLastOwner(
  { state }: Upstream,
  organization: OrganizationRow,
  user: UserRow,
  person: Person,
): void {
  if (!state.switches.lastOwnerKept || !isLastOwner(organization.members, user.email)) return;
  throw refusalErrors({
    [person.field]: ["The last OWNER of an organization cannot be removed or demoted."],
  });
}

/** What the real service answers is not known; four likely answers are a switch. */
function answerUnknown(
  { state }: Upstream,
  organization: OrganizationRow,
  person: Person,
  role: Role,
): Answer {
  const text = "User with this email does not exist.";
  switch (state.switches.unknownOrganizationMember) {
    case "errors-400":
      throw refusalErrors({ [person.field]: [text] });
    case "message-400":
      throw refusalMessage(400, text);
    case "message-404":
      throw refusalMessage(404, "User not found");
    case "invite": {
      const invitations = withMember(organization.invitations, person.written, role);
      state.commit([put(organizations, { ...organization, invitations })]);
      return json(201, { message: "User invited to the organization." });
    }
  }
}
