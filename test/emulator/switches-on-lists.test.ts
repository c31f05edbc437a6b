import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace } from "./place.ts";
import { organizationsPath, type Rig } from "./rig.ts";

/** Makes three more organizations, projects and webhooks, and answers the paths of the lists that hold them. */
async function threeOfEach(rig: Rig): Promise<readonly string[]> {
  const place = await newPlace(rig);
  for (const name of ["a", "b", "c"]) {
    await rig.createOrganization(name);
    await rig.createProject(place.orgId, name);
    const webhook = { name, url: `https://acme.test/${name}`, event_types: [] };
    await rig.call("POST", place.webhooks, webhook);
  }
  return [organizationsPath, `${place.organization}projects/`, place.webhooks];
}

function names(list: unknown): readonly unknown[] {
  return (list as readonly { readonly name: unknown }[]).map(({ name }) => name);
}

bothWays("adminLists", {
  bare: [
    "answers bare arrays, whatever page is asked for",
    async (rig) => {
      for (const path of await threeOfEach(rig)) {
        const list = names((await rig.call("GET", `${path}?page=7`)).body);
        expect(list.slice(0, 3)).toEqual(["c", "b", "a"]);
      }
    },
  ],
  paged: [
    "answers pages of 100, or of adminListMax, whose links lead to every one",
    async (rig) => {
      for (const path of await threeOfEach(rig)) {
        await rig.switches({ adminListMax: 0 });
        const whole = (await rig.call("GET", path)).body as { count: number; results: object[] };
        expect(whole).toMatchObject({ next: null, previous: null });
        expect(whole.results).toHaveLength(whole.count);
        await rig.switches({ adminListMax: 2 });
        const first = (await rig.call("GET", path)).body as { next: string; results: unknown };
        expect(names(first.results)).toEqual(["c", "b"]);
        expect(first.next).toBe(`${rig.url}${path}?page=2`);
        const second = (await rig.call("GET", `${path}?page=2`)).body;
        expect(second).toMatchObject({ count: whole.count, previous: `${rig.url}${path}?page=1` });
        expect(names((second as { results: unknown }).results)[0]).toBe("a");
        expect(await rig.call("GET", `${path}?page=99`)).toMatchObject({ status: 404 });
      }
    },
  ],
});

const cutOff = (seen: readonly string[], isWhole: boolean): Way => [
  isWhole ? "lists all" : `lists ${seen.length}, and the rest is there by id`,
  async (rig) => {
    const [organizations = "", projects = "", webhooks = ""] = await threeOfEach(rig);
    for (const path of [organizations, projects, webhooks]) {
      const list = names((await rig.call("GET", path)).body);
      expect(isWhole ? list.slice(0, seen.length) : list).toEqual(seen);
    }
    const { org_id } = await rig.ping();
    expect(await rig.call("GET", rig.organizationPath(org_id))).toMatchObject({ status: 200 });
  },
];
bothWays("adminListMax", { 0: cutOff(["c", "b", "a"], true), 2: cutOff(["c", "b"], false) });

const ordered = (
  pick: (list: readonly unknown[]) => readonly unknown[],
  expected: readonly string[],
): Way => [
  `lists ${expected.join(", ")}`,
  async (rig) => {
    for (const path of await threeOfEach(rig)) {
      expect(pick(names((await rig.call("GET", path)).body))).toEqual(expected);
    }
  },
];
bothWays("adminListOrder", {
  newest: ordered((list) => list.slice(0, 3), ["c", "b", "a"]),
  oldest: ordered((list) => list.slice(-3), ["a", "b", "c"]),
});

const sent = "  Ärzte 🦊 ·AB ";
const keeping = (kept: string): Way => [
  `keeps ${JSON.stringify(kept)} of ${JSON.stringify(sent)}`,
  async (rig) => {
    const orgId = await rig.createOrganization(sent);
    const projectId = await rig.createProject(orgId, sent);
    const { body } = await rig.call("POST", rig.webhooksPath(projectId), {
      name: sent,
      url: "https://acme.test",
      event_types: [],
    });
    expect(body).toMatchObject({ name: kept, project: kept });
    expect((await rig.call("GET", rig.organizationPath(orgId))).body).toMatchObject({ name: kept });
    const project = rig.projectPath(orgId, projectId);
    await rig.call("PATCH", project, { name: `${sent}!` });
    expect((await rig.call("GET", project)).body).toMatchObject({
      name: kept === sent ? `${sent}!` : `${kept} !`,
    });
  },
];
bothWays("namesKept", {
  trimmed: keeping("Ärzte 🦊 ·AB"),
  "as-sent": keeping(sent),
  "lower-case": keeping("ärzte 🦊 ·ab"),
  ascii: keeping("?rzte ? ?AB"),
});
