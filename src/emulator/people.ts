import { nowMs } from "./clock.ts";
import { findMember } from "./members.ts";
import { randomId } from "./random-id.ts";
import type { Upstream } from "./resource.ts";
import { keys, type Member, organizations, projects, type UserRow, users } from "./rows.ts";
import { type Seed, seedRows } from "./seed.ts";
import { type Put, put } from "./table.ts";

/** Somebody who signs up by himself has an organization with its `default-project`, and a key of that, from the start. */
export function newPerson(email: string): { readonly person: Seed; readonly puts: readonly Put[] } {
  const person: Seed = {
    email,
    orgId: randomId("org_", 40),
    projectId: randomId("proj_", 40),
    apiKey: randomId("m0-", 40),
  };
  return { person, puts: seedRows(person) };
}

/** The same person under another e-mail that nobody has: same id, same keys, same memberships. */
export function renamed({ state }: Upstream, user: UserRow, email: string): readonly Put[] {
  const atMs = nowMs();
  const username = email.split("@")[0] ?? email;
  const moved = (members: readonly Member[]): readonly Member[] =>
    members.map((member) => (member === findMember(members, user.email) ? { ...member, email } : member));
  const isHeld = (row: { readonly members: readonly Member[] }): boolean =>
    findMember(row.members, user.email) !== undefined;
  const ownKeys = state
    .table(keys)
    .all()
    .filter((key) => key.email.toLowerCase() === user.email.toLowerCase());
  return [
    put(users, { ...user, deleted_ms: atMs }),
    put(users, { ...user, email, username, updated_ms: atMs }),
    ...ownKeys.map((key) => put(keys, { ...key, email, updated_ms: atMs })),
    ...state
      .table(organizations)
      .all()
      .filter(isHeld)
      .map((row) => put(organizations, { ...row, members: moved(row.members) })),
    ...state
      .table(projects)
      .all()
      .filter(isHeld)
      .map((row) => put(projects, { ...row, members: moved(row.members) })),
  ];
}
