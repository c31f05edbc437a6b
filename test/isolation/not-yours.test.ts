import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createWebhook } from "../../src/mem0/webhooks.ts";
import { projectThingId } from "../../src/schema/memory-ids.ts";
import { offboard, signUp } from "../main-job.ts";
import { attachNew, place } from "../memory-access/key-rig.ts";
import { type Target, write, writeCases } from "../schema/mem0-write-cases.ts";
import { createWorld, type World } from "../world.ts";
import { type MemoryCall, memoryCalls, type Slot } from "./memory-calls.ts";
import {
  askedFor,
  call,
  type Inhabited,
  inhabit,
  inhabited,
  mem0IdIn,
  rowsOf,
  strangeIds,
  type Told,
  user,
} from "./rig.ts";

let world: World;
let acme: Inhabited;
let globex: Inhabited;
/** All of Globex that Mem0 has, which nothing here may change. */
let ofGlobex: string;

beforeAll(async () => {
  world = await createWorld();
  [acme, globex] = [await inhabited(world), await inhabited(world)];
  ofGlobex = await rowsOf(world, globex);
});
afterAll(() => world?.close());
beforeEach(() => world.emulator.clearRequests());

/** Sees that nothing of Globex was told, and nothing of it was changed. */
async function expectNothingCrossed(told: readonly Told[]): Promise<void> {
  for (const { body } of told) {
    expect(body).not.toContain(globex.tag);
    expect(body).not.toContain("INTERNAL_SERVER_ERROR");
  }
  expect(await rowsOf(world, globex)).toBe(ofGlobex);
}

const things = { memory: "Memory", event: "MemoryEvent", export: "MemoryExport" } as const;

