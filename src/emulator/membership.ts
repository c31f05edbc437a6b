import type { BodyFields } from "./body-fields.ts";
import type { Upstream } from "./resource.ts";
import { type Role, roles, type UserRow, users } from "./rows.ts";

/** Whom a member call is about, as it was written. */
export interface Person {
  /** The field the caller used: `email`, or `username` as before 2026. */
  readonly field: "email" | "username";
  readonly written: string;
}

/** Reads the person; notes on `fields` when there is none. */
export function readPerson(fields: BodyFields): Person | null {
  const field = !fields.has("email") && fields.has("username") ? "username" : "email";
  const written = fields.text(field, { isRequired: true });
  if (written === null) return null;
  if (field === "email" && !/^[^\s@]+@[^\s@]+$/.test(written)) {
    return fields.fault(field, "Enter a valid email address.");
  }
  return { field, written };
}

/** Reads the role; notes on `fields` when it is absent or not one of the two. */
export function readRole(fields: BodyFields): Role | null {
  return fields.choice("role", roles);
}

/** The registered person, if there is one. */
export function findUser({ state }: Upstream, person: Person): UserRow | undefined {
  const table = state.table(users);
  if (person.field === "email") return table.get(person.written.toLowerCase());
  return table.all().find((user) => user.deleted_ms === null && user.username === person.written);
}
