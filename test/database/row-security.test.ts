import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiToken } from "../../src/access/api-tokens.ts";
import { type Caller, scopes, tenantScopes } from "../../src/access/caller.ts";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { withTenantSession } from "../../src/database/tenant-session.ts";
import { Prisma, type PrismaClient } from "../../src/generated/prisma/client.ts";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { type HttpServer, listen } from "../../src/server.ts";
import { attachNew, type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";

let world: World;
/** One connection, so that whatever a session leaves on it meets the next. */
let single: Database;
let server: HttpServer;
let caller: Caller;
let mine: Placed;
let theirs: Placed;
/** What is in rows of the other tenant and in nobody else's. */
let theirWords: readonly string[];

beforeAll(async () => {
  world = await createWorld();
  single = await openDatabase(world.connectionString, { connectionsMax: 1 });
  [mine, theirs] = [await inhabited(), await inhabited()];
  theirWords = [theirs.tenantId, theirs.key, theirs.orgId, theirs.projectId];
  const { prisma, provisioning, engine, watch, door, projectKeys, apiTokens } = world;
  const log = pino({ level: "silent" });
  server = await listen("127.0.0.1", 0, log);
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(
        { prisma, provisioning, engine, watch, door, projectKeys, apiTokens },
        log,
      ),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] }),
      authenticate: async () => caller,
    },
    whyNotReady: async () => null,
  });
});

afterAll(async () => {
  await server?.close(100);
  await single?.close();
  await world?.close();
});

/** A tenant of which every table that can hold something of a tenant's has a row. */
async function inhabited(): Promise<Placed> {
  const placed = await place(world);
  await attachNew(world, placed);
  await createApiToken(
    world.apiTokens,
    { actor: "admin", reason: "A test." },
    {
      ...{ kind: "TENANT", label: "Theirs", tenantKey: placed.key, isReadOnly: false },
      ...{ entity: null, lifetimeMs: null },
    },
  );
  return placed;
}

/** All models, by the names that the client has for them. */
const models = Object.values(Prisma.ModelName).map(
  (model) => `${model.charAt(0).toLowerCase()}${model.slice(1)}`,
);

/** Calls a method of a model that is known by name alone. */
async function callModel(
  prisma: PrismaClient,
  model: string,
  method: string,
  args: object = {},
): Promise<unknown> {
  const delegate: unknown = Reflect.get(prisma, model);
  if (typeof delegate !== "object" || delegate === null) throw new Error(`No model ${model}.`);
  const found: unknown = Reflect.get(delegate, method);
  if (typeof found !== "function") throw new Error(`No ${model}.${method}.`);
  return Reflect.apply(found, delegate, [args]);
}

