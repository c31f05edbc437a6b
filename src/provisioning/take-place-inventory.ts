import type { Resource } from "../generated/prisma/client.ts";
import type { Member } from "../mem0/members.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import type { Organization } from "../mem0/organizations.ts";
import { getProject, listProjects, type Project } from "../mem0/projects.ts";
import { listWebhooks } from "../mem0/webhooks.ts";
import { proveList } from "../tenants/installation.ts";
import { firstCreateAt, recordUnknowable } from "../tenants/mapping.ts";
import { bearsMarker, markerOf } from "../tenants/marker.ts";
import { recordPresent } from "../tenants/resources-without-id.ts";
import { recordMemberNotThere } from "../tenants/restoration.ts";
import { adopt, type InventoryRules, type OwnedResource } from "./inventory-rules.ts";
import { isDefaultProject } from "./organization.ts";
import { distrustOf, invitedTo, isOwnerOf } from "./trust.ts";
import { desiredWebhook } from "./webhooks.ts";

/** The place of one tenant, while it is compared. */
interface Place {
  readonly rules: InventoryRules;
  readonly orgId: string;
  readonly key: string;
  /** Everything of the mapping that lies in the organization and is not GONE. */
  readonly resources: readonly Resource[];
}

/**
 * Compares what lies in one tenant's organization with the mapping: projects, members, settings, webhooks. Only as its
 * OWNER: what we do not see otherwise is no proof of anything. A repeat ends the same.
 * @throws {Mem0Error}
 */
export async function takePlaceInventory(
  rules: InventoryRules,
  { id, tenantId, tenant }: OwnedResource,
  organization: Organization,
): Promise<void> {
  const { prisma, mem0 } = rules.provisioning;
  const { orgId } = organization;
  const resources = await prisma.resource.findMany({
    where: { tenantId, id: { not: id }, state: { not: "GONE" } },
    orderBy: { id: "asc" },
  });
  if (!isOwnerOf(organization)) {
    for (const resource of resources) {
      await recordUnknowable(prisma, resource.id, `We are not OWNER of the organization ${orgId}.`);
    }
    return;
  }
  const place: Place = { rules, orgId, key: tenant.key, resources };
  await compareMembers(place, "ORGANIZATION_MEMBER", id, organization.members);
  const projects = await orAbsent(listProjects(mem0, orgId));
  if (projects === null) return;
  const oldestFirst = projects.toSorted(
    (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.projectId < b.projectId ? -1 : 1),
  );
  const accounted = new Set<string>();
  for (const resource of ofKind(place, "PROJECT")) {
    const project = await findProject(place, resource, oldestFirst);
    if (project === null) {
      await doubtIfMissing(rules, resource, `project ${resource.upstreamId}`);
      continue;
    }
    accounted.add(project.projectId);
    await compareProject(place, resource, project);
  }
  for (const project of projects) {
    if (accounted.has(project.projectId) || isDefaultProject(project)) continue;
    await rules.report({
      kind: "PROJECT",
      upstreamId: project.projectId,
      name: project.name,
      createdAt: project.createdAt,
      reason: `It lies in the organization of the tenant "${tenant.key}", and is not in the mapping.`,
    });
  }
}

function ofKind({ resources }: Place, kind: Resource["kind"]): Resource[] {
  return resources.filter((resource) => resource.kind === kind);
}

