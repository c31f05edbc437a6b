import type { Resource } from "../generated/prisma/client.ts";
import type { ResourceKind } from "../generated/prisma/enums.ts";
import { Mem0Error, Mem0Refused } from "../mem0/errors.ts";
import type { Member } from "../mem0/members.ts";
import { addOrganizationMember } from "../mem0/organization-members.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { addProjectMember } from "../mem0/project-members.ts";
import { getProject } from "../mem0/projects.ts";
import type { StepEnd } from "../tenants/operation-steps.ts";
import { memberSchema, type Place } from "../tenants/place.ts";
import { recordAllPresent, recordAwaiting, recordUnanswered } from "../tenants/resources-without-id.ts";
import { StepRefused } from "./failures.ts";
import { inParallel } from "./in-parallel.ts";
import type { SagaContext } from "./saga.ts";

type Context = SagaContext<unknown>;

/** What is done about whom Mem0 does not take. */
type Policy = Place["onUnknownMember"];

/** How the organization's members are to be added. */
export interface OrganizationMembersToAdd {
  readonly orgId: string;
  readonly onUnknownMember: Policy;
  /** Whether some may be in it already, so that it looks before it adds. A retried attempt looks in any case. */
  readonly mayBeThere: boolean;
}

/**
 * Adds the tenant's members to its organization, side by side. Whom Mem0 does not take as a member waits, in the
 * organization and in the project. Adding cannot make twins, so what a lost answer leaves open (the member is UNKNOWN
 * then) is seen in the organization's embedded members, which carry the e-mail (the members list does not: Mem0 OpenAPI).
 * That they are there and that the step is done, with the answer `{}`, are one record.
 * @throws {StepRefused} for such an e-mail when the policy is FAIL
 * @throws {Mem0Error}
 */
export async function addOrganizationMembers(
  context: Context,
  toAdd: OrganizationMembersToAdd,
): Promise<void> {
  const { mem0, prisma } = context.provisioning;
  const { orgId } = toAdd;
  const isLookNeeded = toAdd.mayBeThere || context.attempt > 1;
  const there = isLookNeeded ? emailsOf((await getOrganization(mem0, orgId)).members) : new Set<string>();
  const members = context.resources("ORGANIZATION_MEMBER").filter(isWanted);
  const refused = await addEach(context, members, async (member) => {
    if (there.has(member.name.toLowerCase())) return null;
    try {
      await addOrganizationMember(mem0, orgId, memberSchema.parse(member.desired));
      return null;
    } catch (error) {
      if (isLost(error)) await recordUnanswered(prisma, member.id, error.message);
      const refusal = refusalOf(member, error);
      // A repeat is told "already a member" when what was lost landed after the look.
      if (!isLookNeeded) return refusal;
      const { members: now } = await getOrganization(mem0, orgId);
      return emailsOf(now).has(member.name.toLowerCase()) ? null : refusal;
    }
  });
  await letWait(context, refused, toAdd.onUnknownMember, ["ORGANIZATION_MEMBER", "PROJECT_MEMBER"]);
}

/** Where members of the project are added, and what happens when Mem0 does not take one. */
export interface ProjectMembersToAdd {
  readonly orgId: string;
  readonly projectId: string;
  readonly onUnknownMember: Policy;
}

/**
 * Adds to the project every member who is in the organization and not in the project yet. Whom Mem0 does not take waits.
 * @throws {StepRefused} for such an e-mail when the policy is FAIL
 * @throws {Mem0Error}
 */
