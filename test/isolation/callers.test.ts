import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CallerEntity } from "../../src/access/caller.ts";
import { onlyOwn } from "../../src/schema/caller-entity.ts";
import { type IdPrefix, newId } from "../../src/tenants/ids.ts";
import { newToken, sendAs } from "../access/token-rig.ts";
import { freshKey, offboard, signUp, until } from "../main-job.ts";
import { place } from "../memory-access/key-rig.ts";
import { remember, requestsOf } from "../schema/memory-rig.ts";
import { createWorld, type World } from "../world.ts";
import { memoryCalls } from "./memory-calls.ts";
import { askedFor, call, type Inhabited, inhabit, inhabited, mem0IdIn, rowsOf, strangeIds } from "./rig.ts";

let world: World;
let acme: Inhabited;
let globex: Inhabited;
/** Of Acme: all that a tenant's token can be. */
let token: string;

beforeAll(async () => {
  world = await createWorld();
  [acme, globex] = [await inhabited(world), await inhabited(world)];
  token = await tokenOf(acme);
});
afterAll(() => world?.close());
beforeEach(() => world.emulator.clearRequests());

async function tokenOf({ key }: { readonly key: string }, more: object = {}): Promise<string> {
  return (await newToken(world, { kind: "TENANT", tenantKey: key, ...more })).token;
}

const globalId = (typename: string, id: string) => Buffer.from(`${typename}:${id}`).toString("base64");

/** An answer that names what was asked for, without the name. */
function without(name: string, body: string): string {
  return body.replaceAll(name, "<asked>");
}

/** What there is of a tenant that has an id in the API, by its type. */
async function idsOf({ tenantId }: { readonly tenantId: string }): Promise<Readonly<Record<string, string>>> {
  const { prisma } = world;
  const where = { where: { tenantId } };
  return {
    Tenant: tenantId,
    Operation: (await prisma.operation.findFirstOrThrow(where)).id,
    Resource: (await prisma.resource.findFirstOrThrow(where)).id,
    ProjectKey: (await prisma.projectKey.findFirstOrThrow(where)).id,
    ApiToken: (await prisma.apiToken.findFirstOrThrow(where)).id,
  };
}

const prefixes: Readonly<Record<string, IdPrefix>> = {
  ...{ Tenant: "tnt", Operation: "op", Resource: "res", ProjectKey: "key", ApiToken: "tok" },
  ...{ Mem0Account: "acc", Unaccounted: "una" },
};

/** What the two ways to a node answer, and what they ask of Mem0. */
async function nodesOf(bearer: string, ids: readonly string[]) {
  const [one = ""] = ids;
  const single = await sendAs(
    ...[world, bearer, "query ($id: ID!) { node(id: $id) { __typename id } }", { id: one }],
  );
  const many = await sendAs(
    ...[world, bearer, "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", { ids }],
  );
  return { single, many, both: without(one, single.body + many.body) };
}

