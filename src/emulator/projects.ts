import {
  isFoundById,
  isListed,
  isShown,
  organizationToChange,
  projectToChange,
  projectToRead,
  refusalOfStranger,
  roleInOrganization,
  roleInProject,
} from "./access.ts";
import { answerAdminList } from "./admin-list.ts";
import { type Answer, json } from "./answer.ts";
import { BodyFields } from "./body-fields.ts";
import type { Call, Caller } from "./call.ts";
import { deletionOf } from "./cascade.ts";
import { formatDate, nowMs } from "./clock.ts";
import { creatorOf, shownMembers } from "./members.ts";
import { readName } from "./names.ts";
import { newPlaceId } from "./place-id.ts";
import { freshSettings, readSettings, settingsOf, shownSettings } from "./project-settings.ts";
import { randomId } from "./random-id.ts";
import { type Refusal, refusalErrors, refusalFields, refusalMessage } from "./refusal.ts";
import type { Resource, Upstream } from "./resource.ts";
import { type OrganizationRow, organizations, type ProjectRow, projects } from "./rows.ts";
import type { Switches } from "./switches.ts";
import { type Put, put } from "./table.ts";

const collection = "/api/v1/orgs/organizations/{org_id}/projects/";
const single = "/api/v1/orgs/organizations/{org_id}/projects/{project_id}/";

/** Projects: create (200, not 201), list, get, PATCH (never PUT), delete. */
export const projectResource: Resource = {
  routes: [
    { method: "POST", path: collection, handle: createProject },
    { method: "GET", path: collection, handle: listProjects },
    { method: "GET", path: single, handle: getProject },
    { method: "PATCH", path: single, handle: updateProject },
    { method: "DELETE", path: single, handle: deleteProject },
  ],
  tables: [projects],
};

/** The project every new organization comes with (live data shows one named `default-project`). */
export function defaultProject(
  { defaultProjectMarks, defaultProjectMembers }: Switches,
  organization: OrganizationRow,
  projectId = randomId("proj_", 40),
): Put {
  const isNamed = defaultProjectMarks === "both" || defaultProjectMarks === "name";
  const { org_id, members, created_ms, updated_ms, inserted_ms } = organization;
  return put(projects, {
    project_id: projectId,
    org_id,
    name: isNamed ? "default-project" : "first-project",
    members: defaultProjectMembers === "none" ? [] : members.filter((member) => member.role === "OWNER"),
    is_default: true,
    ...freshSettings,
    created_ms,
    updated_ms,
    inserted_ms,
    deleted_ms: null,
  });
}

function createProject(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const forbidden = "Unauthorized to create projects in this organization.";
  const organization = organizationToChange(upstream, call, forbidden);
  const fields = new BodyFields(call.body());
  const name = readName(upstream, fields, true);
  const { description } = readSettings(fields);
  if (name === null || !fields.areValid) throw refusalMessage(400, "Project could not be created.");
  if (state.switches.equalNamesRefused && hasNamed(upstream, organization, name)) {
    throw refusalMessage(400, "A project with this name already exists in this organization.");
  }
  const insertedMs = nowMs();
  const createdMs = insertedMs + state.switches.createdAtSkewMs;
  const project: ProjectRow = {
    project_id: newPlaceId(upstream, "proj_"),
    org_id: organization.org_id,
    name,
    members: creatorOf(upstream, call.caller),
    is_default: false,
    ...freshSettings,
    description: state.switches.projectDescriptionKept ? (description ?? null) : null,
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: insertedMs,
    deleted_ms: null,
  };
  state.commit([put(projects, project)]);
  return json(200, { message: "Project created successfully.", project_id: project.project_id });
}

