import type { Resource } from "../generated/prisma/client.ts";
import type { Member, MemberRole } from "../mem0/members.ts";
import {
  addOrganizationMember,
  removeOrganizationMember,
  updateOrganizationMember,
} from "../mem0/organization-members.ts";
import { getOrganization } from "../mem0/organizations.ts";
import { addProjectMember, removeProjectMember, updateProjectMember } from "../mem0/project-members.ts";
import { getProject } from "../mem0/projects.ts";
import { recordGone } from "../tenants/mapping.ts";
import { memberSchema, type Place } from "../tenants/place.ts";
import { recordPresent, recordUnanswered } from "../tenants/resources-without-id.ts";
import { NotYet } from "./failures.ts";
import type { Home } from "./home.ts";
import { inParallel } from "./in-parallel.ts";
import { isLost, letWait, type RefusedMember, refusalOf } from "./members.ts";
import type { SagaContext } from "./saga.ts";

type Context = SagaContext<unknown>;

type MemberKind = "ORGANIZATION_MEMBER" | "PROJECT_MEMBER";

/** Where members are: in an organization, or in one of its projects. All of it is safe to repeat but `add`. */
interface MemberHome {
  readonly kind: MemberKind;
  list(): Promise<readonly Member[]>;
  add(email: string, role: MemberRole): Promise<void>;
  setRole(email: string, role: MemberRole): Promise<void>;
  remove(email: string): Promise<void>;
}

/** The members of an organization, as a change works with them. */
export function membersOfOrganization({ provisioning: { mem0 } }: Context, orgId: string): MemberHome {
  return {
    kind: "ORGANIZATION_MEMBER",
    list: async () => (await getOrganization(mem0, orgId)).members,
    add: (email, role) => addOrganizationMember(mem0, orgId, { email, role }),
    setRole: (email, role) => updateOrganizationMember(mem0, orgId, { email, role }),
    remove: (email) => removeOrganizationMember(mem0, orgId, email),
  };
}

/** The members of a project, as a change works with them. */
export function membersOfProject(
  { provisioning: { mem0 } }: Context,
  { orgId, projectId }: Home,
): MemberHome {
  return {
    kind: "PROJECT_MEMBER",
    list: async () => (await getProject(mem0, orgId, projectId)).members,
    add: (email, role) => addProjectMember(mem0, orgId, projectId, { email, role }),
    setRole: (email, role) => updateProjectMember(mem0, orgId, projectId, { email, role }),
    remove: (email) => removeProjectMember(mem0, orgId, projectId, email),
  };
}

/** Which members shall be there, and what happens to one whom Mem0 does not take. */
export interface MembersToSet {
  readonly emails: readonly string[];
  readonly onUnknownMember: Place["onUnknownMember"];
}

/**
 * Makes every named member one in the role that the mapping wishes. It looks first, so a repeat changes nothing; nobody
 * is added twice, for Mem0 knows a member by his e-mail. Whom Mem0 does not take waits. In a project, who waits for the
 * organization is left alone.
 * @throws {StepRefused} for such an e-mail when the policy is FAIL
 * @throws {Mem0Error}
 */
export async function setMembers(
  context: Context,
  home: MemberHome,
  { emails, onUnknownMember }: MembersToSet,
): Promise<void> {
  const { prisma } = context.provisioning;
  const wanted = await stateNow(context, home.kind, emails);
  if (wanted.length === 0) return;
  const there = byEmail(await home.list());
  const waitsForOrganization = new Set(
    home.kind === "PROJECT_MEMBER"
      ? (await stateNow(context, "ORGANIZATION_MEMBER", emails))
          .filter(({ state }) => state !== "PRESENT")
          .map(({ name }) => name)
      : [],
  );
  const due = wanted.filter(({ name }) => !waitsForOrganization.has(name));
  const refused = await inParallel(due, async (member) => {
    const refusal = await setMember(context, home, member, there.get(member.name.toLowerCase()));
    if (refusal === null) await recordPresent(prisma, member.id);
    return refusal;
  });
  const kinds: readonly MemberKind[] =
    home.kind === "PROJECT_MEMBER" ? ["PROJECT_MEMBER"] : ["ORGANIZATION_MEMBER", "PROJECT_MEMBER"];
  await letWait(context, refused, onUnknownMember, kinds);
}

async function setMember(
  context: Context,
  home: MemberHome,
  member: Resource,
  found: Member | undefined,
): Promise<RefusedMember | null> {
  const { role } = memberSchema.parse(member.desired);
  if (found?.role === role) return null;
  try {
    await (found === undefined ? home.add(member.name, role) : home.setRole(member.name, role));
    return null;
  } catch (error) {
    if (isLost(error)) await recordUnanswered(context.provisioning.prisma, member.id, error.message);
    if (found !== undefined) throw error;
    const refusal = refusalOf(member, error);
    // "Already a member" is what a repeat is told when what was lost landed after the look.
    const now = byEmail(await home.list()).get(member.name.toLowerCase());
    if (now === undefined) return refusal;
    if (now.role !== role) await home.setRole(member.name, role);
    return null;
  }
}

/**
 * Removes members, one after the other, and proves it by the embedded members, which carry the e-mail. Then they are GONE
 * in the mapping. A repeat does nothing; who is not there is gone.
 * @throws {NotYet} when one is still there after his removal
 * @throws {Mem0Error}
 */
export async function removeMembers(
  context: Context,
  home: MemberHome,
  emails: readonly string[],
): Promise<void> {
  const { prisma } = context.provisioning;
  const leaving = await stateNow(context, home.kind, emails);
  if (leaving.length === 0) return;
  const before = byEmail(await home.list());
  const there = leaving.filter(({ name }) => before.has(name.toLowerCase()));
  for (const { name } of there) await home.remove(name);
  const after = there.length === 0 ? before : byEmail(await home.list());
  for (const { id, name, presentAt } of leaving) {
    if (after.has(name.toLowerCase())) throw new NotYet(`${name} was removed, but is still a member.`);
    const wasThere = presentAt !== null || before.has(name.toLowerCase());
    const goneBy = wasThere ? "DELETED" : "NEVER_MADE";
    await recordGone(prisma, { resourceId: id, attemptId: null, goneBy });
  }
}

/** The members of a kind with these e-mails, as they are in the mapping now, but for those who are gone. */
async function stateNow(
  { provisioning, tenant }: Context,
  kind: MemberKind,
  emails: readonly string[],
): Promise<Resource[]> {
  const wanted = new Set(emails.map((email) => email.toLowerCase()));
  const members = await provisioning.prisma.resource.findMany({
    where: { tenantId: tenant.id, kind, state: { not: "GONE" } },
    orderBy: { id: "asc" },
  });
  return members.filter(({ name }) => wanted.has(name.toLowerCase()));
}

function byEmail(members: readonly Member[]): ReadonlyMap<string, Member> {
  return new Map(
    members.flatMap((member) => (member.email === null ? [] : [[member.email.toLowerCase(), member]])),
  );
}
