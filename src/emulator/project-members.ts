import { projectToChange, projectToRead } from "./access.ts";
import { type Answer, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { embeddedMembers, findMember, isLastOwner, withMember, withoutMember } from "./members.ts";
import { findUser, type Person, readMembership, readRemoved } from "./membership.ts";
import { type Refusal, refusalErrors, refusalFields, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { organizations, type ProjectRow, projects, type Role, type UserRow } from "./rows.ts";
import { put } from "./table.ts";

const path = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/members/";
const forbidden = "Unauthorized to modify project members.";

/** Members of a project: list, add (200, not 201), change the role, remove (e-mail in the query of DELETE). */
export const projectMemberResource: Resource = {
  routes: [
    { method: "GET", path, handle: listMembers },
    { method: "POST", path, handle: addMember },
    { method: "PUT", path, handle: changeRole },
    { method: "DELETE", path, handle: removeMember },
  ],
  tables: [],
};

function listMembers(upstream: Upstream, call: Call): Answer {
  const { members } = projectToRead(upstream, call);
  const { memberListsShowEmail } = upstream.state.switches;
  const shown = embeddedMembers(upstream, members).map(({ username, role, email }) =>
    memberListsShowEmail ? { username, role, email } : { username, role },
  );
  return json(200, { members: shown });
}

function addMember(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const project = projectToChange(upstream, call, forbidden);
  const { person, role } = wholeMembership(upstream, call);
  const user = findUser(upstream, person);
  if (user === undefined) throw unknownMember(upstream, person);
  const isMember = findMember(project.members, user.email) !== undefined;
  if (isMember && state.switches.alreadyMember === "refuse") {
    throw refusalMessage(400, "User is already a member of this project.");
  }
  if (state.switches.projectMemberMustBeInOrganization && !isInOrganization(upstream, project, user)) {
    throw refusalMessage(400, "User is not a member of this organization.");
  }
  const members = withMember(project.members, user.email, role);
  state.commit([put(projects, { ...project, members })]);
  return json(200, { message: "User added to the project successfully." });
}

function changeRole(upstream: Upstream, call: Call): Answer {
  const project = projectToChange(upstream, call, forbidden);
  const { person, role } = wholeMembership(upstream, call);
  const { nonMemberChanged } = upstream.state.switches;
  const user =
    presentMember(upstream, project, person) ??
    (nonMemberChanged === "added" ? findUser(upstream, person) : undefined);
  if (user === undefined) throw notMember();
  if (role !== "OWNER") refuseLastOwner(upstream, project, user);
  const members = withMember(project.members, user.email, role);
  upstream.state.commit([put(projects, { ...project, members })]);
  return json(200, { message: "User role updated successfully." });
}

/** The e-mail stands in the query (Mem0 OpenAPI); one in the body is taken too, as for organizations. */
function removeMember(upstream: Upstream, call: Call): Answer {
  const project = projectToChange(upstream, call, forbidden);
  const { person, errors } = readRemoved(upstream, call, "query");
  if (person === null) throw refusalOf(upstream, errors);
  const user = presentMember(upstream, project, person);
  if (user === undefined) {
    if (upstream.state.switches.nonMemberRemoved === "404") throw notMember();
    return removed;
  }
  refuseLastOwner(upstream, project, user);
  const members = withoutMember(project.members, user.email);
  upstream.state.commit([put(projects, { ...project, members })]);
  return removed;
}

const removed = json(200, { message: "Member removed from the project" });

function wholeMembership(upstream: Upstream, call: Call): { readonly person: Person; readonly role: Role } {
  const { person, role, errors } = readMembership(upstream, call);
  if (person === null || role === null) throw refusalOf(upstream, errors);
  return { person, role };
}

/** The body of this 400 is not documented; that of organizations is taken (inferred), and two more are a switch. */
function refusalOf({ state }: Upstream, errors: Readonly<Record<string, unknown>>): Refusal {
  switch (state.switches.projectMemberRefusal) {
    case "errors":
      return refusalErrors(errors);
    case "fields":
      return refusalFields(errors);
    case "message":
      return refusalMessage(400, "Invalid email or role.");
  }
}

function presentMember(upstream: Upstream, project: ProjectRow, person: Person): UserRow | undefined {
  const user = findUser(upstream, person);
  return user !== undefined && findMember(project.members, user.email) !== undefined ? user : undefined;
}

function notMember(): Refusal {
  return refusalMessage(404, "User is not a member of this project.");
}

function refuseLastOwner({ state }: Upstream, project: ProjectRow, user: UserRow): void {
  if (!state.switches.lastOwnerKept || !isLastOwner(project.members, user.email)) return;
  throw refusalMessage(400, "The last OWNER of a project cannot be removed or demoted.");
}

function isInOrganization({ state }: Upstream, project: ProjectRow, user: UserRow): boolean {
  const organization = state.table(organizations).get(project.org_id);
  return organization !== undefined && findMember(organization.members, user.email) !== undefined;
}

/** What the real service answers is not known; three likely answers are a switch. */
function unknownMember({ state }: Upstream, person: Person): Refusal {
  switch (state.switches.unknownProjectMember) {
    case "message-404":
      return refusalMessage(404, "User not found");
    case "message-400":
      return refusalMessage(400, "User with this email does not exist.");
    case "errors-400":
      return refusalErrors({ [person.field]: ["User with this email does not exist."] });
  }
}
