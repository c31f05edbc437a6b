import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace } from "./place.ts";
import type { Rig } from "./rig.ts";

const ada = { email: "ada@acme.test", role: "READER" };

/** Adds a person to organization and project; the statuses of both. */
async function addTo(rig: Rig, place: { organization: string; project: string }, body: object) {
  const organization = await rig.call("POST", `${place.organization}members/`, body);
  const project = await rig.call("POST", `${place.project}members/`, body);
  return [organization.status, project.status];
}

/** The e-mails and roles of an organization, or project, from the emulator's own tables. */
async function membersOf(rig: Rig, table: "organizations" | "projects", id: string): Promise<unknown> {
  const rows: readonly {
    readonly org_id?: string;
    readonly project_id?: string;
    readonly members?: readonly unknown[];
  }[] = (await rig.tables())[table];
  return rows.find((row) => row.org_id === id || row.project_id === id)?.members;
}

const creating = (members: readonly object[]): Way => [
  `puts ${JSON.stringify(members)} into what was made`,
  async (rig) => {
    const { org_id } = await rig.ping();
    const orgId = await rig.createOrganization();
    expect(await membersOf(rig, "organizations", orgId)).toMatchObject(members);
    expect(await membersOf(rig, "organizations", orgId)).toHaveLength(members.length);
    const projectId = await rig.createProject(org_id);
    expect(await membersOf(rig, "projects", projectId)).toMatchObject(members);
    const seen = await rig.call("GET", rig.organizationPath(orgId));
    expect(seen.status).toBe(members.length === 0 ? 404 : 200);
  },
];
const platform = "platform@loci.test";
bothWays("creatorIs", {
  OWNER: creating([{ email: platform, role: "OWNER" }]),
  READER: creating([{ email: platform, role: "READER" }]),
  nobody: creating([]),
});

const pinging = (expected: string): Way => [
  `answers ${expected}`,
  async (rig) => {
    await rig.control("POST", "users", { email: "Ada.L@Acme.test" });
    const { org_id, project_id } = await rig.ping();
    const key = await rig.makeKey({ org_id, project_id, email: "Ada.L@Acme.test" });
    expect((await rig.as(key).ping()).user_email).toBe(expected);
  },
];
bothWays("pingEmail", {
  registered: pinging("Ada.L@Acme.test"),
  "lower-case": pinging("ada.l@acme.test"),
  another: pinging("login.Ada.L@Acme.test"),
});

const inCapitals = (statuses: readonly number[]): Way => [
  `answers ${statuses.join(" and ")} to an e-mail in capitals`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    expect(await addTo(rig, place, { ...ada, email: "ADA@acme.test" })).toEqual(statuses);
  },
];
bothWays("emailsIgnoreCase", { true: inCapitals([201, 200]), false: inCapitals([400, 404]) });

const byUsername = (statuses: readonly number[]): Way => [
  `answers ${statuses.join(" and ")} to a username`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email, username: "lovelace" });
    const place = await newPlace(rig);
    expect(await addTo(rig, place, { username: "lovelace", role: "READER" })).toEqual(statuses);
    expect(await addTo(rig, place, { username: "nobody", role: "READER" })).toEqual([
      400,
      statuses[1] === 200 ? 404 : 400,
    ]);
  },
];
bothWays("membersByUsername", { true: byUsername([201, 200]), false: byUsername([400, 400]) });

const embedding = (members: unknown): Way => [
  `shows ${JSON.stringify(members)}`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    await addTo(rig, place, ada);
    for (const path of [place.organization, place.project]) {
      expect(((await rig.call("GET", path)).body as { members?: unknown }).members).toEqual(members);
    }
    expect(await membersOf(rig, "projects", place.projectId)).toHaveLength(2);
  },
];
const owner = { username: "platform", role: "OWNER" };
const reader = { username: "ada", role: "READER" };
bothWays("embeddedMembers", {
  whole: embedding([
    { ...owner, email: platform },
    { ...reader, email: ada.email },
  ]),
  "without-email": embedding([owner, reader]),
  "owners-only": embedding([{ ...owner, email: platform }]),
  absent: embedding(undefined),
});

