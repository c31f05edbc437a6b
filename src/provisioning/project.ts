import type { Prisma, Resource } from "../generated/prisma/client.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { createProject, deleteProject, getProject, type Project } from "../mem0/projects.ts";
import { listWebhooks } from "../mem0/webhooks.ts";
import { readResource, recordGone } from "../tenants/mapping.ts";
import { bearsMarker, withMarker } from "../tenants/marker.ts";
import { mainProjectName } from "../tenants/tenant-store.ts";
import { type Making, makeOnce, removeTwins, whatWasMade } from "./make-once.ts";
import { projectsBearing } from "./one-list.ts";
import { organizationOf } from "./organization.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Removal, removeAndProve } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";
import { distrustOf, distrustOfMaker, isOwnerOf } from "./trust.ts";

type Context = SagaContext<unknown>;

/** The tenant's own project in the mapping (not Mem0's `default-project`, which is recorded beside it). */
export function projectOf(context: Context): Resource {
  const project = context.resources("PROJECT").find(({ name }) => name === mainProjectName);
  if (project === undefined) throw new Error("The tenant has no project in its mapping.");
  return project;
}

/**
 * Makes the tenant's project in this organization, once. Answers Mem0's id of it. `answer`: see `Making`.
 * @throws as `makeOnce`
 */
export async function makeProject(
  context: Context,
  orgId: string,
  answer?: (projectId: string) => Prisma.InputJsonObject,
): Promise<string> {
  return makeOnce(context, {
    ...projectMaking(context, orgId),
    ...(answer === undefined ? {} : { answer }),
  });
}

/**
 * Removes the tenant's project, if one was made, and proves it. What lay in it is GONE with it. A repeat does nothing.
 * @throws as `whatWasMade` and `removeAndProve`
 */
export async function removeProject(context: Context): Promise<void> {
  const { provisioning } = context;
  const { prisma } = provisioning;
  const project = await readResource(prisma, projectOf(context).id);
  if (project.state === "GONE") return;
  const { upstreamId: orgId } = await readResource(prisma, organizationOf(context).id);
  const projectId =
    project.upstreamId ?? (orgId === null ? null : await whatWasMade(context, projectMaking(context, orgId)));
  if (projectId === null || orgId === null) {
    await recordGone(prisma, { resourceId: project.id, attemptId: null, goneBy: "NEVER_MADE" });
    return;
  }
  await removeAndProve(context, project.id, projectRemoval(provisioning, orgId, projectId), "resource");
}

/**
 * Looks for twins of the tenant's project and removes them. Answers how many; 0 where the organization is gone, for
 * then its projects went with it.
 * @throws as `removeTwins`
 */
export async function removeTwinProjects(context: Context): Promise<number> {
  const { prisma } = context.provisioning;
  const organization = await readResource(prisma, organizationOf(context).id);
  if (organization.state === "GONE" || organization.upstreamId === null) return 0;
  const project = await readResource(prisma, projectOf(context).id);
  const keep = project.state === "GONE" ? null : project.upstreamId;
  return removeTwins(context, projectMaking(context, organization.upstreamId), keep);
}

function projectMaking(context: Context, orgId: string): Making {
  const { provisioning, tenant } = context;
  const { mem0 } = provisioning;
  const { id: resourceId, marker } = projectOf(context);
  if (marker === null) throw new Error(`Project ${resourceId} has no marker.`);
  // Members of the organization are added while the project is made, and may show in it at once.
  const invited = context.resources("ORGANIZATION_MEMBER").map(({ name }) => name);
  const distrustOfProject = (project: Project, since: Date) =>
    bearsMarker(project.description, marker)
      ? (distrustOf(provisioning, { ...project, isOwner: isOwnerOf(project) }, since, invited) ??
        distrustOfMaker(provisioning, project.members))
      : "its description does not end in the marker as we write it";
  const description = withMarker(`The memories of ${tenant.name}. Managed by Loci.`, marker);
  return {
    resourceId,
    what: "project",
    list: "projects",
    create: async () => (await createProject(mem0, orgId, { name: tenant.name, description })).projectId,
    look: async (since) =>
      (await projectsBearing(provisioning, orgId, marker)).map((project) => ({
        upstreamId: project.projectId,
        createdAt: project.createdAt,
        distrust: distrustOfProject(project, since),
        whyKeep: async () =>
          (await listWebhooks(mem0, project.projectId)).length > 0 ? "it has webhooks" : null,
        removal: projectRemoval(provisioning, orgId, project.projectId),
      })),
  };
}

function projectRemoval({ mem0 }: Provisioning, orgId: string, projectId: string): Removal {
  return {
    what: `project ${projectId}`,
    upstreamId: projectId,
    isAbsenceSeen: false,
    observe: async () => {
      const project = await orAbsent(getProject(mem0, orgId, projectId));
      if (project === null) return "absent";
      return isOwnerOf(project) ? "owner" : "not-owner";
    },
    remove: () => deleteProject(mem0, orgId, projectId),
    isGone: async () => (await orAbsent(getProject(mem0, orgId, projectId))) === null,
  };
}