describe("a token of a tenant", () => {
  it("makes every call for its own tenant, named or not, or else the rest of this file proves nothing", async () => {
    let own = await inhabited(world);
    const bearer = { token: await tokenOf(own) };
    for (const one of memoryCalls) {
      const told = await call(world, bearer, own, one);
      expect(told.code, `${one.title}: ${told.body}`).toBeNull();
      expect(told.answer, one.title).not.toBeNull();
      if (one.field.startsWith("delete")) own = { ...own, names: await inhabit(world, world, own) };
    }
    const { data } = await sendAs(
      ...[world, bearer.token],
      `mutation { addMemories(input: { messages: [{ role: USER, content: "Without a key." }], userId: "x", infer: false }) {
        __typename ... on AddMemoriesPayload { results { memory } } } }`,
    );
    expect(data).toEqual({
      addMemories: { __typename: "AddMemoriesPayload", results: [{ memory: "Without a key." }] },
    });
    expect(await rowsOf(world, own)).toContain("Without a key.");
  });

  it.each(memoryCalls)(
    "is answered by $title of another tenant as of one that never was, and Mem0 is not asked",
    async (one) => {
      const before = await rowsOf(world, globex);
      const ask = async (key: string) => {
        const told = await call(world, { token }, { ...globex, key }, one);
        return { told, body: without(key, told.body) };
      };
      const never = freshKey();
      const [theirs, none] = [await ask(globex.key), await ask(never)];
      expect(theirs.body).toBe(none.body);
      if (one.root === "Mutation") expect(theirs.told.code).toBe("TENANT_NOT_FOUND");
      else expect(theirs.body).toContain('"tenant":null');
      expect(await askedFor(world, null)).toBe("");
      expect(await rowsOf(world, globex)).toBe(before);
    },
  );

  it.each(
    memoryCalls.flatMap((one) => one.slots.flatMap((slot) => (slot === "cursor" ? [] : [{ ...one, slot }]))),
  )("is answered by $title with the id of another tenant's $slot as with one that never was", async (one) => {
    const things = { memory: "Memory", event: "MemoryEvent", export: "MemoryExport" } as const;
    const { meaningless } = strangeIds(world, things[one.slot], acme, globex);
    const [never = "", theirs = ""] = meaningless;
    expect(theirs).toBe(globex.names[one.slot]);
    const bodies: string[] = [];
    for (const id of [never, theirs]) {
      const { body } = await call(world, { token }, acme, one, { [one.slot]: id });
      expect(body).not.toContain(globex.tag);
      // Exports and their like say something new each time.
      bodies.push(
        without(id, body).replaceAll(/[\w-]{60,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<new>"),
      );
    }
    expect(bodies[0]).toBe(bodies[1]);
    expect(await askedFor(world, null)).not.toContain(mem0IdIn(theirs));
  });

  it("finds no node of another tenant, whatever it is: as if it had never been", async () => {
    await tokenOf(globex);
    for (const [type, id] of Object.entries(await idsOf(globex))) {
      const [theirs, never] = [globalId(type, id), globalId(type, newId(prefixes[type] ?? "tnt"))];
      const found = await nodesOf(token, [theirs, theirs]);
      expect(found.single.data, type).toEqual({ node: null });
      expect(found.many.data, type).toEqual({ nodes: [null, null] });
      expect(found.both, type).toBe((await nodesOf(token, [never, never])).both);
    }
  });

  it("finds its tenant, and nothing of what the control plane keeps of it", async () => {
    for (const [type, id] of Object.entries(await idsOf(acme))) {
      const { data } = (await nodesOf(token, [globalId(type, id)])).single;
      expect(data, type).toEqual(
        type === "Tenant" ? { node: { __typename: "Tenant", id: globalId(type, id) } } : { node: null },
      );
    }
  });

  it("finds nothing of the installation: no account, nothing unaccounted", async () => {
    const { prisma } = world;
    const account = { orgId: "org_x", projectId: "proj_x", userEmail: "x@acme.test", upstream: "emulator" };
    const id = newId("acc");
    await prisma.mem0Account.create({
      data: { id, role: "CUSTOMER", ...account, sealedKey: {}, keyHint: "abcd", keyState: "PROVED" },
    });
    const found = await nodesOf(token, [globalId("Mem0Account", id)]);
    expect(found.single.data).toEqual({ node: null });
    expect(found.both).toBe((await nodesOf(token, [globalId("Mem0Account", newId("acc"))])).both);
    expect((await nodesOf(world.token, [globalId("Mem0Account", id)])).single.data).not.toEqual({
      node: null,
    });
  });

  it("sees its own tenant and no other, by whatever way", async () => {
    const ask = (key: string) =>
      sendAs<{ tenant: object | null; viewer: object }>(
        ...[
          world,
          token,
          "query ($key: String!) { tenant(key: $key) { key name } viewer { tenant { key } } }",
          { key },
        ],
      );
    expect((await ask(acme.key)).data).toMatchObject({
      tenant: { key: acme.key },
      viewer: { tenant: { key: acme.key } },
    });
    const [theirs, never, nul] = [await ask(globex.key), await ask(freshKey()), await ask("\u0000")];
    expect(theirs.data).toEqual({ tenant: null, viewer: { tenant: { key: acme.key } } });
    expect(never.body).toBe(theirs.body);
    expect(nul.body).toBe(theirs.body);
  });

  it("sees and watches no operation, of another tenant or its own, as if there were none", async () => {
    const ids = [newId("op"), (await idsOf(globex))["Operation"], (await idsOf(acme))["Operation"]];
    const asked: string[] = [];
    for (const id of ids.map((own) => globalId("Operation", own ?? ""))) {
      const query = await sendAs(...[world, token, "query ($id: ID!) { operation(id: $id) { id } }", { id }]);
      const watched = await sendAs(
        ...[world, token, "subscription ($id: ID!) { operationUpdated(id: $id) { id } }", { id }],
      );
      expect(query.data).toEqual({ operation: null });
      expect(watched.codes).toEqual(["NOT_FOUND"]);
      asked.push(without(id, query.body + watched.body));
    }
    expect(new Set(asked).size).toBe(1);
  });

  it("of an earlier life of a key is of no later one", async () => {
    const key = freshKey();
    await signUp(world, { key });
    const early = await tokenOf({ key });
    await offboard(world, { key });
    await signUp(world, { key });
    const refused = async () => (await sendAs(world, early, "{ viewer { actor } }")).status === 401;
    await until(refused, "the token has ended with its tenant");
  });
});

describe("a provisioner", () => {
  interface Seen {
    readonly tenant: {
      readonly generation: number;
      readonly operations: {
        readonly edges: readonly { readonly node: { readonly id: string; readonly kind: string } }[];
      };
      readonly resources: readonly { readonly id: string }[];
    } | null;
  }

  const look = (bearer: string, key: string) =>
    sendAs<Seen>(
      ...[world, bearer],
      "query ($key: String!) { tenant(key: $key) { generation resources { id } operations { edges { node { id kind } } } } }",
      { key },
    );

  async function signedUpBy(bearer: string): Promise<{ key: string; body: string }> {
    const key = freshKey();
    const { body } = await sendAs(
      ...[world, bearer],
      `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename
        ... on SignUpTenantPayload { operation { id } } } }`,
      { input: { key, name: "Acme Inc.", idempotencyKey: freshKey(), waitMs: 20_000 } },
    );
    return { key, body };
  }

  const kinds = ({ data }: Awaited<ReturnType<typeof look>>) =>
    data?.tenant?.operations.edges.map(({ node }) => node.kind);

  it("sees the tenants and operations that it asked for, and none of another provisioner's", async () => {
    const [one, other] = [
      await newToken(world, { kind: "PROVISIONER" }),
      await newToken(world, { kind: "PROVISIONER" }),
    ];
    const { key, body } = await signedUpBy(one.token);
    expect(body).toContain("SignUpTenantPayload");
    const own = await look(one.token, key);
    expect(own.data?.tenant?.resources.length).toBeGreaterThan(1);
    expect(kinds(own)).toEqual(["SIGN_UP"]);
    const theirs = await look(other.token, key);
    expect(theirs.data).toEqual({ tenant: null });
    expect(theirs.body).toBe((await look(other.token, freshKey())).body);
    const tenant = await world.prisma.tenant.findFirstOrThrow({ where: { key } });
    for (const [type, id] of [
      ["Tenant", tenant.id],
      [
        "Operation",
        Buffer.from(own.data?.tenant?.operations.edges[0]?.node.id ?? "", "base64")
          .toString()
          .slice(10),
      ],
      [
        "Resource",
        Buffer.from(own.data?.tenant?.resources[0]?.id ?? "", "base64")
          .toString()
          .slice(9),
      ],
    ] as const) {
      const [there, never] = [globalId(type, id), globalId(type, newId(prefixes[type] ?? "tnt"))];
      expect((await nodesOf(one.token, [there])).single.data, type).toEqual({
        node: { __typename: type, id: there },
      });
      const found = await nodesOf(other.token, [there]);
      expect(found.single.data, type).toEqual({ node: null });
      expect(found.both, type).toBe((await nodesOf(other.token, [never])).both);
    }
    const watch = (bearer: string, id: string) =>
      sendAs(
        ...[world, bearer, "subscription ($id: ID!) { operationUpdated(id: $id) { id status } }", { id }],
      );
    const id = own.data?.tenant?.operations.edges[0]?.node.id ?? "";
    await until(
      async () => (await watch(one.token, id)).body.includes("SUCCEEDED"),
      "it is watched to its end",
    );
    const never = globalId("Operation", newId("op"));
    expect(without(id, (await watch(other.token, id)).body)).toBe(
      without(never, (await watch(other.token, never)).body),
    );
  });

  it("does not see a tenant because it asked for its key, which was taken", async () => {
    const [one, other] = [
      await newToken(world, { kind: "PROVISIONER" }),
      await newToken(world, { kind: "PROVISIONER" }),
    ];
    const { key } = await signedUpBy(one.token);
    const { body } = await sendAs(
      ...[world, other.token],
      `mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename } }`,
      { input: { key, name: "Acme Inc.", idempotencyKey: freshKey() } },
    );
    expect(body).toContain("TenantKeyTaken");
    expect((await look(other.token, key)).data).toEqual({ tenant: null });
  });

  it("sees what it asked for of a tenant, and nobody else's doings; an off-boarder the same", async () => {
    const provisioner = await newToken(world, { kind: "PROVISIONER" });
    const offboarder = await newToken(world, { kind: "OFFBOARDER" });
    const { key } = await signedUpBy(provisioner.token);
    expect((await look(offboarder.token, key)).data).toEqual({ tenant: null });
    const left = await sendAs(
      ...[world, offboarder.token],
      "mutation ($input: OffboardTenantInput!) { offboardTenant(input: $input) { __typename } }",
      { input: { key, idempotencyKey: freshKey(), waitMs: 20_000 } },
    );
    expect(left.body).toContain("OffboardTenantPayload");
    expect(kinds(await look(provisioner.token, key))).toEqual(["SIGN_UP"]);
    expect(kinds(await look(offboarder.token, key))).toEqual(["OFFBOARD"]);
    // The next life of the key is another customer's, for all that they know.
    await until(
      async () => (await signUp(world, { key })).__typename === "SignUpTenantPayload",
      "it is signed up again",
    );
    expect((await look(world.token, key)).data?.tenant?.generation).toBe(2);
    expect((await look(provisioner.token, key)).data?.tenant?.generation).toBe(1);
  });
});

describe("a token of one entity of a tenant", () => {
  let shared: Inhabited;
  let bearer: string;
  /** Ids of a memory of each in one project. */
  let ofAlice: string;
  let ofBob: string;
  const bobs = "Bob keeps a secret";

  beforeAll(async () => {
    shared = await inhabited(world);
    [ofAlice = ""] = await remember(world, shared, ["Alice plays chess"], { userId: "alice" });
    [ofBob = ""] = await remember(world, shared, [bobs], {
      userId: "bob",
      agentId: "helper",
      appId: "shop",
      runId: "r1",
    });
    await remember(world, shared, ["Helper keeps a secret"], { agentId: "helper" });
    bearer = await tokenOf(shared, { entity: { type: "USER", name: "alice" } });
  });

  const ask = (args: object, field: "memories" | "searchMemories", by = bearer) => {
    const [declared, given] =
      field === "memories" ? ["", ""] : ["$query: String!, ", "query: $query, threshold: 0, topK: 100, "];
    const nodes =
      field === "memories"
        ? "edges { node { memory userId runId } }"
        : "results { memory { memory userId runId } }";
    return sendAs<{ viewer: { tenant: { answer: { __typename: string; problems?: { field: string }[] } } } }>(
      ...[world, by],
      `query (${declared}$filter: MemoryFilterInput!) { viewer { tenant { answer: ${field}(${given}filter: $filter) { __typename
        ... on ${field === "memories" ? "MemoryConnection" : "MemorySearch"} { ${nodes} }
        ... on InvalidInput { problems { field message } } ... on Error { code message } } } } }`,
      { query: "secret chess", ...args },
    );
  };

  const tricks = [
    { userId: { eq: "bob" } },
    { userId: { in: ["alice", "bob"] } },
    { userId: { ne: "alice" } },
    { userId: { ne: "alice", isPresent: true } },
    { userId: { isPresent: false }, agentId: { eq: "helper" } },
    { agentId: { eq: "helper" } },
    { appId: { eq: "shop" }, runId: { eq: "r1" } },
    { or: [{ userId: { eq: "alice" } }, { userId: { eq: "bob" } }] },
    { or: [{ userId: { isPresent: true } }, { agentId: { isPresent: true } }] },
    { and: [{ userId: { eq: "bob" } }, { or: [{ userId: { eq: "bob" } }] }] },
    { not: [{ userId: { eq: "alice" } }] },
    { not: [{ not: [{ userId: { eq: "bob" } }] }] },
    { or: [{ not: [{ userId: { eq: "alice" } }] }, { agentId: { eq: "helper" } }], userId: { eq: "bob" } },
    { createdAt: { gte: "2000-01-01" } },
    {},
  ];

  it.each(tricks)(
    "is shown by %j nothing of anybody else's, and Mem0 is asked for nothing else",
    async (filter) => {
      for (const field of ["memories", "searchMemories"] as const) {
        await world.emulator.clearRequests();
        const { body, data } = await ask({ filter }, field);
        expect(data?.viewer.tenant.answer.__typename, body).toMatch(/^Memory(Connection|Search)$/);
        expect(body).not.toContain("keeps a secret");
        expect(body).not.toContain('"bob"');
        const requests = await requestsOf(world);
        expect(requests).toHaveLength(1);
        const { filters } = (requests[0]?.body ?? {}) as { filters: Record<string, unknown> };
        const own = { user_id: "alice" };
        if (Object.keys(filter).length === 0) expect(filters).toEqual(own);
        else expect(filters).toEqual({ AND: expect.arrayContaining([own]) });
        // AND beside anything else is all that Mem0 would read.
        expect(Object.keys(filters)).toHaveLength(1);
      }
    },
  );

  it("is shown all of its own, asked for by name, by nothing, or by an id", async () => {
    for (const filter of [
      {},
      { userId: { eq: "alice" } },
      { memoryIds: [ofAlice] },
      { memoryIds: [ofAlice, ofBob] },
    ]) {
      for (const field of ["memories", "searchMemories"] as const) {
        const { body } = await ask({ filter }, field);
        expect(body, JSON.stringify(filter)).toContain("Alice plays chess");
        expect(body).not.toContain("keeps a secret");
      }
    }
    expect((await ask({ filter: { memoryIds: [ofBob] } }, "memories")).body).toContain('"edges":[]');
  });

  it("is told what is wrong with a filter in the places where it wrote it", async () => {
    for (const [filter, field] of [
      [{ userId: { eq: "*" } }, "filter.userId.eq"],
      [{ or: [] }, "filter.or"],
      [{ and: [{ createdAt: { gt: "never" } }] }, "filter.and.0.createdAt.gt"],
      [
        {
          metadata: [
            { key: "a", eq: "b" },
            { key: "a", eq: "c" },
          ],
        },
        "filter.metadata.1.key",
      ],
      [{ metadata: [{ key: "trip" }] }, "filter.metadata.0"],
    ] as const) {
      const { data, body } = await ask({ filter }, "memories");
      expect(data?.viewer.tenant.answer.problems?.[0]?.field, body).toBe(field);
    }
  });

  it.each(["user", "agent", "app", "run"] as const)(
    "may be of one %s, and reads what is of that",
    async (type) => {
      const other = await tokenOf(shared, { entity: { type: type.toUpperCase(), name: `own-${type}` } });
      const field = `${type}Id`;
      await remember(world, shared, [`It is of one ${type}`], { [field]: `own-${type}` });
      for (const list of ["memories", "searchMemories"] as const) {
        const { body } = await ask({ filter: {} }, list, other);
        expect(body).toContain(`It is of one ${type}`);
        expect(body).not.toContain("secret");
      }
    },
  );

  const deeds: readonly [string, (id: string) => { query: string; variables: object }][] = [
    [
      "memory",
      (id) => ({
        query:
          "query ($id: ID!) { viewer { tenant { answer: memory(id: $id) { __typename ... on Memory { memory } ... on Error { code message } } } } }",
        variables: { id },
      }),
    ],
    [
      "memoryHistory",
      (id) => ({
        query:
          "query ($id: ID!) { viewer { tenant { answer: memoryHistory(memoryId: $id) { __typename ... on Error { code message } } } } }",
        variables: { id },
      }),
    ],
    [
      "updateMemory",
      (id) => ({
        query:
          'mutation ($id: ID!) { answer: updateMemory(input: { id: $id, text: "Hers." }) { __typename ... on Error { code message } } }',
        variables: { id },
      }),
    ],
    [
      "giveMemoryFeedback",
      (id) => ({
        query:
          "mutation ($id: ID!) { answer: giveMemoryFeedback(input: { memoryId: $id, feedback: POSITIVE }) { __typename ... on Error { code message } } }",
        variables: { id },
      }),
    ],
    [
      "deleteMemory",
      (id) => ({
        query:
          "mutation ($id: ID!) { answer: deleteMemory(input: { id: $id }) { __typename ... on Error { code message } } }",
        variables: { id },
      }),
    ],
  ];

  it.each(deeds)(
    "is answered by %s of another's memory as of one that is not there, and Mem0 is told to do nothing",
    async (name, deed) => {
      const before = await rowsOf(world, shared);
      const { unknown } = strangeIds(world, "Memory", shared, globex);
      const ofUnknown = deed(unknown[0] ?? "");
      const never = await sendAs(world, bearer, ofUnknown.query, ofUnknown.variables);
      await world.emulator.clearRequests();
      const ofOther = deed(ofBob);
      const theirs = await sendAs(world, bearer, ofOther.query, ofOther.variables);
      expect(theirs.body).toContain('"NOT_FOUND"');
      expect(theirs.body).toBe(never.body);
      expect((await requestsOf(world)).map(({ method }) => method)).toEqual(["GET"]);
      expect(await rowsOf(world, shared)).toBe(before);
      // The same of its own is done.
      const [own = ""] = await remember(world, shared, [`Alice has something to ${name}`], {
        userId: "alice",
      });
      const ofOwn = deed(own);
      const done = await sendAs(world, bearer, ofOwn.query, ofOwn.variables);
      expect(done.body).not.toContain('"code"');
    },
  );

  it("does not delete what is linked to its own, which may be another's", async () => {
    const before = await rowsOf(world, shared);
    const { body } = await sendAs(
      ...[world, bearer],
      "mutation ($id: ID!) { deleteMemory(input: { id: $id, isLinkedToo: true }) { __typename ... on InvalidInput { problems { field } } } }",
      { id: ofAlice },
    );
    expect(body).toContain('"field":"isLinkedToo"');
    expect(await rowsOf(world, shared)).toBe(before);
    expect(await askedFor(world, null)).toBe("");
  });

  const add = async (by: string, input: object) => {
    const { body } = await sendAs(
      ...[world, by],
      `mutation ($input: AddMemoriesInput!) { addMemories(input: $input) { __typename
        ... on InvalidInput { problems { field message } } ... on Error { code message } } }`,
      {
        input: {
          messages: [
            { role: "USER", content: "I like tea." },
            { role: "ASSISTANT", content: "You like cake." },
          ],
          ...input,
        },
      },
    );
    const requests = await requestsOf(world);
    await world.emulator.clearRequests();
    return { body, sent: requests.map(({ body: sent }) => sent as Record<string, unknown>) };
  };

  it("remembers of its own, named or not, and of nobody else", async () => {
    for (const naming of [{}, { userId: null }, { userId: "alice" }]) {
      const { body, sent } = await add(bearer, naming);
      expect(body).toContain("AddMemoriesPayload");
      expect(sent).toEqual([expect.objectContaining({ user_id: "alice" })]);
    }
    for (const naming of [
      { userId: "bob" },
      { userId: "Alice" },
      { userId: "alice " },
      { userId: "*" },
      { userId: "" },
    ]) {
      const { body, sent } = await add(bearer, naming);
      expect(body, JSON.stringify(naming)).toContain('"field":"userId"');
      expect(sent).toEqual([]);
    }
  });

  it("remembers nothing that would be of a second one alone: of two, Mem0 gives each what it said", async () => {
    const agents = await tokenOf(shared, { entity: { type: "AGENT", name: "guide" } });
    for (const [by, second] of [
      [bearer, "agentId"],
      [agents, "userId"],
    ] as const) {
      for (const infer of [{}, { infer: true }, { infer: null }]) {
        const refused = await add(by, { [second]: "second", ...infer });
        expect(refused.body).toContain(`"field":"${second}"`);
        expect(refused.sent).toEqual([]);
      }
      const { body } = await add(by, { [second]: "second", infer: false });
      expect(body).toContain("AddMemoriesPayload");
    }
    const { memories } = await world.emulator.tables();
    const seconds = memories.filter((row) => row.agent_id === "second" || row.user_id === "second");
    expect(seconds.length).toBeGreaterThan(1);
    expect(seconds.every((row) => row.user_id === "alice" || row.agent_id === "guide")).toBe(true);
  });

  it("of an app or a run may name a user and an agent: all that comes of it is of the app or run", async () => {
    for (const type of ["app", "run"] as const) {
      const own = await tokenOf(shared, { entity: { type: type.toUpperCase(), name: `both-${type}` } });
      const { body } = await add(own, { userId: `u-${type}`, agentId: `a-${type}` });
      expect(body).toContain("AddMemoriesPayload");
      const rows = await until(async () => {
        const { memories } = await world.emulator.tables();
        const made = memories.filter((row) => row.user_id === `u-${type}` || row.agent_id === `a-${type}`);
        return made.length >= 2 && made;
      }, "both are remembered");
      expect(rows.every((row) => row[`${type}_id`] === `both-${type}`)).toBe(true);
    }
  });

  it.each(
    memoryCalls.filter(
      ({ field }) =>
        ![
          "memories",
          "searchMemories",
          "memory",
          "memoryHistory",
          "addMemories",
          "updateMemory",
          "deleteMemory",
          "giveMemoryFeedback",
        ].includes(field),
    ),
  )("is forbidden $title, which is of the whole project, and Mem0 is not asked", async (one) => {
    const told = await call(world, { token: bearer }, shared, one);
    expect(told.code, told.body).toBe("FORBIDDEN");
    expect(await askedFor(world, null)).toBe("");
  });

  it("is not shown what Mem0 answers of another one all the same: none of such an answer", () => {
    const entity: CallerEntity = { type: "user", id: "alice" };
    const of = (userId: string | null) => ({ userId, agentId: "alice", appId: null, runId: null });
    expect(onlyOwn(entity, [of("alice")])).toEqual([of("alice")]);
    for (const other of ["bob", "Alice", "", null]) {
      expect(() => onlyOwn(entity, [of("alice"), of(other)])).toThrow(/another entity/);
    }
    expect(onlyOwn(null, [of("alice"), of("bob")])).toHaveLength(2);
  });
});

describe("a token of a tenant without memory access", () => {
  it("is told so, as the admin is", async () => {
    const mute = await place(world);
    const own = await tokenOf(mute, { entity: { type: "USER", name: "alice" } });
    const { body } = await sendAs(
      ...[
        world,
        own,
        "{ viewer { tenant { memoryAccess { state keys { hint } } memories(filter: {}) { __typename } } } }",
      ],
    );
    expect(body).toContain('"state":"MISSING"');
    expect(body).toContain("MemoryAccessMissing");
  });
});
