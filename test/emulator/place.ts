import type { Rig } from "./rig.ts";

/** An organization with a project in it, both made through the API, and their paths. */
export interface Place {
  readonly orgId: string;
  readonly projectId: string;
  readonly organization: string;
  readonly project: string;
  readonly webhooks: string;
}

/** Makes an organization and a project in it. */
export async function newPlace(rig: Rig): Promise<Place> {
  const orgId = await rig.createOrganization();
  const projectId = await rig.createProject(orgId);
  return {
    orgId,
    projectId,
    organization: rig.organizationPath(orgId),
    project: rig.projectPath(orgId, projectId),
    webhooks: rig.webhooksPath(projectId),
  };
}

/** A client of somebody who is a READER of the organization and the project, and has a key of a place of his own. */
export async function newReader(rig: Rig, place: Place, email = "ada@acme.test"): Promise<Rig> {
  const reader = await rig.somebodyElse(email);
  const membership = { org_id: place.orgId, email, role: "READER" };
  await rig.control("POST", "members", membership);
  await rig.control("POST", "members", { ...membership, project_id: place.projectId });
  return reader;
}
