import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace, newReader } from "./place.ts";
import { organizationsPath, type Rig } from "./rig.ts";

const hourMs = 3_600_000;
const webhook = { name: "w", url: "https://acme.test/hook", event_types: ["memory_add"] };

/** What GET of these paths answers. */
async function statusesOf(rig: Rig, ...paths: readonly string[]): Promise<readonly number[]> {
  return Promise.all(paths.map(async (path) => (await rig.call("GET", path)).status));
}

const reaching = (status: number, webhooks: number, listed: number): Way => [
  `answers a key ${status} for another organization of its person`,
  async (rig) => {
    const own = await rig.ping();
    const place = await rig.control<{ org_id: string; project_id: string }>("POST", "organizations", {
      name: "the other one",
      owner_email: own.user_email,
    });
    const paths = [rig.organizationPath(place.org_id), rig.projectPath(place.org_id, place.project_id)];
    expect(await statusesOf(rig, ...paths)).toEqual([status, status]);
    expect(await statusesOf(rig, rig.webhooksPath(place.project_id))).toEqual([webhooks]);
    expect((await rig.call("GET", organizationsPath)).body).toHaveLength(listed);
    expect((await rig.call("POST", `${paths[0]}projects/`, { name: "p" })).status).toBe(status);
    expect(await statusesOf(rig, rig.organizationPath(own.org_id))).toEqual([200]);
    expect(await statusesOf(rig.as(await rig.makeKey(place)), ...paths)).toEqual([200, 200]);
  },
];
bothWays("keyReach", { account: reaching(200, 200, 2), organization: reaching(404, 403, 1) });

const lookingById = (status: number): Way => [
  `answers its OWNER ${status} for what is new, and lists it`,
  async (rig) => {
    const { orgId, projectId, organization, project } = await newPlace(rig);
    expect(await statusesOf(rig, organization, project)).toEqual([status, status]);
    expect((await rig.call("GET", organizationsPath)).body).toMatchObject([{ org_id: orgId }, {}]);
    expect((await rig.call("GET", `${organization}projects/`)).body).toMatchObject([
      { project_id: projectId },
      {},
    ]);
    await rig.switches({ ownerSees404Ms: 0 });
    expect(await statusesOf(rig, organization, project)).toEqual([200, 200]);
  },
];
bothWays("ownerSees404Ms", { 0: lookingById(200), [hourMs]: lookingById(404) });

const strange = (status: number): Way => [
  `answers a stranger ${status} for what is there, and 404 for what is not`,
  async (rig) => {
    const { orgId, organization, project } = await newPlace(rig);
    const eve = await rig.somebodyElse("eve@else.test");
    expect(await statusesOf(eve, organization, project, `${organization}projects/`)).toEqual([
      status,
      status,
      status,
    ]);
    expect(await eve.call("DELETE", organization)).toMatchObject({ status });
    expect(await eve.call("PATCH", project, { name: "x" })).toMatchObject({ status });
    const nothing = [rig.organizationPath("org_no"), rig.projectPath(orgId, "proj_no")];
    expect(await statusesOf(eve, ...nothing)).toEqual([404, 404]);
  },
];
bothWays("strangerSees", { "404": strange(404), "403": strange(403) });

const reading = (status: number): Way => [
  `answers a READER ${status} who writes, and shows him what is there`,
  async (rig) => {
    const place = await newPlace(rig);
    await rig.call("POST", place.webhooks, webhook);
    const ada = await newReader(rig, place);
    const [{ webhook_id } = {}] = (await rig.tables()).webhooks;
    expect(await statusesOf(ada, place.organization, place.project, place.webhooks)).toEqual([200, 200, 200]);
    for (const [method, path, body] of [
      ["DELETE", place.organization, undefined],
      ["POST", `${place.organization}projects/`, { name: "x" }],
      ["POST", `${place.organization}members/`, { email: "a@b.test", role: "READER" }],
      ["PATCH", place.project, { name: "x" }],
      ["POST", place.webhooks, { ...webhook, url: "https://acme.test/2" }],
      ["DELETE", `/api/v1/webhooks/${webhook_id}/`, undefined],
    ] as const) {
      expect((await ada.call(method, path, body)).status, `${method} ${path}`).toBe(status);
    }
    expect((await rig.tables()).webhooks).toHaveLength(1);
  },
];
bothWays("readerWrites", { "403": reading(403), "404": reading(404) });

const ids = (organization: RegExp, project: RegExp): Way => [
  `makes ids like ${organization.source}`,
  async (rig) => {
    const place = await newPlace(rig);
    expect(place.orgId).toMatch(organization);
    expect(place.projectId).toMatch(project);
    expect(await statusesOf(rig, place.organization, place.project)).toEqual([200, 200]);
  },
];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
bothWays("placeIds", {
  prefixed: ids(/^org_[A-Za-z0-9]{40}$/, /^proj_[A-Za-z0-9]{40}$/),
  uuid: ids(uuid, uuid),
});

const dated = (skewMs: number): Way => [
  `dates what is new ${skewMs} ms from the Date header`,
  async (rig) => {
    const place = await newPlace(rig);
    await rig.call("POST", place.webhooks, webhook);
    for (const path of [place.organization, place.project, place.webhooks]) {
      const reply = await rig.call("GET", path);
      const [shown] = [reply.body].flat() as readonly { readonly created_at: string }[];
      const offMs = Date.parse(shown?.created_at ?? "") - Date.parse(reply.headers.get("date") ?? "");
      expect(Math.abs(offMs - skewMs)).toBeLessThan(30_000);
    }
  },
];
bothWays("createdAtSkewMs", { 0: dated(0), [hourMs]: dated(hourMs), [-hourMs]: dated(-hourMs) });

