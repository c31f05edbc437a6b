import { ClientError } from "graphql-request";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createProject, updateProject } from "../../src/mem0/projects.ts";
import { settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { handMade, sentRequests, type Target } from "./mem0-write-cases.ts";

let world: World;
let hand: Target;
/** Mem0's ids of all organizations, oldest first. */
let all: string[];

const ada = "ada@acme.test";
const orgs = "/api/v1/orgs/organizations/";

beforeAll(async () => {
  world = await createWorld();
  await world.emulator.registerUser(ada);
  for (const key of ["first", "second", "third"]) {
    const hook = { name: "main", url: `https://acme.test/${key}`, eventTypes: ["MEMORY_ADD"] };
    await signUp(world, { key, name: key, members: [{ email: ada }], webhooks: [hook] });
    await settled(world, key);
  }
  hand = await handMade(world);
  all = idsOf(await page({ first: 100 }));
});
afterAll(() => world?.close());
afterEach(async () => {
  vi.restoreAllMocks();
  await world.emulator.clearFaults();
});

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: OrganizationView }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
}

interface OrganizationView {
  readonly mem0Id: string;
  readonly name: string;
  readonly role: string;
  readonly members: readonly { readonly email: string; readonly role: string }[];
  readonly tenant: { readonly key: string } | null;
  readonly projects: {
    readonly __typename: string;
    readonly edges?: readonly { readonly node: ProjectView }[];
  };
}

interface ProjectView {
  readonly name: string;
  readonly tenant: { readonly key: string } | null;
  readonly members: readonly { readonly email: string }[];
  readonly webhooks: { readonly edges: readonly { readonly node: object }[] };
}

const deep = `mem0Id name role members { email role } tenant { key }
  projects(first: 2) { __typename ... on Error { code } ... on Mem0ProjectConnection { edges { node { name tenant { key resources { name } }
    members { email } webhooks(first: 2) { ... on Mem0WebhookConnection { edges { node { name url eventTypes isActive tenant { key } } } } }
  } } } }`;

async function page(args: object, fields = "mem0Id"): Promise<Page> {
  const { mem0Organizations } = await world.send<{ mem0Organizations: Page }>(
    `query ($first: Int, $after: String, $last: Int, $before: String) {
      mem0Organizations(first: $first, after: $after, last: $last, before: $before) {
        ... on Mem0OrganizationConnection { edges { cursor node { ${fields} } } pageInfo { hasNextPage hasPreviousPage } } } }`,
    args,
  );
  return mem0Organizations;
}

async function one<T>(id: string, fields: string): Promise<T> {
  const { mem0Organization } = await world.send<{ mem0Organization: T }>(
    `query ($id: String!) { mem0Organization(id: $id) { __typename ... on Error { code } ... on Mem0Organization { ${fields} } } }`,
    { id },
  );
  return mem0Organization;
}

function idsOf({ edges }: Page): string[] {
  return edges.map(({ node }) => node.mem0Id);
}

