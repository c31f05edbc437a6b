import { BodyFields } from "./body-fields.ts";
import type { Call } from "./call.ts";
import type { Upstream } from "./resource.ts";
import { type Role, roles, type UserRow, users } from "./rows.ts";

/** Whom a member call is about, as it was written. */
export interface Person {
  /** The field the caller used: `email`, or `username` as before 2026. */
  readonly field: "email" | "username";
  readonly written: string;
}

/** Reads the person; notes on `fields` when there is none. That he may be named by `username` is inferred, and a switch. */
function readPerson({ state }: Upstream, fields: BodyFields): Person | null {
  const isNamed = state.switches.membersByUsername && !fields.has("email") && fields.has("username");
  const field = isNamed ? "username" : "email";
  const written = fields.text(field, { isRequired: true });
  if (written === null) return null;
  if (field === "email" && !/^[^\s@]+@[^\s@]+$/.test(written)) {
    return fields.fault(field, "Enter a valid email address.");
  }
  return { field, written };
}

/** What a body says of a membership; null parts are wrong or absent, and `errors` says why. */
export interface WrittenMembership {
  readonly person: Person | null;
  readonly role: Role | null;
  readonly errors: Readonly<Record<string, unknown>>;
}

/** Reads person and role of a body. */
export function readMembership(upstream: Upstream, call: Call): WrittenMembership {
  const fields = new BodyFields(call.body());
  const person = readPerson(upstream, fields);
  return { person, role: readRole(upstream, fields), errors: fields.errors };
}

/** Reads whom a DELETE removes: documented in the body for organizations and in the query for projects, taken in both. */
export function readRemoved(
  upstream: Upstream,
  call: Call,
  documentedIn: "body" | "query",
): Pick<WrittenMembership, "person" | "errors"> {
  const isStrict = upstream.state.switches.memberDeletedBy === "documented";
  const inQuery = isStrict && documentedIn === "body" ? null : call.query.get("email");
  const inBody = isStrict && documentedIn === "query" ? {} : call.body();
  const fields = new BodyFields(inQuery === null ? inBody : { email: inQuery });
  return { person: readPerson(upstream, fields), errors: fields.errors };
}

/** Reads the role; notes on `fields` when it is absent or not one of the two. */
function readRole({ state }: Upstream, fields: BodyFields): Role | null {
  const written = fields.raw("role");
  if (state.switches.rolesIgnoreCase && typeof written === "string") {
    const upper = written.toUpperCase();
    const role = roles.find((known) => known === upper);
    if (role !== undefined) return role;
  }
  return fields.choice("role", roles);
}

/** The registered person, if there is one; in any case of his e-mail (inferred), unless a switch minds it. */
export function findUser({ state }: Upstream, person: Person): UserRow | undefined {
  const table = state.table(users);
  if (person.field === "email") {
    const user = table.get(person.written.toLowerCase());
    return state.switches.emailsIgnoreCase || user?.email === person.written ? user : undefined;
  }
  return table.all().find((user) => user.deleted_ms === null && user.username === person.written);
}