const counted = (statuses: readonly number[]): Way => [
  `answers three creations with ${statuses.join(", ")}`,
  async (rig) => {
    const answers: number[] = [];
    for (const name of ["a", "b", "c"]) {
      answers.push((await rig.call("POST", organizationsPath, { name })).status);
    }
    expect(answers).toEqual(statuses);
    const made = statuses.filter((status) => status === 201).length;
    expect((await rig.tables()).organizations).toHaveLength(1 + made);
  },
];
bothWays("organizationsMax", { 0: counted([201, 201, 201]), 3: counted([201, 201, 403]) });

const marked = (shown: object): Way => [
  `shows ${JSON.stringify(shown)}`,
  async (rig) => {
    const orgId = await rig.createOrganization();
    const list = (await rig.call("GET", `${rig.organizationPath(orgId)}projects/`)).body;
    expect(list).toMatchObject([shown]);
  },
];
bothWays("defaultProjectMarks", {
  both: marked({ name: "default-project", is_default: true }),
  name: marked({ name: "default-project", is_default: false }),
  is_default: marked({ name: "first-project", is_default: true }),
  neither: marked({ name: "first-project", is_default: false }),
});

const firstMembers = (members: readonly object[]): Way => [
  `has ${members.length} of them in a new organization's first project`,
  async (rig) => {
    const orgId = await rig.createOrganization();
    const [project] = (await rig.call("GET", `${rig.organizationPath(orgId)}projects/`)).body as object[];
    expect(project).toMatchObject({ members });
  },
];
bothWays("defaultProjectMembers", { owners: firstMembers([{ role: "OWNER" }]), none: firstMembers([]) });

const deletingDefaults = (status: number): Way => [
  `answers ${status}, and other things can be deleted`,
  async (rig) => {
    const { org_id, project_id } = await rig.ping();
    const other = await newPlace(rig);
    const key = rig.as(await rig.makeKey({ org_id: other.orgId, project_id: other.projectId }));
    expect(await key.call("DELETE", rig.projectPath(org_id, project_id))).toMatchObject({ status });
    expect(await key.call("DELETE", rig.organizationPath(org_id))).toMatchObject({ status });
    expect((await rig.tables()).organizations).toHaveLength(status === 200 ? 1 : 2);
    expect(await key.call("DELETE", other.organization)).toMatchObject({ status: 200 });
  },
];
bothWays("defaultsCanBeDeleted", { true: deletingDefaults(200), false: deletingDefaults(400) });

const deletingFull = (status: number): Way => [
  `answers ${status}, and 200 once its projects are gone`,
  async (rig) => {
    const { organization, project } = await newPlace(rig);
    const empty = rig.organizationPath(await rig.createOrganization("empty"));
    expect(await rig.call("DELETE", organization)).toMatchObject({ status });
    expect(await rig.call("DELETE", empty)).toMatchObject({ status: 200 });
    if (status === 200) return;
    await rig.call("DELETE", project);
    expect(await rig.call("DELETE", organization)).toMatchObject({ status: 200 });
  },
];
bothWays("fullOrganizationCanBeDeleted", { true: deletingFull(200), false: deletingFull(400) });

const renaming = (status: number, name: string, allow: string | null): Way => [
  `answers PATCH with ${status}`,
  async (rig) => {
    const { organization } = await newPlace(rig);
    const reply = await rig.call("PATCH", organization, { name: " Later " });
    expect(reply.status).toBe(status);
    expect(reply.headers.get("allow")).toBe(allow);
    expect((await rig.call("GET", organization)).body).toMatchObject({ name });
    if (status === 200) expect(await rig.call("PATCH", organization, {})).toMatchObject({ status: 400 });
  },
];
bothWays("organizationsCanBeRenamed", {
  true: renaming(200, "Later", null),
  false: renaming(405, "Acme", "GET, DELETE"),
});

const ownRole = (organization: object, project: object): Way => [
  `shows ${JSON.stringify(organization)}`,
  async (rig) => {
    const place = await newPlace(rig);
    const picked = async (path: string): Promise<object> => {
      const shown = (await rig.call("GET", path)).body as Record<string, unknown>;
      return Object.fromEntries(
        Object.entries(shown).filter(([name]) => /^(is_owner|user_role)$/.test(name)),
      );
    };
    expect(await picked(place.organization)).toEqual(organization);
    expect(await picked(place.project)).toEqual(project);
  },
];
bothWays("ownRoleShown", {
  true: ownRole({ is_owner: true, user_role: "OWNER" }, { user_role: "OWNER" }),
  false: ownRole({}, {}),
});

const keyOfNothing = (status: number, body: object): Way => [
  `answers ${status}`,
  async (rig) => {
    const { orgId, projectId, project } = await newPlace(rig);
    const key = rig.as(await rig.makeKey({ org_id: orgId, project_id: projectId }));
    await rig.call("DELETE", project);
    expect(await key.call("GET", "/v1/ping/")).toMatchObject({ status, body });
    expect(await rig.as("m0-nobodys").call("GET", "/v1/ping/")).toMatchObject({ status: 401 });
  },
];
bothWays("deletedPlaceKey", {
  "401": keyOfNothing(401, { detail: expect.stringMatching(/^Invalid API key/) as string }),
  "403": keyOfNothing(403, { detail: "You do not have permission to perform this action." }),
});