/** Lists what the caller has a role in. Without any, and no member of the organization: 404 (inferred; 403 by a switch). */
function listProjects(upstream: Upstream, call: Call): Answer {
  const organization = upstream.state.table(organizations).getEvenDeleted(call.param("org_id"));
  if (organization === undefined || !isShown(upstream, organization)) {
    throw refusalMessage(404, "Organization not found");
  }
  const seen = upstream.state
    .table(projects)
    .childrenOf(organization.org_id)
    .filter(
      (project) => isShown(upstream, project) && roleInProject(upstream, project, call.caller) !== null,
    );
  if (seen.length === 0 && roleInOrganization(upstream, organization, call.caller) === null) {
    throw refusalOfStranger(upstream, "Organization not found");
  }
  const listed = seen.filter((project) => isListed(upstream, project));
  return answerAdminList(upstream, call, listed, (project) => projectObject(upstream, project, call.caller));
}

function getProject(upstream: Upstream, call: Call): Answer {
  const project = projectToRead(upstream, call);
  if (!isFoundById(upstream, project)) throw refusalMessage(404, "Organization or project not found");
  const object = projectObject(upstream, project, call.caller);
  const wanted = call.query.getAll("fields");
  if (!upstream.state.switches.projectFieldsNarrow || wanted.length === 0) return json(200, object);
  return json(200, Object.fromEntries(Object.entries(object).filter(([name]) => wanted.includes(name))));
}

function updateProject(upstream: Upstream, call: Call): Answer {
  const { state } = upstream;
  const project = projectToChange(upstream, call, "Unauthorized to modify this project.");
  const fields = new BodyFields(call.body());
  const name = readName(upstream, fields, false);
  const changes = readSettings(fields);
  if (!fields.areValid) throw refusalOfPatch(upstream, fields);
  if (!state.switches.usecaseReadsBack) delete changes.usecase;
  const isEmpty = name === null && Object.keys(changes).length === 0;
  if (isEmpty && state.switches.emptyProjectPatch === "refuse") {
    throw refusalMessage(400, "At least one field must be provided.");
  }
  const updated = { ...project, ...changes, name: name ?? project.name, updated_ms: nowMs() };
  state.commit([put(projects, updated)]);
  return json(200, { message: "Project updated successfully" });
}

function deleteProject(upstream: Upstream, call: Call): Answer {
  const project = projectToChange(upstream, call, "Unauthorized to modify this project.");
  if (project.is_default && !upstream.state.switches.defaultsCanBeDeleted) {
    throw refusalMessage(400, "The default project cannot be deleted.");
  }
  upstream.state.commit(deletionOf(upstream, projects, project));
  return json(200, { message: "Project and related data deleted successfully." });
}

/** The body is not documented; a serializer's own faults by field are taken (inferred), and two more are a switch. */
function refusalOfPatch({ state }: Upstream, { errors }: BodyFields): Refusal {
  switch (state.switches.projectPatchRefusal) {
    case "fields":
      return refusalFields(errors);
    case "errors":
      return refusalErrors(errors);
    case "message":
      return refusalMessage(400, "Project could not be updated.");
  }
}

function hasNamed({ state }: Upstream, organization: OrganizationRow, name: string): boolean {
  return state
    .table(projects)
    .childrenOf(organization.org_id)
    .some((project) => project.deleted_ms === null && project.name === name);
}

/** The object as the API shows it to this caller: no `id` and no `org_id` (Mem0 OpenAPI, corrected against live answers). */
function projectObject(upstream: Upstream, project: ProjectRow, caller: Caller): object {
  const { switches } = upstream.state;
  const { dates, defaultProjectMarks: marks } = switches;
  return {
    project_id: project.project_id,
    ...(switches.projectShowsOrgId ? { org_id: project.org_id } : {}),
    name: project.name,
    created_at: formatDate(project.created_ms, dates),
    updated_at: formatDate(project.updated_ms, dates),
    ...shownMembers(upstream, project.members),
    is_default: project.is_default && (marks === "both" || marks === "is_default"),
    ...shownSettings(switches, settingsOf(project)),
    ...(switches.ownRoleShown ? { user_role: roleInProject(upstream, project, caller) } : {}),
  };
}