const listing = (organizations: object, projects: object): Way => [
  `lists ${JSON.stringify(projects)}`,
  async (rig) => {
    const place = await newPlace(rig);
    const [{ user_id } = {}] = (await rig.tables()).users;
    expect((await rig.call("GET", `${place.organization}members/`)).body).toEqual({
      members: [{ ...organizations, user_id }],
    });
    expect((await rig.call("GET", `${place.project}members/`)).body).toEqual({ members: [projects] });
  },
];
bothWays("memberListsShowEmail", {
  true: listing({ role: "OWNER", email: platform }, { ...owner, email: platform }),
  false: listing({ role: "OWNER" }, owner),
});

const writtenRole = (statuses: readonly number[]): Way => [
  `answers ${statuses.join(" and ")} to the role reader`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    expect(await addTo(rig, place, { ...ada, role: "reader" })).toEqual(statuses);
    expect(await addTo(rig, place, { ...ada, role: "ADMIN" })).toEqual([400, 400]);
    if (statuses[0] !== 201) return;
    expect(await membersOf(rig, "organizations", place.orgId)).toMatchObject([{}, { role: "READER" }]);
  },
];
bothWays("rolesIgnoreCase", { true: writtenRole([201, 200]), false: writtenRole([400, 400]) });

const removingNobody = (status: number): Way => [
  `answers ${status}, and nobody goes`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    const both = [
      await rig.call("DELETE", `${place.organization}members/`, { email: ada.email }),
      await rig.call("DELETE", `${place.project}members/?email=${ada.email}`),
      await rig.call("DELETE", `${place.project}members/?email=nobody@acme.test`),
    ];
    expect(both.map((reply) => reply.status)).toEqual([status, status, status]);
    expect(await membersOf(rig, "organizations", place.orgId)).toHaveLength(1);
  },
];
bothWays("nonMemberRemoved", { "404": removingNobody(404), "200": removingNobody(200) });

const changingNobody = (status: number, count: number): Way => [
  `answers ${status} for who is registered, 404 for who is not`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    for (const path of [place.organization, place.project]) {
      expect(await rig.call("PUT", `${path}members/`, ada)).toMatchObject({ status });
      const unknown = { ...ada, email: "nobody@acme.test" };
      expect(await rig.call("PUT", `${path}members/`, unknown)).toMatchObject({ status: 404 });
    }
    expect(await membersOf(rig, "organizations", place.orgId)).toHaveLength(count);
    expect(await membersOf(rig, "projects", place.projectId)).toHaveLength(count);
  },
];
bothWays("nonMemberChanged", { "404": changingNobody(404, 1), added: changingNobody(200, 2) });

const removedFrom = (status: number): Way => [
  `answers ${status} to an e-mail in the other place, and takes it in the documented one`,
  async (rig) => {
    await rig.control("POST", "users", { email: ada.email });
    const place = await newPlace(rig);
    await addTo(rig, place, ada);
    const { email } = ada;
    const organization = `${place.organization}members/`;
    const project = `${place.project}members/`;
    expect(await rig.call("DELETE", `${organization}?email=${email}`)).toMatchObject({ status });
    expect(await rig.call("DELETE", project, { email })).toMatchObject({
      status: status === 200 ? 404 : status,
    });
    await rig.control("POST", "members", { ...ada, org_id: place.orgId });
    await rig.control("POST", "members", { ...ada, org_id: place.orgId, project_id: place.projectId });
    expect(await rig.call("DELETE", `${project}?email=${email}`)).toMatchObject({ status: 200 });
    expect(await rig.call("DELETE", organization, { email })).toMatchObject({ status: 200 });
  },
];
bothWays("memberDeletedBy", { either: removedFrom(200), documented: removedFrom(400) });

const wrongRole = (body: object): Way => [
  `answers ${JSON.stringify(body)}`,
  async (rig) => {
    const { project } = await newPlace(rig);
    const reply = await rig.call("POST", `${project}members/`, { ...ada, role: "ADMIN" });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual(body);
  },
];
const roleError = { role: ['"ADMIN" is not a valid choice.'] };
bothWays("projectMemberRefusal", {
  errors: wrongRole({ errors: roleError }),
  fields: wrongRole(roleError),
  message: wrongRole({ message: "Invalid email or role." }),
});
