import { ClientError } from "graphql-request";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertTenant } from "../tenants/legal-rows.ts";
import { createWorld, type World } from "../world.ts";

interface Page {
  readonly edges: readonly {
    readonly cursor: string;
    readonly node: { readonly id: string; readonly key: string };
  }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const count = 105;
/** The keys, newest first, as the list shows them: t-104 to t-000. */
const newestFirst = Array.from({ length: count }, (_, number) => keyOf(count - 1 - number));
const activeKeys = ["t-003", "t-050", "t-051"];

let world: World;

beforeAll(async () => {
  world = await createWorld();
  const client = new pg.Client({ connectionString: world.connectionString });
  await client.connect();
  for (let number = 0; number < count; number++) {
    const key = keyOf(number);
    const name = number === 50 ? "Globex, Inc." : "Acme";
    await insertTenant(client, { key, name, status: activeKeys.includes(key) ? "ACTIVE" : "PROVISIONING" });
  }
  await client.end();
});
afterAll(() => world.close());

function keyOf(number: number): string {
  return `t-${String(number).padStart(3, "0")}`;
}

async function tenants(args: object): Promise<Page> {
  const { tenants: page } = await world.send<{ tenants: Page }>(
    `query ($first: Int, $after: String, $last: Int, $before: String, $filter: TenantFilter) {
      tenants(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        edges { cursor node { id key } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    args,
  );
  return page;
}

const keysOf = ({ edges }: Page) => edges.map(({ node }) => node.key);

/** The errors of a document that must not be answered. */
async function errorsOf(sent: Promise<unknown>) {
  const error = await sent.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClientError)) throw new Error("It was answered.", { cause: error });
  return error.response.errors ?? [];
}

describe("tenants", () => {
  it("answers the first twenty, newest first, when not told otherwise", async () => {
    const page = await tenants({});
    expect(keysOf(page)).toEqual(newestFirst.slice(0, 20));
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: page.edges[0]?.cursor,
      endCursor: page.edges.at(-1)?.cursor,
    });
  });

  it("goes on after a cursor, page by page, to the end", async () => {
    const keys: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 6; pages++) {
      const page: Page = await tenants({ first: 25, after });
      keys.push(...keysOf(page));
      after = page.pageInfo.endCursor;
      expect(page.pageInfo.hasPreviousPage).toBe(pages > 0);
      expect(page.pageInfo.hasNextPage).toBe(pages < 4);
      if (!page.pageInfo.hasNextPage) break;
    }
    expect(keys).toEqual(newestFirst);
  });

  it("answers the last ones, and goes back before a cursor, always newest first", async () => {
    const end = await tenants({ last: 3 });
    expect(keysOf(end)).toEqual(["t-002", "t-001", "t-000"]);
    expect(end.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    const before = await tenants({ last: 3, before: end.pageInfo.startCursor });
    expect(keysOf(before)).toEqual(["t-005", "t-004", "t-003"]);
    expect(before.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: true });
  });

  it("has nothing after the last and nothing before the first", async () => {
    const [first, last] = [await tenants({ first: 1 }), await tenants({ last: 1 })];
    const after = await tenants({ first: 5, after: last.pageInfo.endCursor });
    const before = await tenants({ last: 5, before: first.pageInfo.startCursor });
    expect([...after.edges, ...before.edges]).toEqual([]);
    expect(after.pageInfo.hasNextPage).toBe(false);
    expect(before.pageInfo.hasPreviousPage).toBe(false);
  });

  it("says that there is no next page when a page ends with the last tenant", async () => {
    const after = (await tenants({ first: 100 })).pageInfo.endCursor;
    const page = await tenants({ first: 5, after });
    expect(keysOf(page)).toEqual(newestFirst.slice(100));
    expect(page.pageInfo.hasNextPage).toBe(false);
  });

  it.each([{ first: 1_000 }, { last: 1_000 }])("gives at most a hundred at once to %j", async (args) => {
    const page = await tenants(args);
    expect(page.edges).toHaveLength(100);
    expect(page.pageInfo).toMatchObject("first" in args ? { hasNextPage: true } : { hasPreviousPage: true });
  });

  it("filters by status and by words, within which it pages too", async () => {
    const all = ["t-051", "t-050", "t-003"];
    expect(keysOf(await tenants({ filter: { status: "ACTIVE" } }))).toEqual(all);
    const first = await tenants({ first: 2, filter: { status: "ACTIVE" } });
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = await tenants({ first: 2, after: first.pageInfo.endCursor, filter: { status: "ACTIVE" } });
    expect([...keysOf(first), ...keysOf(second)]).toEqual(all);
    expect(second.pageInfo.hasNextPage).toBe(false);
    expect(keysOf(await tenants({ filter: { search: "glob" } }))).toEqual(["t-050"]);
    expect(keysOf(await tenants({ filter: { search: "glob", status: "PROVISIONING" } }))).toEqual([]);
    expect(keysOf(await tenants({ filter: { status: null, search: null }, first: 1 }))).toEqual(["t-104"]);
  });

  it.each(["rubbish", "", Buffer.from("operation:op_1").toString("base64url"), "🦊"])(
    "refuses the cursor %j with a message that says what is wrong",
    async (after) => {
      const [error] = await errorsOf(tenants({ first: 1, after }));
      expect(error?.message).toBe("This is not a cursor of this list.");
      expect(error?.extensions).toEqual({ code: "BAD_CURSOR" });
    },
  );

  it.each([{ first: -1 }, { last: -1 }])(
    "refuses %j with a message that names the argument",
    async (args) => {
      const [error] = await errorsOf(tenants(args));
      expect(error?.message).toContain(Object.keys(args)[0]);
      expect(error?.message).not.toContain("Internal error");
    },
  );
});

describe("node and nodes", () => {
  const byId = `query ($ids: [ID!]!, $id: ID!) { node(id: $id) { __typename id ... on Tenant { key } }
    nodes(ids: $ids) { __typename id ... on Tenant { key } } }`;

  it("find a tenant by its global id, which is another than the row's", async () => {
    const { edges } = await tenants({ first: 2 });
    const ids = edges.map(({ node }) => node.id);
    const answer = await world.send<{ node: object; nodes: object[] }>(byId, { id: ids[0], ids });
    expect(answer.node).toEqual({ __typename: "Tenant", id: ids[0], key: "t-104" });
    expect(answer.nodes).toEqual([
      { __typename: "Tenant", id: ids[0], key: "t-104" },
      { __typename: "Tenant", id: ids[1], key: "t-103" },
    ]);
    expect(await world.prisma.tenant.count({ where: { id: { in: ids } } })).toBe(0);
  });

  it("answer null where there is no such tenant, and the others all the same", async () => {
    const { edges } = await tenants({ first: 1 });
    const known = edges[0]?.node.id ?? "";
    const unknown = Buffer.from("Tenant:tnt_00000000000000000000000000").toString("base64");
    const answer = await world.send<object>(byId, { id: unknown, ids: [unknown, known] });
    expect(answer).toEqual({ node: null, nodes: [null, { __typename: "Tenant", id: known, key: "t-104" }] });
  });

  it("do not take a tenant's id for that of an operation", async () => {
    const { edges } = await tenants({ first: 1 });
    const rowId = Buffer.from(edges[0]?.node.id ?? "", "base64")
      .toString()
      .split(":")[1];
    const forged = Buffer.from(`Operation:${rowId}`).toString("base64");
    expect(
      await world.send("query ($id: ID!) { node(id: $id) { id } operation(id: $id) { id } }", { id: forged }),
    ).toEqual({ node: null, operation: null });
    const asOperation = { id: edges[0]?.node.id };
    expect(await world.send("query ($id: ID!) { operation(id: $id) { id } }", asOperation)).toEqual({
      operation: null,
    });
  });
});