/** What came of it: the rows as text, or "refused" where the database says that it may not be read or changed. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await call);
  } catch (error) {
    if (/permission denied|read-only transaction|42501|25006/.test(String(error))) return "refused";
    throw error;
  }
}

function expectNothingOfTheirs(text: string): void {
  for (const word of theirWords) expect(text).not.toContain(word);
}

describe("a tenant's session of the database", () => {
  it("asks for all rows of every model, and gets its own tenant's or none", async () => {
    const session = withTenantSession(world.prisma, mine.tenantId);
    const told = new Map<string, string>();
    for (const model of models) told.set(model, await outcomeOf(callModel(session, model, "findMany")));
    for (const text of told.values()) expectNothingOfTheirs(text);
    const own = [...told].filter(([, text]) => text.includes(mine.tenantId)).map(([model]) => model);
    expect(own.toSorted()).toEqual(["projectKey", "resource", "tenant"]);
    const empty = [...told].filter(([, text]) => text === "[]").map(([model]) => model);
    expect(empty.toSorted()).toEqual([
      "apiToken",
      "mem0Account",
      "operation",
      "operationStep",
      "unaccounted",
    ]);
    const others = models.filter((model) => !own.includes(model) && !empty.includes(model));
    for (const model of others) expect(told.get(model), model).toBe("refused");
    // Without the wall there is something to see in each of them.
    const all = await Promise.all(models.map(async (model) => callModel(world.prisma, model, "findMany")));
    expect(JSON.stringify(all).split(theirs.tenantId).length).toBeGreaterThan(10);
  });

  it("sees the customer's account that its tenant is on, and no other", async () => {
    const insert = (id: string) => world.prisma.$executeRaw`
      INSERT INTO mem0_account (id, role, upstream, org_id, project_id, user_email, key_state, key_hint, sealed_key)
      VALUES (${id}, 'CUSTOMER', 'emulator', ${id}, ${id}, 'a@b.test', 'PROVED', 'abcd', '{}')`;
    for (const id of ["acc_mine", "acc_other"]) await insert(id);
    await world.prisma.$executeRaw`INSERT INTO tenant (id, key, generation, name, status, account_id)
      VALUES ('tnt_linked', 'linked', 1, 'Linked', 'PROVISIONING', 'acc_mine')`;
    const accounts = await withTenantSession(world.prisma, "tnt_linked").mem0Account.findMany();
    expect(accounts.map(({ id }) => id)).toEqual(["acc_mine"]);
    expect(await withTenantSession(world.prisma, mine.tenantId).mem0Account.findMany()).toEqual([]);
  });

  it("writes nothing, by model or by hand", async () => {
    const session = withTenantSession(world.prisma, mine.tenantId);
    for (const model of models) {
      expect(await outcomeOf(callModel(session, model, "deleteMany")), model).toBe("refused");
    }
    const renamed = session.tenant.updateMany({ data: { name: "Mine now" } });
    expect(await outcomeOf(renamed)).toBe("refused");
    const byHand = session.$executeRaw`UPDATE tenant SET name = 'Mine now'`;
    expect(await outcomeOf(byHand)).toBe("refused");
    expect(await world.prisma.tenant.count({ where: { name: "Mine now" } })).toBe(0);
  });

  it("reads by hand what it reads by models, and no more", async () => {
    const session = withTenantSession(world.prisma, mine.tenantId);
    const rows = await session.$queryRaw`SELECT id, current_user::text AS "as" FROM tenant`;
    expect(rows).toEqual([{ id: mine.tenantId, as: "loci_tenant" }]);
    expect(await outcomeOf(session.$queryRaw`SELECT * FROM installation`)).toBe("refused");
    expect(await outcomeOf(session.$queryRaw`SELECT * FROM dbos.workflow_status`)).toBe("refused");
  });

  it("has no transaction, and nothing else that leads round the wall", () => {
    const session = withTenantSession(world.prisma, mine.tenantId);
    expect(() => session.$transaction).toThrow("has no $transaction");
    expect(() => session.$extends).toThrow("has no $extends");
  });

  it("leaves its connection as it was, whether a statement worked or failed", async () => {
    const { prisma } = single;
    const seen = async (client: PrismaClient) =>
      (await client.$queryRaw<{ id: string }[]>`SELECT id FROM tenant`).map(({ id }) => id);
    const everything = await seen(prisma);
    expect(everything).toEqual(expect.arrayContaining([mine.tenantId, theirs.tenantId]));
    // One text on one connection: a plan that was made for one must not serve the other.
    for (let round = 0; round < 8; round += 1) {
      expect(await seen(withTenantSession(prisma, mine.tenantId))).toEqual([mine.tenantId]);
      expect(await seen(prisma)).toEqual(everything);
      expect(await seen(withTenantSession(prisma, theirs.tenantId))).toEqual([theirs.tenantId]);
      const session = withTenantSession(prisma, mine.tenantId);
      await expect(session.$queryRaw`SELECT 1 / 0 AS never`).rejects.toThrow("division by zero");
      await expect(session.tenant.findUniqueOrThrow({ where: { id: theirs.tenantId } })).rejects.toThrow();
    }
    expect(await prisma.$queryRaw`SELECT current_user = session_user AS "isItself"`).toEqual([
      { isItself: true },
    ]);
    expect(await prisma.$queryRaw`SELECT current_setting('loci.tenant_id', true) AS left`).toEqual([
      { left: "" },
    ]);
  });

  it("of many at once never sees another's", async () => {
    const asks = Array.from({ length: 200 }, async (_, turn) => {
      const { tenantId } = turn % 2 === 0 ? mine : theirs;
      const session = withTenantSession(world.prisma, tenantId);
      const both = { id: { in: [mine.tenantId, theirs.tenantId] } };
      expect((await session.tenant.findMany({ where: both })).map(({ id }) => id)).toEqual([tenantId]);
      const one = await session.tenant.findUnique({ where: { id: mine.tenantId } });
      expect(one?.id).toBe(tenantId === mine.tenantId ? mine.tenantId : undefined);
    });
    await Promise.all(asks);
  });

  it("of no tenant, or of one that there is not, sees nothing", async () => {
    for (const tenantId of ["", "tnt_never"]) {
      const session = withTenantSession(world.prisma, tenantId);
      expect(await session.tenant.findMany()).toEqual([]);
      expect(await session.resource.findMany()).toEqual([]);
    }
  });
});

describe("the wall", () => {
  it("stands on every table, and opens what is listed here and nothing else", async () => {
    const tables = await world.prisma.$queryRaw<{ name: string; isWalled: boolean; grants: string }[]>`
      SELECT relname AS name, relrowsecurity AND NOT relforcerowsecurity AS "isWalled",
        concat_ws(',', VARIADIC ARRAY(SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
          'REFERENCES', 'TRIGGER']) AS privilege WHERE has_table_privilege('loci_tenant', oid, privilege))) AS grants
      FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace::regnamespace::text IN ('public', 'dbos')
        AND NOT (relname = '_prisma_migrations' OR relnamespace::regnamespace::text = 'dbos') ORDER BY relname`;
    // A new table: ALTER TABLE … ENABLE ROW LEVEL SECURITY in its migration.
    expect(tables.filter(({ isWalled }) => !isWalled)).toEqual([]);
    expect(tables.length).toBeGreaterThan(13);
    const granted = tables.filter(({ grants }) => grants !== "");
    expect(granted.map(({ name, grants }) => `${name}: ${grants}`)).toEqual([
      ...["api_token: SELECT", "mem0_account: SELECT", "operation: SELECT"],
      ...["operation_step: SELECT", "project_key: SELECT"],
      ...["resource: SELECT", "tenant: SELECT", "unaccounted: SELECT"],
    ]);
    const policies = await world.prisma.$queryRaw<object[]>`
      SELECT tablename::text AS on, cmd, array_to_string(roles, ',') AS for, permissive FROM pg_policies ORDER BY 1`;
    const forTenants = { cmd: "SELECT", for: "loci_tenant", permissive: "PERMISSIVE" };
    expect(policies).toEqual(
      ["mem0_account", "project_key", "resource", "tenant"].map((on) => ({ on, ...forTenants })),
    );
  });

  it("is a role that nobody can log in as, and that is above no rule", async () => {
    const roles = await world.prisma
      .$queryRaw`SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
      AS "canMore", has_schema_privilege(oid, 'dbos', 'USAGE') AS "getsToEngine" FROM pg_roles WHERE rolname = 'loci_tenant'`;
    expect(roles).toEqual([{ canMore: false, getsToEngine: false }]);
  });
});

interface Answer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

async function ask(as: Caller, query: string, variables: object = {}): Promise<Answer> {
  caller = as;
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer whoever-the-test-says" },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

const globalId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString("base64");

/** A caller of the first tenant, as its token makes one. */
function tenantsCaller(): Caller {
  return {
    ...{ actor: "tenant:test", tenantId: mine.tenantId, entity: null },
    scopes: new Set(tenantScopes({ isReadOnly: false, hasEntity: false })),
  };
}