describe("Mem0's graph", () => {
  it("shows a tenant's organization with everything in it, and whose it is", async () => {
    const found = (await page({ first: 100 }, deep)).edges.find(({ node }) => node.tenant?.key === "first");
    expect(found?.node).toMatchObject({
      name: expect.stringContaining("first ·"),
      role: "OWNER",
      members: expect.arrayContaining([{ email: ada, role: "READER" }]),
    });
    const projects = found?.node.projects.edges?.map(({ node }) => node);
    expect(projects?.map(({ tenant }) => tenant?.key)).toEqual(["first", "first"]);
    const main = projects?.find(({ name }) => name !== "default-project");
    expect(main?.members).toContainEqual({ email: ada });
    expect(main?.webhooks.edges).toEqual([
      {
        node: {
          ...{ name: "main", url: "https://acme.test/first", eventTypes: ["memory_add"], isActive: true },
          tenant: { key: "first" },
        },
      },
    ]);
  });

  it("shows an organization that was made by hand as nobody's", async () => {
    const found = await one<OrganizationView>(hand.organizationId, deep);
    expect(found).toMatchObject({ name: "Made by hand", tenant: null });
    expect(found.projects.edges).toMatchObject([{ node: { name: "default-project", tenant: null } }]);
  });

  it("reads a page of five organizations with members and projects by six calls and two statements", async () => {
    await world.emulator.clearRequests();
    const statements = vi.spyOn(pg.Client.prototype, "query");
    const five = await page(
      { first: 5 },
      `mem0Id members { email } tenant { key resources { name } }
       projects { ... on Mem0ProjectConnection { edges { node { members { email } } } } }`,
    );
    expect(five.edges).toHaveLength(5);
    const texts = statements.mock.calls.map(([query]) => JSON.stringify(query));
    // The mapping with its tenants, and what of the tenants was asked for besides: each for all five together.
    expect(texts.filter((text) => /FROM .*(resource|tenant)/.test(text))).toHaveLength(2);
    const sent = await sentRequests(world);
    expect(sent.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
      [`GET ${orgs}`, ...idsOf(five).map((id) => `GET ${orgs}${id}/projects/`)].toSorted(),
    );
  });

  it("reads each thing once in a request, however often it is asked for", async () => {
    await world.emulator.clearRequests();
    const webhooks = "webhooks { ... on Mem0WebhookConnection { edges { node { name } } } }";
    const webhook = `webhook(id: "${hand.webhookId}") { ... on Mem0Webhook { url tenant { key } } }`;
    await world.send(
      `query ($org: String!, $project: String!) {
        a: mem0Organizations { ... on Mem0OrganizationConnection { edges { node { name } } } }
        b: mem0Organizations(last: 1) { ... on Mem0OrganizationConnection { edges { node { name } } } }
        c: mem0Organization(id: $org) { ... on Mem0Organization { project(id: $project) { ... on Mem0Project { ${webhooks} } } } }
        d: mem0Organization(id: $org) { ... on Mem0Organization { project(id: $project) { ... on Mem0Project { ${webhook} } } } }
      }`,
      { org: hand.organizationId, project: hand.projectId },
    );
    const single = `${orgs}${hand.organizationId}/`;
    expect((await sentRequests(world)).map(({ path }) => path).toSorted()).toEqual(
      [
        orgs,
        single,
        `${single}projects/${hand.projectId}/`,
        `/api/v1/webhooks/projects/${hand.projectId}/`,
      ].toSorted(),
    );
  });

  it("tells what fails in one place there, and shows the rest", async () => {
    const path = `${orgs}${hand.organizationId}/projects/`;
    await world.emulator.failNext({ match: { method: "GET", path }, fault: { kind: "fail-500" } });
    const { edges } = await page({ first: 100 }, deep);
    const failed = edges.filter(({ node }) => node.projects.__typename !== "Mem0ProjectConnection");
    expect(failed.map(({ node }) => [node.mem0Id, node.projects])).toEqual([
      [hand.organizationId, { __typename: "Mem0Unavailable", code: "MEM0_UNAVAILABLE" }],
    ]);
  });

  it("shows Mem0's own lists of members, too", async () => {
    const listed =
      "listedMembers { ... on Mem0MemberConnection { edges { node { userId email username role } } } }";
    const found = await one<object>(
      hand.organizationId,
      `${listed} project(id: "${hand.projectId}") { ... on Mem0Project { ${listed} } }`,
    );
    const reader = { role: "READER", email: null };
    expect(found).toMatchObject({
      listedMembers: {
        edges: expect.arrayContaining([{ node: { ...reader, userId: expect.any(String), username: null } }]),
      },
      project: {
        listedMembers: {
          edges: expect.arrayContaining([
            { node: { ...reader, userId: null, username: expect.any(String) } },
          ]),
        },
      },
    });
  });

  it("pages through the members that Mem0 lists, each once", async () => {
    const page = (after: string) =>
      one<{ listedMembers: { edges: { node: { userId: string } }[]; pageInfo: PageInfo } }>(
        hand.organizationId,
        `listedMembers(first: 1${after}) { ... on Mem0MemberConnection {
          edges { node { userId } } pageInfo { hasNextPage endCursor } } }`,
      );
    interface PageInfo {
      readonly hasNextPage: boolean;
      readonly endCursor: string;
    }
    const seen: string[] = [];
    let after = "";
    for (let pages = 0; pages < 5; pages++) {
      const { edges, pageInfo } = (await page(after)).listedMembers;
      seen.push(...edges.map(({ node }) => node.userId));
      if (!pageInfo.hasNextPage) break;
      after = `, after: "${pageInfo.endCursor}"`;
    }
    const { organizations } = await world.emulator.tables();
    const members = organizations.find(({ org_id }) => org_id === hand.organizationId)?.members ?? [];
    expect(members.length).toBeGreaterThan(1);
    expect(new Set(seen).size).toBe(members.length);
    expect(seen).toHaveLength(members.length);
  });

  it("shows a project's settings, categories with and without a description", async () => {
    const { projectId } = await createProject(world.provisioning.mem0, hand.organizationId, {
      name: "settings",
    });
    await updateProject(world.provisioning.mem0, hand.organizationId, projectId, {
      ...{ customInstructions: "Be brief.", decay: true },
      customCategories: [{ work: "What they do" }, "bare"],
    });
    const fields = "mem0Id customInstructions customCategories { name description } decay isDefault";
    expect(
      await one(hand.organizationId, `project(id: "${projectId}") { ... on Mem0Project { ${fields} } }`),
    ).toMatchObject({
      project: {
        ...{ mem0Id: projectId, customInstructions: "Be brief.", decay: true, isDefault: false },
        customCategories: [
          { name: "work", description: "What they do" },
          { name: "bare", description: null },
        ],
      },
    });
  });
});

