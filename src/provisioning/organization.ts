import type { Prisma, Resource } from "../generated/prisma/client.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  type Organization,
} from "../mem0/organizations.ts";
import { listProjects, type Project } from "../mem0/projects.ts";
import { listWebhooks } from "../mem0/webhooks.ts";
import { readResource, recordGone } from "../tenants/mapping.ts";
import { bearsMarker, withMarker } from "../tenants/marker.ts";
import { type Making, makeOnce, removeTwins, whatWasMade } from "./make-once.ts";
import { organizationsBearing } from "./one-list.ts";
import type { Provisioning } from "./provisioning.ts";
import { type Removal, removeAndProve } from "./remove-and-prove.ts";
import type { SagaContext } from "./saga.ts";
import { distrustOf, isOwnerOf } from "./trust.ts";

type Context = SagaContext<unknown>;

/** The tenant's organization in the mapping. */
export function organizationOf(context: Context): Resource {
  const [organization] = context.resources("ORGANIZATION");
  if (organization === undefined) throw new Error("The tenant has no organization in its mapping.");
  return organization;
}

/**
 * Makes the tenant's organization, once. Answers Mem0's id of it. `answer`: see `Making`.
 * @throws as `makeOnce`
 */
export async function makeOrganization(
  context: Context,
  answer?: (orgId: string) => Prisma.InputJsonObject,
): Promise<string> {
  return makeOnce(context, { ...organizationMaking(context), ...(answer === undefined ? {} : { answer }) });
}

/**
 * Removes the tenant's organization, if one was made, and proves it. Everything of the mapping that lay in it is GONE
 * with it. A repeat does nothing.
 * @throws as `whatWasMade` and `removeAndProve`
 */
export async function removeOrganization(context: Context): Promise<void> {
  const { provisioning } = context;
  const organization = await readResource(provisioning.prisma, organizationOf(context).id);
  if (organization.state === "GONE") return;
  const orgId = organization.upstreamId ?? (await whatWasMade(context, organizationMaking(context)));
  if (orgId === null) {
    await recordGone(provisioning.prisma, {
      resourceId: organization.id,
      attemptId: null,
      goneBy: "NEVER_MADE",
    });
    return;
  }
  await removeAndProve(context, organization.id, organizationRemoval(provisioning, orgId), "resource");
}

/** Looks for twins of the tenant's organization and removes them. Answers how many. @throws as `removeTwins` */
export async function removeTwinOrganizations(context: Context): Promise<number> {
  const organization = await readResource(context.provisioning.prisma, organizationOf(context).id);
  const keep = organization.state === "GONE" ? null : organization.upstreamId;
  return removeTwins(context, organizationMaking(context), keep);
}

function organizationMaking(context: Context): Making {
  const { provisioning, tenant } = context;
  const { mem0 } = provisioning;
  const { id: resourceId, marker } = organizationOf(context);
  if (marker === null) throw new Error(`Organization ${resourceId} has no marker.`);
  return {
    resourceId,
    what: "organization",
    list: "organizations",
    create: async () => (await createOrganization(mem0, { name: withMarker(tenant.name, marker) })).orgId,
    look: async (since) =>
      (await organizationsBearing(provisioning, marker)).map((organization) => ({
        upstreamId: organization.orgId,
        createdAt: organization.createdAt,
        distrust: bearsMarker(organization.name, marker)
          ? distrustOf(provisioning, { ...organization, isOwner: isOwnerOf(organization) }, since, [])
          : "its name does not end in the marker as we write it",
        whyKeep: () => whyKeep(provisioning, organization),
        removal: organizationRemoval(provisioning, organization.orgId),
      })),
  };
}

/** What is in an organization that we just made, or only thought we did not: nothing, if it is ours. */
async function whyKeep({ mem0 }: Provisioning, { orgId }: Organization): Promise<string | null> {
  const projects = await listProjects(mem0, orgId);
  const others = projects.filter((project) => !isDefaultProject(project));
  if (others.length > 0) return `it holds the project ${others[0]?.projectId}`;
  for (const { projectId } of projects) {
    if ((await listWebhooks(mem0, projectId)).length > 0)
      return `its default project ${projectId} has webhooks`;
  }
  return null;
}

function organizationRemoval({ mem0 }: Provisioning, orgId: string): Removal {
  return {
    what: `organization ${orgId}`,
    upstreamId: orgId,
    isAbsenceSeen: false,
    observe: async () => {
      const organization = await orAbsent(getOrganization(mem0, orgId));
      if (organization === null) return "absent";
      return isOwnerOf(organization) ? "owner" : "not-owner";
    },
    remove: () => deleteOrganization(mem0, orgId),
    isGone: async () => (await orAbsent(getOrganization(mem0, orgId))) === null,
  };
}

/**
 * Whether a project is the one that Mem0 puts into every new organization. It says so itself; where it does not, its name
 * does (Mem0 docs: `default-project`).
 */
export function isDefaultProject({ isDefault, name }: Pick<Project, "isDefault" | "name">): boolean {
  return isDefault ?? name === "default-project";
}
