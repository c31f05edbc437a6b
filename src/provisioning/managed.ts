import { orAbsent } from "../mem0/or-absent.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { listProjects } from "../mem0/projects.ts";
import type { CallOptions } from "../mem0/request.ts";
import { listWebhooks } from "../mem0/webhooks.ts";
import { ManagedByTenant, type TenantMutation } from "../tenants/managed-refusals.ts";
import {
  findByMarker,
  findManaged,
  hasUnidentifiedOrganizations,
  type UpstreamId,
} from "../tenants/managed-resources.ts";
import type { Db } from "../tenants/mapping.ts";
import { trailingMarker } from "../tenants/marker.ts";
import { InvalidInput, UpstreamNotFound } from "../tenants/refusals.ts";
import type { Provisioning } from "./provisioning.ts";

/**
 * Something in Mem0 by Mem0's ids: an organization, a project in it, or a webhook in that. Members and settings go by what
 * they are of.
 */
export interface UpstreamThing {
  readonly organizationId: string;
  readonly projectId?: string;
  readonly webhookId?: string;
}

/** What is about to be done to it: DELETE_PLACE deletes the organization or project itself. */
export type UpstreamDeed = "DELETE_PLACE" | "CHANGE";

/**
 * Refuses to change what is managed: what is in the mapping of a tenant that is not closed, and all that lies in it, made by
 * whomever. Asks our own rows alone.
 * @throws {ManagedByTenant}
 */
export async function refuseManaged(db: Db, thing: UpstreamThing, deed: UpstreamDeed): Promise<void> {
  const ids = idsOf(thing);
  const managed = await findManaged(db, ids);
  // From the inside out: whether the thing itself is a tenant's, and not only what it lies in, decides what to do instead.
  for (const id of ids) {
    const found = managed.find(({ kind, upstreamId }) => kind === id.kind && upstreamId === id.upstreamId);
    if (found === undefined) continue;
    const { tenant } = found;
    const whose = `the tenant "${tenant.key}" (${tenant.status})`;
    const isItself = id === ids[0];
    if (tenant.accountId !== null) {
      const message = `It is of ${whose}, on its customer's own account: the customer changes it in Mem0; offboardTenant lets go of it.`;
      throw new ManagedByTenant(tenant.id, "offboardTenant", message);
    }
    // To off-board a whole tenant is no way to get rid of something that is not even in its mapping.
    const use: TenantMutation = deed === "DELETE_PLACE" && isItself ? "offboardTenant" : "changePlace";
    const what = isItself ? "It is of" : `It lies in the ${id.kind.toLowerCase()} of`;
    throw new ManagedByTenant(tenant.id, use, `${what} ${whose}: use ${use}, which keeps the mapping true.`);
  }
}

/**
 * Reads in Mem0 what our rows cannot tell, with at most three GETs: that the organization is none that a sign-up is just
 * making, or whose answer it lost (only its marker says whose it is; not asked while there can be none); that the project
 * lies in this organization, and the webhook in this project. Lists say so for certain, where the paths of webhooks do not
 * even name the project; something that was made a moment ago may not be listed yet.
 * @throws {ManagedByTenant} {UpstreamNotFound}
 * @throws {Mem0Error}
 */
export async function lookBeforeChange(
  { prisma, mem0 }: Provisioning,
  thing: UpstreamThing,
  deed: UpstreamDeed,
  options?: CallOptions,
): Promise<void> {
  const { organizationId, projectId, webhookId } = thing;
  if (await hasUnidentifiedOrganizations(prisma)) {
    const organization = await orAbsent(getOrganization(mem0, organizationId, options));
    if (organization === null) throw new UpstreamNotFound(`organization ${organizationId}`);
    await refuseMarked(prisma, organization.name, deed);
  }
  if (projectId === undefined) return;
  const projects = await orAbsent(listProjects(mem0, organizationId, options));
  if (!projects?.some((project) => project.projectId === projectId)) {
    throw new UpstreamNotFound(`project ${projectId} in ${organizationId}`);
  }
  if (webhookId === undefined) return;
  const webhooks = await listWebhooks(mem0, projectId, options);
  if (!webhooks.some((webhook) => webhook.webhookId === webhookId)) {
    throw new UpstreamNotFound(`webhook ${webhookId} in ${projectId}`);
  }
}

/**
 * Refuses to delete the organization and the project that the platform's own key is bound to.
 * @throws {InvalidInput} naming the field
 */
export async function refuseOwnPlace(provisioning: Provisioning, thing: UpstreamThing): Promise<void> {
  const { id } = provisioning.account;
  const own = await provisioning.prisma.mem0Account.findUniqueOrThrow({ where: { id } });
  const { organizationId, projectId } = thing;
  if (projectId === undefined && organizationId === own.orgId) {
    throw refused("organizationId", "Is the organization of the platform's own key, and is never deleted.");
  }
  if (projectId === own.projectId) {
    throw refused("projectId", "Is the project of the platform's own key, and is never deleted.");
  }
}

/**
 * Refuses to remove the platform's own account as a member, or to make it less than an OWNER. Adding it with a lesser role is
 * the same, for Mem0 may take that for a change (what it does with who is a member already is not documented).
 * @throws {InvalidInput} naming the field
 */
export function refuseOwnMembership(
  { account }: Provisioning,
  member: { readonly email: string; readonly role: string | null },
): void {
  const isOwn = member.email.trim().toLowerCase() === account.userEmail.trim().toLowerCase();
  if (!isOwn || member.role === "OWNER") return;
  throw refused("email", "Is the platform's own account, which is never removed or demoted.");
}

async function refuseMarked(db: Db, name: string, deed: UpstreamDeed): Promise<void> {
  const marker = trailingMarker(name);
  const tenant = marker === null ? null : await findByMarker(db, marker);
  if (tenant === null) return;
  throw new ManagedByTenant(
    tenant.id,
    deed === "DELETE_PLACE" ? "offboardTenant" : "changePlace",
    `Its name bears the marker of the tenant "${tenant.key}" (${tenant.status}), whose operation decides about it.`,
  );
}

/** From the inside out. */
function idsOf({ organizationId, projectId, webhookId }: UpstreamThing): UpstreamId[] {
  const ids: UpstreamId[] = [{ kind: "ORGANIZATION", upstreamId: organizationId }];
  if (projectId !== undefined) ids.unshift({ kind: "PROJECT", upstreamId: projectId });
  if (webhookId !== undefined) ids.unshift({ kind: "WEBHOOK", upstreamId: webhookId });
  return ids;
}

function refused(field: string, message: string): InvalidInput {
  return new InvalidInput([{ field, message }]);
}