/** The project that a resource is: by its id, else by its marker where it is ours beyond doubt. Null: not there. */
async function findProject(
  { rules, orgId }: Place,
  resource: Resource,
  projects: readonly Project[],
): Promise<Project | null> {
  const { provisioning, mayAdopt } = rules;
  const { prisma, mem0, markerSecret, account } = provisioning;
  const { id, upstreamId } = resource;
  const isMarked = ({ description }: Project) => bearsMarker(description, markerOf(markerSecret, id));
  if (upstreamId !== null) {
    const listed = projects.find(({ projectId }) => projectId === upstreamId);
    if (listed !== undefined && isMarked(listed)) await proveList(prisma, account.id, "projects");
    // A list may be narrowed, or lag.
    const found = listed ?? (await orAbsent(getProject(mem0, orgId, upstreamId)));
    if (found !== null) await recordPresent(prisma, id);
    return found;
  }
  if (!mayAdopt) return null;
  const since = (await firstCreateAt(prisma, id)) ?? resource.createdAt;
  const invited = await invitedTo(provisioning, resource);
  for (const project of projects.filter(isMarked)) {
    const distrust = distrustOf(provisioning, { ...project, isOwner: isOwnerOf(project) }, since, invited);
    if (distrust !== null) {
      await recordUnknowable(
        prisma,
        id,
        `The project ${project.projectId} bears its marker, but ${distrust}.`,
      );
    } else if (await adopt(rules, id, project.projectId)) {
      await proveList(prisma, account.id, "projects");
      return project;
    }
  }
  return null;
}

async function compareProject(place: Place, resource: Resource, project: Project): Promise<void> {
  const { rules, key } = place;
  const { prisma, mem0 } = rules.provisioning;
  await compareMembers(place, "PROJECT_MEMBER", resource.id, project.members);
  for (const settings of ofKind(place, "PROJECT_SETTINGS")) {
    // Whether they are as asked for, the next read-back says. What was never set is not there with its project.
    const isOfProject = settings.parentId === resource.id;
    if (isOfProject && settings.presentAt !== null) await recordPresent(prisma, settings.id);
  }
  const webhooks = ofKind(place, "WEBHOOK").filter(({ parentId }) => parentId === resource.id);
  // Of Mem0's own project we keep no webhooks.
  if (resource.marker === null) return;
  const listed = await listWebhooks(mem0, project.projectId);
  const accounted = new Set<string>();
  for (const webhook of webhooks) {
    // Mem0 keeps a URL unique in its project, so it tells a webhook whose id we do not have.
    const found = listed.find(({ webhookId, url }) =>
      webhook.upstreamId === null ? url === desiredWebhook(webhook).url : webhookId === webhook.upstreamId,
    );
    if (found === undefined) {
      await doubtIfMissing(rules, webhook, `webhook ${webhook.upstreamId}`);
      continue;
    }
    accounted.add(found.webhookId);
    if (webhook.upstreamId !== null) await recordPresent(prisma, webhook.id);
    else if (rules.mayAdopt) await adopt(rules, webhook.id, found.webhookId);
  }
  for (const { webhookId, name, createdAt } of listed) {
    if (accounted.has(webhookId)) continue;
    await rules.report({
      ...{ kind: "WEBHOOK", upstreamId: webhookId, name },
      // A webhook need not say when it was made; no earlier than its project.
      createdAt: createdAt ?? project.createdAt,
      reason: `It lies in the project of the tenant "${key}", and is not in the mapping.`,
    });
  }
}

async function compareMembers(
  { rules, resources }: Place,
  kind: "ORGANIZATION_MEMBER" | "PROJECT_MEMBER",
  parentId: string,
  found: readonly Member[],
): Promise<void> {
  const { prisma } = rules.provisioning;
  const emails = new Set(found.map(({ email }) => email?.toLowerCase()));
  for (const member of resources) {
    if (member.kind !== kind || member.parentId !== parentId) continue;
    if (emails.has(member.name.toLowerCase())) await recordPresent(prisma, member.id);
    else if (member.presentAt === null) await recordMemberNotThere(prisma, member.id);
    else await doubtIfMissing(rules, member, `member ${member.name}`);
  }
}

/** What was there before, and is not found where its OWNER would see it, is UNKNOWN. What was never made stays as it is. */
async function doubtIfMissing(
  { provisioning, at, madeBefore }: InventoryRules,
  { id, presentAt }: Resource,
  what: string,
): Promise<void> {
  if (presentAt === null || presentAt >= madeBefore) return;
  const reason = `The ${what} was not found in the inventory of ${at.toISOString()}.`;
  await recordUnknowable(provisioning.prisma, id, reason);
}
