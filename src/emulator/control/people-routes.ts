import { nowMs } from "../clock.ts";
import { withMember, withoutMember } from "../members.ts";
import { removalFromOrganization } from "../organization-members.ts";
import { newOrganization } from "../organizations.ts";
import { randomId } from "../random-id.ts";
import {
  type KeyRow,
  keys,
  type Member,
  type OrganizationRow,
  organizations,
  type ProjectRow,
  projects,
  roles,
  users,
} from "../rows.ts";
import { type Put, put } from "../table.ts";
import { registration } from "../users.ts";
import { ControlInput, ControlRefused } from "./control-input.ts";
import type { Control, ControlAsk, ControlRoute } from "./control-route.ts";

/** People, their keys, and what people other than the key's owner do upstream: without the API's rules. */
export const peopleRoutes: readonly ControlRoute[] = [
  { method: "GET", path: "/_emulator/users", handle: listUsers },
  { method: "POST", path: "/_emulator/users", handle: registerUser },
  { method: "POST", path: "/_emulator/keys", handle: makeKey },
  { method: "DELETE", path: "/_emulator/keys/{key}", handle: revokeKey },
  { method: "POST", path: "/_emulator/members", handle: putMember },
  { method: "DELETE", path: "/_emulator/members", handle: removeMember },
  { method: "POST", path: "/_emulator/organizations", handle: makeOrganization },
];

function listUsers({ state }: Control): object {
  const shown = state
    .table(users)
    .all()
    .map(({ user_id, email, username }) => ({ user_id, email, username }));
  return { users: shown };
}

/** Registering twice leaves the person as he is. */
function registerUser({ state }: Control, { body }: ControlAsk): object {
  const input = new ControlInput(body, ["email", "username"]);
  const email = readEmail(input, "email");
  state.commit(registration({ state }, email, input.optionalText("username")));
  const user = state.table(users).get(email.toLowerCase());
  return { user_id: user?.user_id, email: user?.email, username: user?.username };
}

function makeKey({ state, seed }: Control, { body }: ControlAsk): object {
  const input = new ControlInput(body, ["org_id", "project_id", "email"]);
  const organization = readOrganization({ state }, input);
  const project = readProject({ state }, input, organization);
  const email = input.has("email") ? readEmail(input, "email") : seed.email;
  if (state.table(users).get(email.toLowerCase()) === undefined) {
    throw input.refusal("email", "belongs to nobody who is registered");
  }
  const createdMs = nowMs();
  const key: KeyRow = {
    api_key: randomId("m0-", 40),
    email,
    org_id: organization.org_id,
    project_id: project.project_id,
    created_ms: createdMs,
    updated_ms: createdMs,
    inserted_ms: createdMs,
    deleted_ms: null,
  };
  state.commit([put(keys, key)]);
  return { api_key: key.api_key };
}

function revokeKey({ state }: Control, { params: { key: apiKey = "" } }: ControlAsk): object {
  const key = state.table(keys).get(apiKey);
  if (key === undefined) throw new ControlRefused("key", "There is no such key.", 404);
  state.commit([put(keys, { ...key, deleted_ms: nowMs() })]);
  return { status: "ok" };
}

/** Registers the person if need be; an existing member gets the role. */
function putMember({ state }: Control, { body }: ControlAsk): object {
  const input = new ControlInput(body, ["org_id", "project_id", "email", "role"]);
  const email = readEmail(input, "email");
  const role = input.oneOf("role", roles);
  // Registering may turn an invitation into a membership, so the organization is read after it.
  readOrganization({ state }, input);
  state.commit(registration({ state }, email));
  const organization = readOrganization({ state }, input);
  const project = input.has("project_id") ? readProject({ state }, input, organization) : null;
  state.commit([
    project === null
      ? put(organizations, { ...organization, members: withMember(organization.members, email, role) })
      : put(projects, { ...project, members: withMember(project.members, email, role) }),
  ]);
  return { status: "ok" };
}

/** Whoever it is, a last OWNER included. Who is no member stays none. */
function removeMember({ state }: Control, { body }: ControlAsk): object {
  const input = new ControlInput(body, ["org_id", "project_id", "email"]);
  const organization = readOrganization({ state }, input);
  const email = readEmail(input, "email");
  const project = input.has("project_id") ? readProject({ state }, input, organization) : null;
  state.commit(
    project === null
      ? removalFromOrganization({ state }, organization, email)
      : [put(projects, { ...project, members: withoutMember(project.members, email) })],
  );
  return { status: "ok" };
}

/** An organization as somebody else makes it: any name, any members, any age. */
function makeOrganization({ state }: Control, { body }: ControlAsk): object {
  const input = new ControlInput(body, ["name", "owner_email", "members", "created_at"]);
  const name = input.text("name");
  let members: readonly Member[] = [{ email: readEmail(input, "owner_email"), role: "OWNER" }];
  for (const member of input.objects("members", ["email", "role"])) {
    members = withMember(members, readEmail(member, "email"), member.oneOf("role", roles));
  }
  const createdMs = input.has("created_at") ? input.dateMs("created_at") : undefined;
  const made = newOrganization(
    { state },
    { name, members, ...(createdMs === undefined ? {} : { createdMs }) },
  );
  const people: Put[] = members.flatMap(({ email }) => [...registration({ state }, email)]);
  state.commit([...people, ...made.puts]);
  const project = state.table(projects).childrenOf(made.orgId)[0];
  return { org_id: made.orgId, project_id: project?.project_id ?? null };
}

function readEmail(input: ControlInput, name: string): string {
  const email = input.text(name);
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw input.refusal(name, "must be an e-mail address");
  return email;
}

function readOrganization({ state }: Pick<Control, "state">, input: ControlInput): OrganizationRow {
  const organization = state.table(organizations).get(input.text("org_id"));
  if (organization === undefined) throw input.refusal("org_id", "names no organization that lives");
  return organization;
}

function readProject(
  { state }: Pick<Control, "state">,
  input: ControlInput,
  organization: OrganizationRow,
): ProjectRow {
  const project = state.table(projects).get(input.text("project_id"));
  if (project?.org_id !== organization.org_id) {
    throw input.refusal("project_id", "names no project that lives in this organization");
  }
  return project;
}
