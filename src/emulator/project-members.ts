import { projectToChange, projectToRead } from "./access.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import { embeddedMembers, findMember, isLastOwner, withMember, withoutMember } from "./members.ts";
import { findUser, type Person, readPerson, readRole } from "./membership.ts";
import { type Refusal, refusalErrors, refusalMessage } from "./refusal.ts";
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
  const shown = embeddedMembers(upstream, members).map(({ username, role }) => ({ username, role }));
  return json(200, { members: shown });
}

function addMember(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const project = projectToChange(upstream, call, forbidden);
  const { person, role } = readMembership(call);
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
  const { person, role } = readMembership(call);
  const user = presentMember(upstream, project, person);
  if (role !== "OWNER") refuseLastOwner(upstream, project, user);
  const members = withMember(project.members, user.email, role);
  upstream.state.commit([put(projects, { ...project, members })]);
  return json(200, { message: "User role updated successfully." });
}

/** The e-mail stands in the query (Mem0 OpenAPI); one in the body is taken too, as for organizations. */
function removeMember(upstream: Upstream, call: Call): Answer {
  const project = projectToChange(upstream, call, forbidden);
  const inQuery = call.query.get("email");
  const fields = new BodyFields(inQuery === null ? call.body() : { email: inQuery });
  const person = readPerson(fields);
  if (person === null) throw refusalErrors(fields.errors);
  const user = presentMember(upstream, project, person);
  refuseLastOwner(upstream, project, user);
  const members = withoutMember(project.members, user.email);
  upstream.state.commit([put(projects, { ...project, members })]);
  return json(200, { message: "Member removed from the project" });
}

function readMembership(call: Call): { readonly person: Person; readonly role: Role } {
  const fields = new BodyFields(call.body());
  const person = readPerson(fields);
  const role = readRole(fields);
  if (person === null || role === null) throw refusalErrors(fields.errors);
  return { person, role };
}

function presentMember(upstream: Upstream, project: ProjectRow, person: Person): UserRow {
  const user = findUser(upstream, person);
  if (user === undefined || findMember(project.members, user.email) === undefined) {
    throw refusalMessage(404, "User is not a member of this project.");
  }
  return user;
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
