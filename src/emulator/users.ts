import { randomUUID } from "node:crypto";
import { nowMs } from "./clock.ts";
import { findMember, withMember, withoutMember } from "./members.ts";
import type { Upstream } from "./resource.ts";
import { organizations, type UserRow, users } from "./rows.ts";
import { type Put, put } from "./table.ts";

/** A new person's row. The username is what stands before the @, unless it is given. */
export function newUser(given: {
  readonly email: string;
  readonly username: string | undefined;
  readonly defaultOrgId: string | null;
}): UserRow {
  const createdMs = nowMs();
  return {
    user_id: randomUUID(),
    email: given.email,
    username: given.username ?? given.email.split("@")[0] ?? given.email,
    default_org_id: given.defaultOrgId,
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: createdMs,
    deleted_ms: null,
  };
}

/**
 * What registering this person changes: nothing if he is registered already (his username stays); else his row, and
 * every organization that had invited him has him as a member (under the switch that makes invitations at all).
 */
export function registration({ state }: Upstream, email: string, username?: string): readonly Put[] {
  if (state.table(users).get(email.toLowerCase()) !== undefined) return [];
  const puts: Put[] = [put(users, newUser({ email, username, defaultOrgId: null }))];
  for (const organization of state.table(organizations).all()) {
    const invitation = findMember(organization.invitations, email);
    if (invitation === undefined || organization.deleted_ms !== null) continue;
    const members = withMember(organization.members, email, invitation.role);
    const invitations = withoutMember(organization.invitations, email);
    puts.push(put(organizations, { ...organization, members, invitations }));
  }
  return puts;
}
