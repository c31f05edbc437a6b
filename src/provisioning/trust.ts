import type { Resource } from "../generated/prisma/client.ts";
import type { Member } from "../mem0/members.ts";
import type { Provisioning } from "./provisioning.ts";

/** How far the upstream's clock, read from a `Date` header of whole seconds, may be off in a comparison. */
const clockToleranceMs = 10_000;

/** What is known of a thing upstream whose marker matched. */
export interface Likeness {
  readonly isOwner: boolean;
  readonly members: readonly Member[];
  readonly createdAt: Date;
}

/** Whether Mem0 says that our account is OWNER. Absent or unknown counts as no. */
export function isOwnerOf(thing: {
  readonly userRole: string | null;
  readonly isOwner?: boolean | null;
}): boolean {
  return thing.userRole === "OWNER" || thing.isOwner === true;
}

/**
 * Why something new that bears our marker may have been made by somebody whom we invited ourselves, or null. He sees
 * the marker, and is no stranger; but whoever makes a thing is OWNER of it, and of ours nobody is but us. Where Mem0 shows
 * no members there is nothing to tell.
 */
export function distrustOfMaker({ account }: Provisioning, members: readonly Member[]): string | null {
  const owners = members.filter(({ role }) => role === "OWNER").map(({ email }) => email?.toLowerCase());
  if (owners.some((email) => email !== account.userEmail.toLowerCase()))
    return "somebody else is OWNER of it";
  return members.length > 0 && owners.length === 0 ? "nobody is OWNER of it" : null;
}

/**
 * Why a thing that bears our marker may still not be ours, or null when it is beyond doubt. Anyone who invites our
 * account can put a look-alike into our lists, and whoever is a member of a tenant's organization sees its marker: so
 * we must be OWNER, nobody may be in it but us (and `invited`), and it must not be older than our first attempt.
 */
export function distrustOf(
  provisioning: Provisioning,
  thing: Likeness,
  since: Date,
  invited: readonly string[],
): string | null {
  return distrustsOf(provisioning, thing, since, invited)[0] ?? null;
}

/** Every rule of `distrustOf` that a thing breaks, in words; none when it is beyond doubt. */
export function distrustsOf(
  { mem0, account }: Provisioning,
  thing: Likeness,
  since: Date,
  invited: readonly string[],
): string[] {
  const distrusts: string[] = [];
  if (!thing.isOwner) distrusts.push("we are not its owner");
  const known = new Set([account.userEmail, ...invited].map((email) => email.toLowerCase()));
  const stranger = thing.members.some(({ email }) => email === null || !known.has(email.toLowerCase()));
  if (stranger) distrusts.push("it has members that we did not add");
  const offsetMs = mem0.clockOffsetMs() ?? 0;
  const earliest = since.getTime() + offsetMs - clockToleranceMs;
  const latest = Date.now() + offsetMs + clockToleranceMs;
  const createdAt = thing.createdAt.getTime();
  if (createdAt < earliest || createdAt > latest) {
    distrusts.push("it was not created while our attempt was under way");
  }
  return distrusts;
}

/** The e-mails of the people whom the tenant asked for: they may be in its place by now. */
export async function invitedTo({ prisma }: Provisioning, { tenantId }: Resource): Promise<string[]> {
  const members = await prisma.resource.findMany({
    where: { tenantId, kind: "ORGANIZATION_MEMBER" },
    select: { name: true },
  });
  return members.map(({ name }) => name);
}
