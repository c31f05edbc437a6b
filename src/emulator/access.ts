import type { Call, Caller } from "./call.ts";
import { nowMs } from "./clock.ts";
import { findMember } from "./members.ts";
import { type Refusal, refusalError, refusalMessage } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import {
  type OrganizationRow,
  organizations,
  type ProjectRow,
  projects,
  type Role,
  type WebhookRow,
  webhooks,
} from "./rows.ts";
import type { Row } from "./table.ts";

const organizationNotFound = "Organization not found";
const projectNotFound = "Organization or project not found";

/** The caller's role in the organization itself; null for a non-member. */
export function roleInOrganization(organization: OrganizationRow, caller: Caller): Role | null {
  return findMember(organization.members, caller.user.email)?.role ?? null;
}

/** The caller's role in a project: his own, or the one that follows from the organization (inferred; two switches). */
export function roleInProject({ state }: Upstream, project: ProjectRow, caller: Caller): Role | null {
  const own = findMember(project.members, caller.user.email)?.role ?? null;
  const organization = state.table(organizations).getEvenDeleted(project.org_id);
  const inherited = organization === undefined ? null : roleInOrganization(organization, caller);
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

/** The organization of the path. @throws {Refusal} 404 when it does not exist or the caller is no member. */
export function organizationToRead(upstream: Upstream, call: Call): OrganizationRow {
  const organization = upstream.state.table(organizations).getEvenDeleted(call.param("org_id"));
  if (organization === undefined || !isShown(upstream, organization)) {
    throw refusalMessage(404, organizationNotFound);
  }
  if (roleInOrganization(organization, call.caller) === null) {
    throw refusalMessage(404, organizationNotFound);
  }
  return organization;
}

/** The organization of the path, for a change. @throws {Refusal} 404 as for reading; 403 with this text for a READER. */
export function organizationToChange(upstream: Upstream, call: Call, forbidden: string): OrganizationRow {
  const organization = organizationToRead(upstream, call);
  if (organization.deleted_ms !== null) throw refusalMessage(404, organizationNotFound);
  if (roleInOrganization(organization, call.caller) !== "OWNER") throw refusalMessage(403, forbidden);
  return organization;
}

/** The project of the path. @throws {Refusal} 404 when either id is wrong or the caller has no role in it. */
export function projectToRead(upstream: Upstream, call: Call): ProjectRow {
  const { state } = upstream;
  const organization = state.table(organizations).getEvenDeleted(call.param("org_id"));
  const project = state.table(projects).getEvenDeleted(call.param("project_id"));
  const isThere =
    organization !== undefined &&
    project?.org_id === organization.org_id &&
    isShown(upstream, organization) &&
    isShown(upstream, project);
  if (!isThere || roleInProject(upstream, project, call.caller) === null) {
    throw refusalMessage(404, projectNotFound);
  }
  return project;
}

/** The project of the path, for a change. @throws {Refusal} 404 as for reading; 403 with this text for a READER. */
export function projectToChange(upstream: Upstream, call: Call, forbidden: string): ProjectRow {
  const project = projectToRead(upstream, call);
  const organization = upstream.state.table(organizations).get(project.org_id);
  if (project.deleted_ms !== null || organization === undefined) throw refusalMessage(404, projectNotFound);
  if (roleInProject(upstream, project, call.caller) !== "OWNER") throw refusalMessage(403, forbidden);
  return project;
}

/** The project whose webhooks are read. @throws {Refusal} 403 alike for no such project and no role in it. */
export function webhookProjectToRead(upstream: Upstream, call: Call): ProjectRow {
  const project = upstream.state.table(projects).getEvenDeleted(call.param("project_id"));
  if (project === undefined || !isShown(upstream, project)) throw noAccessToProject();
  if (roleInProject(upstream, project, call.caller) === null) throw noAccessToProject();
  return project;
}

/** The project that gets a webhook. @throws {Refusal} 403 unless it lives and the caller is OWNER in it. */
export function webhookProjectToChange(upstream: Upstream, call: Call): ProjectRow {
  const project = webhookProjectToRead(upstream, call);
  const isOwner = roleInProject(upstream, project, call.caller) === "OWNER";
  if (project.deleted_ms !== null || !isOwner) throw noAccessToProject();
  return project;
}

/**
 * The webhook of the path, for a change.
 * @throws {Refusal} 404 when there is none; 403 unless the caller is OWNER in its project. A webhook that outlived its
 *   project (a switch) keeps the project's members.
 */
export function webhookToChange(upstream: Upstream, call: Call): WebhookRow {
  const webhook = upstream.state.table(webhooks).get(call.param("webhook_id"));
  if (webhook === undefined) throw refusalError(404, "Webhook not found");
  const project = upstream.state.table(projects).getEvenDeleted(webhook.project_id);
  if (project === undefined || roleInProject(upstream, project, call.caller) !== "OWNER") {
    throw refusalError(403, "You don't have access to this webhook");
  }
  return webhook;
}

function noAccessToProject(): Refusal {
  return refusalError(403, "You don't have access to this project");
}