/**
 * The same caller in a Loci whose own filters were forgotten: whoever has these scopes is shown everything by
 * `schema/visible.ts`. What keeps it from other tenants is the database alone.
 */
function unfiltered(): Caller {
  return { ...tenantsCaller(), scopes: new Set(scopes) };
}

/** One of each kind of thing that has a global id, of a tenant. */
async function thingsOf({ tenantId }: Placed): Promise<[type: string, id: string][]> {
  const where = { tenantId };
  const { prisma } = world;
  const account = await prisma.mem0Account.findFirstOrThrow();
  return [
    ["Tenant", tenantId],
    ["Resource", (await prisma.resource.findFirstOrThrow({ where })).id],
    ["ProjectKey", (await prisma.projectKey.findFirstOrThrow({ where })).id],
    ["Operation", (await prisma.operation.findFirstOrThrow({ where })).id],
    ["ApiToken", (await prisma.apiToken.findFirstOrThrow({ where })).id],
    ["Mem0Account", account.id],
    ["Unaccounted", "una_never"],
  ];
}

describe("over GraphQL", () => {
  it("a tenant's own caller reads its tenant and its memory access behind the wall", async () => {
    const { data, errors } = await ask(
      tenantsCaller(),
      "{ viewer { tenant { key status memoryAccess { state missingFor keys { state hint } } } } }",
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      viewer: {
        tenant: {
          ...{ key: mine.key, status: "ACTIVE" },
          memoryAccess: {
            ...{ state: "BOUND_KEY", missingFor: [] },
            keys: [{ state: "PROVED", hint: expect.any(String) }],
          },
        },
      },
    });
  });

  it("a tenant's own caller remembers and searches behind the wall", async () => {
    const added = await ask(
      tenantsCaller(),
      `mutation { addMemories(input: { messages: [{ role: USER, content: "Likes tea." }], infer: false, userId: "alice" }) {
        __typename ... on Error { message } } }`,
    );
    expect(added).toMatchObject({ data: { addMemories: { __typename: "AddMemoriesPayload" } } });
    const found = await ask(
      tenantsCaller(),
      `query ($key: String!) { tenant(key: $key) { searchMemories(query: "tea", filter: { userId: { eq: "alice" } }) {
        __typename ... on MemorySearch { results { memory { memory } } } } } }`,
      { key: mine.key },
    );
    expect(found).toMatchObject({
      data: { tenant: { searchMemories: { results: [{ memory: { memory: "Likes tea." } }] } } },
    });
  });

  it("what a tenant's own caller does is audited, although it can write nothing itself", async () => {
    const actor = "tenant:audited";
    const as = { ...tenantsCaller(), actor };
    const add = (tenantKey: string) =>
      ask(
        as,
        `mutation ($key: String!) { addMemories(input: { tenantKey: $key, messages: [{ role: USER, content: "Likes coffee." }],
          infer: false, userId: "alice" }) { __typename } }`,
        { key: tenantKey },
      );
    expect(await add(mine.key)).toMatchObject({
      data: { addMemories: { __typename: "AddMemoriesPayload" } },
    });
    expect(await add(theirs.key)).toMatchObject({ data: { addMemories: { __typename: "TenantNotFound" } } });
    const events = await world.prisma.auditEvent.findMany({ where: { actor }, orderBy: { id: "asc" } });
    expect(events.map(({ outcome, refusal }) => refusal ?? outcome)).toEqual([
      "ASKED",
      "DONE",
      "TENANT_NOT_FOUND",
    ]);
  });

  it("what is another tenant's is answered like what is not there, for each kind of thing", async () => {
    for (const as of [tenantsCaller(), unfiltered()]) {
      for (const [type, id] of await thingsOf(theirs)) {
        const node = async (asked: string) => {
          const document = "query ($id: ID!) { node(id: $id) { __typename id } }";
          return ask(as, document, { id: globalId(type, asked) });
        };
        expect((await node(id)).data, type).toEqual({ node: null });
        expect(await node(id), type).toEqual(await node(`${id.slice(0, -3)}zzz`));
      }
      const byKey = await ask(as, "query ($key: String!) { tenant(key: $key) { key } }", {
        key: theirs.key,
      });
      expect(byKey.data).toEqual({ tenant: null });
    }
  });

  it("a caller whose filters were forgotten still gets its own tenant alone", async () => {
    const { data } = await ask(unfiltered(), "{ tenants(first: 100) { edges { node { id key } } } }");
    expect(data).toEqual({ tenants: { edges: [{ node: { id: expect.any(String), key: mine.key } }] } });
    const own = await ask(
      unfiltered(),
      "query ($key: String!) { tenant(key: $key) { resources { kind upstreamId } } }",
      { key: mine.key },
    );
    expect(JSON.stringify(own)).toContain(mine.projectId);
    const lists = [
      "{ operations(first: 100) { edges { node { id tenant { key } } } } }",
      "{ mem0Accounts(first: 100) { edges { node { id userEmail } } } }",
      "{ unaccounted(first: 100) { edges { node { id } } } }",
      "{ apiTokens(first: 100) { edges { node { id label } } } }",
    ];
    for (const list of lists) {
      const answer = await ask(unfiltered(), list);
      expectNothingOfTheirs(JSON.stringify(answer));
      expect(answer.errors?.[0]?.extensions?.code ?? "none", list).not.toBe("GRAPHQL_VALIDATION_FAILED");
      expect(JSON.stringify(answer.data ?? null), list).not.toContain(`"node"`);
    }
  });

  it("an admin, who is of no tenant, is not behind the wall", async () => {
    const admin: Caller = { actor: "admin", scopes: new Set(scopes), tenantId: null, entity: null };
    const { data } = await ask(admin, "{ tenants(first: 100) { edges { node { key } } } }");
    const keys = JSON.stringify(data);
    for (const { key } of [mine, theirs]) expect(keys).toContain(key);
  });
});
