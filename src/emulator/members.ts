import { type Member, type Role, type UserRow, users } from "./rows.ts";
import type { State } from "./state.ts";

/** The member of this e-mail; two spellings of one address are one person (inferred). */
export function findMember(members: readonly Member[], email: string): Member | undefined {
  const wanted = email.toLowerCase();
  return members.find((member) => member.email.toLowerCase() === wanted);
}

/** The members with this one in that role, in his old place if he had one. */
export function withMember(members: readonly Member[], email: string, role: Role): readonly Member[] {
  const present = findMember(members, email);
  if (present === undefined) return [...members, { email, role }];
  return members.map((member) => (member === present ? { ...member, role } : member));
}

/** The members without this one. */
export function withoutMember(members: readonly Member[], email: string): readonly Member[] {
  const present = findMember(members, email);
  return members.filter((member) => member !== present);
}

/** Would nobody be OWNER any more without this one? */
export function isLastOwner(members: readonly Member[], email: string): boolean {
  const owners = members.filter((member) => member.role === "OWNER");
  return owners.length === 1 && findMember(owners, email) !== undefined;
}

/** Who is in what he has just made: he alone, as OWNER (inferred), or what a switch says. */
export function creatorOf(
  { state }: { readonly state: State },
  { user }: { readonly user: UserRow },
): readonly Member[] {
  const { creatorIs } = state.switches;
  return creatorIs === "nobody" ? [] : [{ email: user.email, role: creatorIs }];
}

/** The field of organization and project objects that embeds their members: all of them whole, or what a switch leaves. */
export function shownMembers(
  upstream: { readonly state: State },
  members: readonly Member[],
): { readonly members?: readonly object[] } {
  const embedded = embeddedMembers(upstream, members);
  switch (upstream.state.switches.embeddedMembers) {
    case "whole":
      return { members: embedded };
    case "without-email":
      return { members: embedded.map(({ username, role }) => ({ username, role })) };
    case "owners-only":
      return { members: embedded.filter(({ role }) => role === "OWNER") };
    case "absent":
      return {};
  }
}

/** The members as organization and project objects embed them, e-mail included (Mem0 OpenAPI). */
export function embeddedMembers(
  { state }: { readonly state: State },
  members: readonly Member[],
): readonly { readonly username: string; readonly role: Role; readonly email: string }[] {
  return members.map(({ email, role }) => {
    const user = state.table(users).get(email.toLowerCase());
    return { username: user?.username ?? email, role, email };
  });
}
