import type { Resource } from "../generated/prisma/client.ts";
import { Mem0Error } from "../mem0/errors.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { getProject } from "../mem0/projects.ts";
import { listWebhooks } from "../mem0/webhooks.ts";
import { firstCreateAt } from "../tenants/mapping.ts";
import { bearsMarker } from "../tenants/marker.ts";
import { UpstreamNotReadable } from "../tenants/refusals.ts";
import { isDefaultProject } from "./organization.ts";
import type { Provisioning } from "./provisioning.ts";
import { distrustsOf, invitedTo, isOwnerOf, type Likeness } from "./trust.ts";
import { desiredWebhook } from "./webhooks.ts";

/**
 * Reads a thing upstream that an operator takes for this resource, and says everything that speaks against it; null when
 * Mem0 does not show it to us. `parents` are what it lies in, from the organization down, each with its upstream id.
 * Only reads.
 * @throws {UpstreamNotReadable} when Mem0 does not answer, or refuses
 */
export async function inspectUpstream(
  provisioning: Provisioning,
  resource: Resource,
  parents: readonly Resource[],
  upstreamId: string,
): Promise<string[] | null> {
  const [orgId, projectId] = parents.map((parent) => parent.upstreamId ?? "");
  return readingUpstream(async () => {
    if (resource.kind === "ORGANIZATION") return inspectOrganization(provisioning, resource, upstreamId);
    if (orgId === undefined) throw new Error(`Resource ${resource.id} lies in no organization.`);
    if (resource.kind === "PROJECT") return inspectProject(provisioning, resource, orgId, upstreamId);
    if (projectId === undefined) throw new Error(`Resource ${resource.id} lies in no project.`);
    return inspectWebhook(provisioning, resource, { orgId, projectId }, upstreamId);
  });
}

/**
 * Runs something that reads Mem0 for an operator, who waits for it and can try again himself.
 * @throws {UpstreamNotReadable} instead of any {Mem0Error}
 */
export async function readingUpstream<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Mem0Error) throw new UpstreamNotReadable(error.message, error.retryable);
    throw error;
  }
}

async function inspectOrganization(
  provisioning: Provisioning,
  resource: Resource,
  orgId: string,
): Promise<string[] | null> {
  const found = await orAbsent(getOrganization(provisioning.mem0, orgId));
  if (found === null) return null;
  const likeness = { ...found, isOwner: isOwnerOf(found) };
  const problems = await distrusts(provisioning, resource, likeness, []);
  return [...markerProblems(resource, "name", found.name), ...problems];
}

async function inspectProject(
  provisioning: Provisioning,
  resource: Resource,
  orgId: string,
  projectId: string,
): Promise<string[] | null> {
  const found = await orAbsent(getProject(provisioning.mem0, orgId, projectId));
  if (found === null) return null;
  const likeness = { ...found, isOwner: isOwnerOf(found) };
  const invited = await invitedTo(provisioning, resource);
  const problems = await distrusts(provisioning, resource, likeness, invited);
  if (isDefaultProject(found))
    problems.unshift("it is the project that Mem0 itself put into the organization");
  return [...markerProblems(resource, "description", found.description), ...problems];
}

/** A webhook is ours by its project, which must be ours, and its URL; see `webhooks.ts`. */
async function inspectWebhook(
  { mem0 }: Provisioning,
  resource: Resource,
  { orgId, projectId }: { readonly orgId: string; readonly projectId: string },
  webhookId: string,
): Promise<string[] | null> {
  const [project, webhooks] = await Promise.all([
    orAbsent(getProject(mem0, orgId, projectId)),
    listWebhooks(mem0, projectId),
  ]);
  const found = webhooks.find((webhook) => webhook.webhookId === webhookId);
  if (project === null || found === undefined) return null;
  const problems: string[] = [];
  if (!isOwnerOf(project)) problems.push("we are not the owner of its project");
  if (found.url !== desiredWebhook(resource).url) problems.push("its URL is not the one that was asked for");
  return problems;
}

function markerProblems({ marker }: Resource, where: string, text: string | null): string[] {
  const isMarked = marker !== null && bearsMarker(text, marker);
  return isMarked ? [] : [`its ${where} does not end in the marker of this resource`];
}

async function distrusts(
  provisioning: Provisioning,
  resource: Resource,
  likeness: Likeness,
  invited: readonly string[],
): Promise<string[]> {
  const since = await firstCreateAt(provisioning.prisma, resource.id);
  const problems = distrustsOf(provisioning, likeness, since ?? new Date(0), invited);
  return since === null ? ["we never sent a create for it", ...problems] : problems;
}