export async function addProjectMembers(context: Context, toAdd: ProjectMembersToAdd): Promise<void> {
  const { mem0, prisma } = context.provisioning;
  const { orgId, projectId } = toAdd;
  const present = await prisma.$queryRaw<{ kind: ResourceKind; name: string }[]>`
    SELECT kind, name FROM resource WHERE tenant_id = ${context.tenant.id}
      AND kind IN ('ORGANIZATION_MEMBER', 'PROJECT_MEMBER') AND state = 'PRESENT'`;
  const isPresent = (kind: ResourceKind, email: string) =>
    present.some((resource) => resource.kind === kind && resource.name === email);
  const due = context
    .resources("PROJECT_MEMBER")
    .filter(isWanted)
    .filter(({ name }) => isPresent("ORGANIZATION_MEMBER", name) && !isPresent("PROJECT_MEMBER", name));
  const refused = await addEach(context, due, async (member) => {
    try {
      await addProjectMember(mem0, orgId, projectId, memberSchema.parse(member.desired));
      return null;
    } catch (error) {
      if (isLost(error)) await recordUnanswered(prisma, member.id, error.message);
      const refusal = refusalOf(member, error);
      // "Already a member" is what a repeat after a lost answer is told; its wording is not documented.
      const { members } = await getProject(mem0, orgId, projectId);
      return emailsOf(members).has(member.name.toLowerCase()) ? null : refusal;
    }
  });
  await letWait(context, refused, toAdd.onUnknownMember, ["PROJECT_MEMBER"]);
}

/**
 * Adds members side by side, and then records all who are there in one statement, also when another one failed: with the
 * end of the step, if nobody was refused.
 */
async function addEach(
  context: Context,
  members: readonly Resource[],
  add: (member: Resource) => Promise<RefusedMember | null>,
): Promise<(RefusedMember | null)[]> {
  const there: string[] = [];
  let end: StepEnd | null = null;
  try {
    const results = await inParallel(members, async (member) => {
      const refusal = await add(member);
      if (refusal === null) there.push(member.id);
      return refusal;
    });
    if (there.length === members.length) end = context.finish?.with({}) ?? null;
    return results;
  } finally {
    if (there.length > 0) {
      const isEnded = await recordAllPresent(context.provisioning.prisma, there, end);
      if (end !== null && isEnded) context.finish?.recorded(end);
    }
  }
}

/** Who was removed stays in the mapping as GONE, and out of Mem0. */
function isWanted({ state }: Resource): boolean {
  return state !== "GONE";
}

/** Whether the answer was lost, so that he may have been added. */
export function isLost(error: unknown): error is Mem0Error {
  return error instanceof Mem0Error && error.mayHaveHappened;
}

/** A member whom Mem0 did not take, with its words. */
export interface RefusedMember {
  readonly email: string;
  readonly reason: string;
}

/**
 * Reads a failed add as a refusal of the person. The real wording for "no such user" is not known (see
 * docs/unproved.md), so a 400 that complains of the e-mail or of no field at all is taken for it, and a 404 that speaks
 * of a user or member and not of the place.
 * @throws the error itself when it is anything else
 */
export function refusalOf(member: Resource, error: unknown): RefusedMember {
  if (!(error instanceof Mem0Refused)) throw error;
  const fields = Object.keys(error.fields);
  const isOfPerson =
    error.status === 400
      ? fields.length === 0 || fields.includes("email")
      : error.status === 404 && error.messages.some((message) => /\b(user|member)\b/i.test(message));
  if (!isOfPerson) throw error;
  return { email: member.name, reason: `Mem0 did not take this member: ${error.messages.join(" ")}` };
}

/**
 * Lets members wait whom Mem0 did not take.
 * @throws {StepRefused} naming them when the policy is FAIL
 */
export async function letWait(
  context: Context,
  results: readonly (RefusedMember | null)[],
  policy: Policy,
  kinds: readonly ResourceKind[],
): Promise<void> {
  const { prisma, timings } = context.provisioning;
  const refused = results.filter((result) => result !== null);
  if (refused.length > 0 && policy === "FAIL") {
    throw new StepRefused(refused.map(({ email, reason }) => `${email}: ${reason}`).join(" "));
  }
  const retryAt = new Date(Date.now() + timings.memberRetryMs);
  for (const { email, reason } of refused) {
    const waiting = kinds
      .flatMap((kind) => context.resources(kind))
      .filter((member) => member.name === email && isWanted(member));
    const resourceIds = waiting.map(({ id }) => id);
    await recordAwaiting(prisma, { resourceIds, retryAt, reason });
  }
}

function emailsOf(members: readonly Member[]): Set<string> {
  return new Set(members.flatMap(({ email }) => (email === null ? [] : [email.toLowerCase()])));
}