/** An answer without what is new in every one: ids of what was just made, and times. */
function withoutNews(text: string): string {
  return text
    .replaceAll(/[\w-]{60,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<new>")
    .replaceAll(/"\d{4}-\d\d-\d\dT[^"]*"/g, '"<now>"');
}

/** What a call naming this id is answered, and asks of Mem0; the id itself, where it is given back, apart. */
async function outcome(one: MemoryCall, slot: Slot, id: string, stands: string | null = null) {
  await world.emulator.clearRequests();
  const told = await call(world, world, acme, one, { [slot]: id });
  const body = told.body.replaceAll(`id":${JSON.stringify(id)}`, 'id":<id>');
  const asked = await askedFor(world, stands);
  // Whoever makes something is told its new id.
  const makes = one.isWrite && one.missing === "FILTER";
  return { told, body: makes ? withoutNews(body) : body, asked: makes ? withoutNews(asked) : asked };
}

/** The plain call of a field. */
function callOf(field: string): MemoryCall {
  const found = memoryCalls.find(({ title }) => title === field);
  if (found === undefined) throw new Error(`There is no call of ${field}.`);
  return found;
}

const withIds = memoryCalls.flatMap((one) =>
  one.slots.flatMap((slot) => (slot === "cursor" ? [] : [{ ...one, slot }])),
);

describe("the two tenants", () => {
  it("have a working call of everything, or else the rest of this file proves nothing", async () => {
    for (let tenant of [await inhabited(world), await inhabited(world)]) {
      for (const one of memoryCalls) {
        const told = await call(world, world, tenant, one);
        expect(told.code, `${one.title}: ${told.body}`).toBeNull();
        expect(told.answer, one.title).not.toBeNull();
        expect(told.body, one.title).not.toContain('"problem":{');
        const isTelling = !one.isWrite && !["entities", "memoryStats"].includes(one.field);
        if (isTelling) expect(told.body, one.title).toContain(tenant.tag);
        // Deletions leave nothing for the calls that come after.
        if (one.field.startsWith("delete"))
          tenant = { ...tenant, names: await inhabit(world, world, tenant) };
      }
    }
  });
});

describe("an id that is another tenant's", () => {
  it.each(withIds)(
    "is answered by $title as one that never was, byte for byte, and by the same calls",
    async (one) => {
      const { slot } = one;
      const ids = strangeIds(world, things[slot], acme, globex);
      const [never, ...others] = ids.meaningless;
      const expected = await outcome(one, slot, never ?? "");
      const told = [expected.told];
      for (const id of others) {
        const found = await outcome(one, slot, id);
        expect(found.body, JSON.stringify(id.slice(0, 200))).toBe(expected.body);
        expect(found.asked, JSON.stringify(id.slice(0, 200))).toBe(expected.asked);
        told.push(found.told);
      }
      // What means nothing is never sent: the words of the other's ids leave for nobody.
      expect(expected.asked).not.toContain(mem0IdIn(globex.names[slot]));
      if (one.missing === "ONE") expect(expected.told).toMatchObject({ code: "NOT_FOUND" });
      if (one.missing !== "FILTER") expect(expected.asked).toBe("");
      await expectNothingCrossed(told);
    },
  );

  it.each(withIds)(
    "and bears our own seal for another tenant is answered by $title as one that never was",
    async (one) => {
      const { slot } = one;
      const { unknown } = strangeIds(world, things[slot], acme, globex);
      const [never = "", ...others] = unknown;
      const expected = await outcome(one, slot, never, never);
      const all = [expected.told];
      for (const id of others) {
        const found = await outcome(one, slot, id, id);
        expect(found.body, id).toBe(expected.body);
        expect(found.asked, id).toBe(expected.asked);
        all.push(found.told);
      }
      expect(expected.asked).toContain("<id>");
      if (one.missing === "ONE") {
        const meaningless = await call(world, world, acme, one, { [slot]: "rubbish" });
        expect(meaningless.answer).toEqual(expected.told.answer);
      }
      await expectNothingCrossed(all);
    },
  );

  it("takes nothing along that stands beside it in one batch, and is not done with it", async () => {
    for (const isForged of [false, true]) {
      for (const field of ["updateMemories", "deleteMemories"] as const) {
        const { key, names, tenantId } = await inhabited(world);
        const foreign = globex.names.memory;
        const id = isForged ? projectThingId(world, "Memory", tenantId, mem0IdIn(foreign)) : foreign;
        const ids = [names.memory, id];
        const input =
          field === "updateMemories"
            ? { updates: ids.map((each) => ({ id: each, text: "Mine." })) }
            : { ids };
        const told = await call(world, world, { key, names }, { ...callOf(field), args: () => input });
        const results = told.answer?.[`${field.charAt(0).toUpperCase()}${field.slice(1)}Payload_results`];
        expect(results, told.body).toMatchObject([{ id: names.memory }, { id }]);
        // Null: Mem0 counted one too few, and does not say which.
        expect(told.body.slice(told.body.lastIndexOf('"isDone":')), told.body).not.toContain("true");
        await expectNothingCrossed([told]);
      }
    }
  });
});

describe("a cursor that is another tenant's", () => {
  const paged = memoryCalls.filter(({ slots }) => slots.includes("cursor"));

  async function cursorsOf(one: MemoryCall, tenant: Inhabited): Promise<string[]> {
    const { answer } = await call(world, world, tenant, one);
    const [edges] = Object.entries(answer ?? {}).flatMap(([name, value]) =>
      name.endsWith("_edges") ? [value as { readonly cursor: string }[]] : [],
    );
    return (edges ?? []).map(({ cursor }) => cursor);
  }

  it.each(paged)("is refused by $title as one that never was, and nothing is asked of Mem0", async (one) => {
    const [foreign = ""] = await cursorsOf(one, globex);
    const [own = ""] = await cursorsOf(one, acme);
    expect(foreign).not.toBe("");
    const plain = (cursor: string) => Buffer.from(cursor, "base64url").toString();
    const text = (cursor: string) => Buffer.from(cursor).toString("base64url");
    const cursors = [
      ...["rubbish", "", " ", "\u0000", "a".repeat(5_000), foreign, `${foreign}=`, `${own}=`],
      text(plain(own).replace(/\d+$/, "-1")),
      text(plain(own).replace(/\d+$/, "1e3")),
      text(plain(own).replace(/\d+$/, "99999999999")),
      text(plain(own).replace(/\d+$/, " 0")),
      ...[acme.names.memory, acme.names.event, globex.names.memory],
      // A cursor of another list of one's own.
      ...(await Promise.all(
        paged
          .filter(({ title }) => title !== one.title)
          .map(async (other) => (await cursorsOf(other, acme))[0] ?? "x"),
      )),
    ];
    await world.emulator.clearRequests();
    const told: Told[] = [];
    for (const cursor of cursors) told.push(await call(world, world, acme, one, { cursor }));
    expect(new Set(told.map(({ body }) => body)).size).toBe(1);
    expect(told[0]?.code).toBe("BAD_CURSOR");
    expect(await askedFor(world, null)).toBe("");
    await expectNothingCrossed(told);
  });

  it.each(paged)("and is dressed up as one's own leads $title only into one's own list", async (one) => {
    const [foreign = ""] = await cursorsOf(one, globex);
    const dressed = Buffer.from(
      Buffer.from(foreign, "base64url").toString().replace(globex.tenantId, acme.tenantId),
    ).toString("base64url");
    const told = await call(world, world, acme, one, { cursor: dressed });
    expect(told.code).toBeNull();
    await expectNothingCrossed([told]);
  });
});

describe("a filter that names another tenant's user", () => {
  const sample = { memory: "m", event: "e", export: "x", cursor: null, user: "<user>", text: "t" };
  const filtered = memoryCalls.filter(({ args }) => JSON.stringify(args(sample)).includes(sample.user));

  it.each(filtered)("is answered by $title as one that names nobody", async (one) => {
    const onlyTheirs = `bob-${randomUUID()}`;
    await call(world, world, globex, callOf("addMemories"), { user: onlyTheirs });
    ofGlobex = await rowsOf(world, globex);
    const nobody = `nobody-${randomUUID()}`;
    const ask = async (name: string) => {
      await world.emulator.clearRequests();
      const told = await call(world, world, acme, one, { user: name });
      const body = withoutNews(told.body.replaceAll(name, "<user>"));
      return { told, body };
    };
    const [theirs, none] = [await ask(onlyTheirs), await ask(nobody)];
    expect(theirs.body).toBe(none.body);
    await expectNothingCrossed([theirs.told, none.told]);
  });

  it("reaches across by no name of a project, an organization or a tenant either", async () => {
    const search = memoryCalls.filter(({ field }) => field === "searchMemories" || field === "memories");
    const filters = [globex.tenantId, globex.projectId, globex.orgId, globex.key].flatMap((name) => [
      { userId: { eq: name } },
      { userId: { in: [name, user] }, metadata: [{ key: "project_id", eq: globex.projectId }] },
      { or: [{ userId: { eq: user } }, { appId: { eq: name } }, { runId: { in: [name] } }] },
      { userId: { eq: user }, not: [{ userId: { ne: user } }] },
    ]);
    for (const one of search) {
      for (const filter of filters) {
        const told = await call(world, world, acme, {
          ...one,
          args: (names) => ({ ...one.args(names), filter }),
        });
        await expectNothingCrossed([told]);
      }
    }
  });

  it("and words that name a project in metadata, an export's schema or a text are text, and lead nowhere", async () => {
    const lure = { org_id: globex.orgId, project_id: globex.projectId, user_id: user };
    for (const [one, more] of [
      [callOf("searchMemories"), { metadata: lure }],
      [callOf("addMemories"), { metadata: lure, structuredDataSchema: lure }],
      [
        callOf("createMemoryExport"),
        { schema: { type: "object", properties: lure, ...lure }, waitMs: 2_000 },
      ],
    ] as const) {
      const told = await call(world, world, acme, {
        ...one,
        args: (names) => ({ ...one.args(names), ...more }),
      });
      expect(told.answer, told.body).not.toBeNull();
      await expectNothingCrossed([told]);
    }
  });
});

describe("an id of an earlier life", () => {
  it("means nothing to the tenant that has the key now, although it is the same customer", async () => {
    const before = await inhabited(world);
    await offboard(world, { key: before.key });
    await signUp(world, { key: before.key });
    const { id } = await world.prisma.tenant.findFirstOrThrow({
      where: { key: before.key },
      orderBy: { generation: "desc" },
    });
    expect(id).not.toBe(before.tenantId);
    const resources = await world.prisma.resource.findMany({ where: { tenantId: id, name: "main" } });
    const upstream = (kind: string) => resources.find((row) => row.kind === kind)?.upstreamId ?? "";
    const now = { ...before, tenantId: id, orgId: upstream("ORGANIZATION"), projectId: upstream("PROJECT") };
    await attachNew(world, now);
    await inhabit(world, world, { key: before.key, tag: acme.tag });
    await world.emulator.clearRequests();
    for (const one of withIds.filter(({ missing }) => missing === "ONE")) {
      const told = await call(world, world, before, one);
      expect(told.code, one.title).toBe("NOT_FOUND");
      expect(told.body).not.toContain(`${before.tag} likes`);
    }
    expect(await askedFor(world, null)).toBe("");
  });
});

describe("Mem0's own ids in the admin's graph", () => {
  let mine: Target;
  let theirs: Target;

  async function withWebhook(): Promise<Target> {
    const hook = {
      name: "main",
      url: `https://hook.test/${randomUUID()}`,
      eventTypes: ["memory_add"] as const,
    };
    const { key, orgId, projectId } = await place(world);
    const { mem0 } = world.provisioning;
    const { webhookId } = await createWebhook(mem0, projectId, hook);
    return { organizationId: orgId, projectId, webhookId, email: `${key}@acme.test` };
  }

  beforeAll(async () => {
    [mine, theirs] = [await withWebhook(), await withWebhook()];
  });

  const mixtures = (): Target[] => [
    { ...mine, webhookId: theirs.webhookId },
    { ...mine, projectId: theirs.projectId },
    { ...mine, projectId: theirs.projectId, webhookId: theirs.webhookId },
    { ...theirs, projectId: mine.projectId },
  ];

  it.each(writeCases.filter(({ use }) => use !== null))(
    "($verb) of one tenant's mixed with another's change nothing of either",
    async (one) => {
      const tables = async () => {
        const { organizations, projects, webhooks } = await world.emulator.tables();
        return JSON.stringify({ organizations, projects, webhooks });
      };
      const before = await tables();
      for (const target of mixtures()) {
        const { __typename } = await write(world, one.verb, one.input(target));
        expect(["ManagedByTenant", "UpstreamNotFound"]).toContain(__typename);
      }
      expect(await tables()).toBe(before);
    },
  );

  it("lead by one organization to no project of another, and by one project to no webhook of another", async () => {
    const ask = async (projectId: string, webhookId: string) => {
      const query = `query ($o: String!, $p: String!, $w: String!) { mem0Organization(id: $o) { ... on Mem0Organization {
        project(id: $p) { __typename ... on Error { code message } ... on Mem0Project { webhook(id: $w) {
          __typename ... on Error { code message } } } } } } }`;
      const answer = await world.send<{ mem0Organization: { project: object } }>(query, {
        ...{ o: mine.organizationId, p: projectId, w: webhookId },
      });
      return JSON.stringify(answer).replaceAll(projectId, "<project>").replaceAll(webhookId, "<webhook>");
    };
    expect(await ask(mine.projectId, mine.webhookId)).toContain("Mem0Webhook");
    expect(await ask(theirs.projectId, "w")).toBe(await ask("proj_never", "w"));
    expect(await ask(mine.projectId, theirs.webhookId)).toBe(await ask(mine.projectId, "wh_never"));
  });
});