describe("what Mem0 does not show", () => {
  it("is not found, at each depth", async () => {
    expect(await one("org_nowhere", "name")).toMatchObject({ __typename: "UpstreamNotFound" });
    const nested = (fields: string) => one(hand.organizationId, fields);
    expect(await nested(`project(id: "proj_nowhere") { __typename }`)).toMatchObject({
      project: { __typename: "UpstreamNotFound" },
    });
    const webhook = `webhook(id: "wh_nowhere") { __typename }`;
    expect(
      await nested(`project(id: "${hand.projectId}") { ... on Mem0Project { ${webhook} } }`),
    ).toMatchObject({ project: { webhook: { __typename: "UpstreamNotFound" } } });
  });

  it("is not even asked for by what cannot be an id", async () => {
    await world.emulator.clearRequests();
    expect(await one("../users", "name")).toMatchObject({ __typename: "InvalidInput" });
    expect(await sentRequests(world)).toEqual([]);
  });
});

describe("a list of Mem0's", () => {
  it("shows everything that the platform's account is in", async () => {
    const { organizations } = await world.emulator.tables();
    expect(all.toSorted()).toEqual(organizations.map(({ org_id }) => org_id).toSorted());
  });

  it.each([1, 2, 3])(
    "is led through by pages of %i, forward and backward, without gap or repeat",
    async (size) => {
      const forward: string[] = [];
      for (let after: string | undefined; ; ) {
        const found = await page({ first: size, after });
        forward.push(...idsOf(found));
        after = found.edges.at(-1)?.cursor;
        if (!found.pageInfo.hasNextPage) break;
      }
      expect(forward).toEqual(all);
      const backward: string[] = [];
      for (let before: string | undefined; ; ) {
        const found = await page({ last: size, before });
        backward.unshift(...idsOf(found));
        before = found.edges[0]?.cursor;
        if (!found.pageInfo.hasPreviousPage) break;
      }
      expect(backward).toEqual(all);
    },
  );

  it("refuses a cursor of another list", async () => {
    const made = { connection: "... on Mem0ProjectConnection { edges { cursor } }" };
    const found = await one<{ projects: { edges: { cursor: string }[] } }>(
      hand.organizationId,
      `projects { ${made.connection} }`,
    );
    const sent = page({ first: 1, after: found.projects.edges[0]?.cursor });
    const error = await sent.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ClientError)) throw new Error("It was answered.", { cause: error });
    expect(error.response.errors?.[0]?.extensions["code"]).toBe("BAD_CURSOR");
  });
});

describe("the platform's account", () => {
  it("is what ping says now, and what this installation knows of it", async () => {
    const known = await world.prisma.mem0Account.findFirstOrThrow();
    const identity = { organizationId: known.orgId, projectId: known.projectId, userEmail: known.userEmail };
    const answer = await world.send(
      `{ mem0Ping { __typename ... on Mem0Ping { organizationId projectId userEmail } }
         installation { platformAccount { upstream organizationId projectId userEmail organizationListIsProved } } }`,
    );
    expect(answer).toEqual({
      mem0Ping: { __typename: "Mem0Ping", ...identity },
      installation: {
        platformAccount: { upstream: "emulator", ...identity, organizationListIsProved: true },
      },
    });
  });

  it("that Mem0 no longer lets in is told as refused", async () => {
    const fault = { kind: "refuse", status: 401, body: { detail: "Invalid API key" } } as const;
    await world.emulator.failNext({ match: { method: "GET", path: "/v1/ping/" }, fault });
    const answer = await world.send(`{ mem0Ping { __typename ... on Mem0Refused { status } } }`);
    expect(answer).toEqual({ mem0Ping: { __typename: "Mem0Refused", status: 401 } });
  });
});
