import type { Resource } from "../generated/prisma/client.ts";
import { Mem0Refused } from "../mem0/errors.ts";
import type { Member } from "../mem0/members.ts";
import { addOrganizationMember } from "../mem0/organization-members.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { addProjectMember } from "../mem0/project-members.ts";
import { getProject } from "../mem0/projects.ts";
import { recordAwaiting, recordPresent } from "../tenants/mapping.ts";
import { memberSchema } from "../tenants/place.ts";
import { StepRefused } from "./failures.ts";
import { inParallel } from "./in-parallel.ts";
import type { SagaContext } from "./saga.ts";

type Context = SagaContext<unknown>;

/** How the organization's members are to be added. */
export interface OrganizationMembersToAdd {
  readonly orgId: string;
  readonly onUnknownMember: "WAIT" | "FAIL";
  /** Whether some may be in it already, so that it looks before it adds. A retried attempt looks in any case. */
  readonly mayBeThere: boolean;
}

/**
 * Adds the tenant's members to its organization, side by side. An e-mail that belongs to no Mem0 user waits, in the
 * organization and in the project. Adding cannot make twins, so what a lost answer leaves open is seen in the
 * organization's embedded members, which carry the e-mail (the members list does not: Mem0 OpenAPI).
 * @throws {StepRefused} for an unknown e-mail when the policy is FAIL
 * @throws {Mem0Error}
 */
export async function addOrganizationMembers(
  context: Context,
  toAdd: OrganizationMembersToAdd,
): Promise<void> {
  const { mem0, prisma, timings } = context.provisioning;
  const { orgId } = toAdd;
  const isLookNeeded = toAdd.mayBeThere || context.attempt > 1;
  const present = isLookNeeded ? emailsOf((await getOrganization(mem0, orgId)).members) : new Set<string>();
  const results = await inParallel(context.resources("ORGANIZATION_MEMBER"), async (member) => {
    if (!present.has(member.name.toLowerCase())) {
      try {
        await addOrganizationMember(mem0, orgId, memberSchema.parse(member.desired));
      } catch (error) {
        if (isUnknownUser(error)) return member.name;
        throw error;
      }
    }
    await recordPresent(prisma, member.id);
    return null;
  });
  const unknown = results.filter((email) => email !== null);
  if (unknown.length === 0) return;
  if (toAdd.onUnknownMember === "FAIL") {
    throw new StepRefused(`Mem0 knows no user with the e-mail ${unknown.join(", ")}.`);
  }
  const waiting = [...context.resources("ORGANIZATION_MEMBER"), ...context.resources("PROJECT_MEMBER")]
    .filter(({ name }) => unknown.includes(name))
    .map(({ id }) => id);
  await recordAwaiting(prisma, waiting, new Date(Date.now() + timings.memberRetryMs));
}

/**
 * Adds to the project every member who is in the organization. Those who wait are left out.
 * @throws {Mem0Error}
 */
export async function addProjectMembers(
  context: Context,
  { orgId, projectId }: { readonly orgId: string; readonly projectId: string },
): Promise<void> {
  const { prisma } = context.provisioning;
  const inOrganization = await prisma.resource.findMany({
    where: { tenantId: context.tenant.id, kind: "ORGANIZATION_MEMBER", state: "PRESENT" },
    select: { name: true },
  });
  const names = new Set(inOrganization.map(({ name }) => name));
  const due = context.resources("PROJECT_MEMBER").filter(({ name }) => names.has(name));
  await inParallel(due, async (member) => {
    await addProjectMemberOnce(context, member, { orgId, projectId });
    await recordPresent(prisma, member.id);
  });
}

async function addProjectMemberOnce(
  { provisioning: { mem0 } }: Context,
  member: Resource,
  { orgId, projectId }: { readonly orgId: string; readonly projectId: string },
): Promise<void> {
  try {
    await addProjectMember(mem0, orgId, projectId, memberSchema.parse(member.desired));
  } catch (error) {
    // "Already a member" is what a repeat after a lost answer is told; its wording is not documented.
    if (!(error instanceof Mem0Refused) || error.status !== 400) throw error;
    const { members } = await getProject(mem0, orgId, projectId);
    if (!emailsOf(members).has(member.name.toLowerCase())) throw error;
  }
}

function emailsOf(members: readonly Member[]): Set<string> {
  return new Set(members.flatMap(({ email }) => (email === null ? [] : [email.toLowerCase()])));
}

/**
 * Whether Mem0 refused a member because no user has that e-mail. The real wording is not known (see
 * docs/unproved.md): a 400 that complains of `email`, or a 404 that speaks of a user, is taken for it.
 */
function isUnknownUser(error: unknown): boolean {
  if (!(error instanceof Mem0Refused)) return false;
  if (error.status === 400) return error.fields["email"] !== undefined;
  return error.status === 404 && error.messages.some((message) => /\buser\b/i.test(message));
}
