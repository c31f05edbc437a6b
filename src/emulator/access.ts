import type { Call, Caller } from "./call.ts";
import { nowMs } from "./clock.ts";
import { findMember } from "./members.ts";
import { type Refusal, refusalMessage } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { type OrganizationRow, organizations, type ProjectRow, projects, type Role } from "./rows.ts";
import type { Row } from "./table.ts";

const organizationNotFound = "Organization not found";
const projectNotFound = "Organization or project not found";

/** The caller's role in the organization itself; null for a non-member, and where his key does not reach (a switch). */
export function roleInOrganization(
  upstream: Upstream,
  organization: OrganizationRow,
  caller: Caller,
): Role | null {
  if (!isReached(upstream, organization.org_id, caller)) return null;
  return findMember(organization.members, caller.user.email)?.role ?? null;
}

/** A key acts for its person in every organization (inferred), or only in its own. */
function isReached({ state }: Upstream, orgId: string, caller: Caller): boolean {
  return state.switches.keyReach === "account" || orgId === caller.orgId;
}

/** The caller's role in a project: his own, or the one that follows from the organization (inferred; two switches). */
export function roleInProject(upstream: Upstream, project: ProjectRow, caller: Caller): Role | null {
  const { state } = upstream;
  if (!isReached(upstream, project.org_id, caller)) return null;
  const own = findMember(project.members, caller.user.email)?.role ?? null;
  const organization = state.table(organizations).getEvenDeleted(project.org_id);
  const inherited = organization === undefined ? null : roleInOrganization(upstream, organization, caller);
  if (inherited === "OWNER" && state.switches.ownerReadsOrgProjects) return "OWNER";
  if (own === null && inherited !== null && state.switches.readerReadsOrgProjects) return inherited;
  return own;
}

/** May a read show this row? One that was deleted less than `deleteLagMs` ago still shows. */
export function isShown({ state }: Upstream, row: Row): boolean {
  return row.deleted_ms === null || nowMs() - row.deleted_ms < state.switches.deleteLagMs;
}

/** Does a list show this row? One that was created less than `listLagMs` ago does not yet. */
export function isListed(upstream: Upstream, row: Row): boolean {
  return isShown(upstream, row) && nowMs() - row.inserted_ms >= upstream.state.switches.listLagMs;
}

/** Does a look by id show this row to those who may read it? A new one not for `ownerSees404Ms`, though it is there. */
export function isFoundById({ state }: Upstream, row: Row): boolean {
  return nowMs() - row.inserted_ms >= state.switches.ownerSees404Ms;
}

/** The organization of the path. @throws {Refusal} 404 when it does not exist or the caller is no member (403 by a switch). */
export function organizationToRead(upstream: Upstream, call: Call): OrganizationRow {
  const organization = upstream.state.table(organizations).getEvenDeleted(call.param("org_id"));
  if (organization === undefined || !isShown(upstream, organization)) {
    throw refusalMessage(404, organizationNotFound);
  }
  if (roleInOrganization(upstream, organization, call.caller) === null) {
    throw refusalOfStranger(upstream, organizationNotFound);
  }
  return organization;
}

/** The organization of the path, for a change. @throws {Refusal} as for reading; 403 with this text for a READER (404 by a switch). */
export function organizationToChange(upstream: Upstream, call: Call, forbidden: string): OrganizationRow {
  const organization = organizationToRead(upstream, call);
  if (organization.deleted_ms !== null) throw refusalMessage(404, organizationNotFound);
  if (roleInOrganization(upstream, organization, call.caller) !== "OWNER") {
    throw refusalOfReader(upstream, forbidden, organizationNotFound);
  }
  return organization;
}

/** The project of the path. @throws {Refusal} 404 when either id is wrong or the caller has no role in it (then 403 by a switch). */
export function projectToRead(upstream: Upstream, call: Call): ProjectRow {
  const { state } = upstream;
  const organization = state.table(organizations).getEvenDeleted(call.param("org_id"));
  const project = state.table(projects).getEvenDeleted(call.param("project_id"));
  const isThere =
    organization !== undefined &&
    project?.org_id === organization.org_id &&
    isShown(upstream, organization) &&
    isShown(upstream, project);
  if (!isThere) throw refusalMessage(404, projectNotFound);
  if (roleInProject(upstream, project, call.caller) === null) {
    throw refusalOfStranger(upstream, projectNotFound);
  }
  return project;
}

/** The project of the path, for a change. @throws {Refusal} as for reading; 403 with this text for a READER (404 by a switch). */
export function projectToChange(upstream: Upstream, call: Call, forbidden: string): ProjectRow {
  const project = projectToRead(upstream, call);
  const organization = upstream.state.table(organizations).get(project.org_id);
  if (project.deleted_ms !== null || organization === undefined) throw refusalMessage(404, projectNotFound);
  if (roleInProject(upstream, project, call.caller) !== "OWNER") {
    throw refusalOfReader(upstream, forbidden, projectNotFound);
  }
  return project;
}

/** What somebody is answered who is no member of what is there. */
export function refusalOfStranger({ state }: Upstream, notFound: string): Refusal {
  return state.switches.strangerSees === "404"
    ? refusalMessage(404, notFound)
    : refusalMessage(403, "Unauthorized");
}

function refusalOfReader({ state }: Upstream, forbidden: string, notFound: string): Refusal {
  return state.switches.readerWrites === "403"
    ? refusalMessage(403, forbidden)
    : refusalMessage(404, notFound);
}
