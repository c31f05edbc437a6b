import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { attachProjectKey } from "../../src/memory-access/project-keys.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { EncryptionKeyMissing, ProjectKeyMismatch } from "../../src/tenants/key-refusals.ts";
import { freshKey, offboard, signUp } from "../main-job.ts";
import { startScriptedServer } from "../mem0/scripted-server.ts";
import { accessOf, attach, attachNew, detach, makeKeyOf, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import { post } from "./memory-rig.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
afterEach(() => world.emulator.clearFaults());

const auditOf = (tenantId: string) =>
  world.prisma.auditEvent.findMany({
    where: { tenantId, action: { endsWith: "ProjectKey" }, outcome: { not: "REPEATED" } },
    orderBy: { id: "asc" },
  });

describe("attachProjectKey", () => {
  it("makes a mute tenant one that memory calls reach, and says so", async () => {
    const tenant = await place(world);
    const before = await accessOf(world, tenant.key);
    expect(before).toMatchObject({ state: "MISSING", keys: [] });
    expect(before.missingFor).toContain("add");
    expect(before.howTo).toContain("attachProjectKey");
    const apiKey = await makeKeyOf(world, tenant);
    const answer = await attach(world, { tenantKey: tenant.key, apiKey, reason: "first key" });
    expect(answer).toMatchObject({
      __typename: "AttachProjectKeyPayload",
      projectKey: { hint: apiKey.slice(-4), state: "PROVED", retiresAt: null },
      tenant: { memoryAccess: { state: "BOUND_KEY", missingFor: [] } },
    });
    expect(JSON.stringify(answer)).not.toContain(apiKey);
    expect(await auditOf(tenant.tenantId)).toMatchObject([
      { action: "attachProjectKey", decision: "ALLOWED", reason: "first key", actor: "admin" },
    ]);
  });

  it("counts the ping among the calls of the response, also when it says that the key is another's", async () => {
    const [tenant, other] = [await place(world), await place(world)];
    for (const owner of [tenant, other]) {
      const { data, extensions } = await post<{ attachProjectKey: { __typename: string } }>(
        world,
        "mutation ($input: AttachProjectKeyInput!) { attachProjectKey(input: $input) { __typename } }",
        { input: { tenantKey: tenant.key, apiKey: await makeKeyOf(world, owner) } },
      );
      const isOwn = owner === tenant;
      expect(data.attachProjectKey.__typename).toBe(isOwn ? "AttachProjectKeyPayload" : "ProjectKeyMismatch");
      expect(extensions?.upstream?.calls).toBe(1);
    }
  });

  it("leaves the key nowhere in the database in the clear", async () => {
    const tenant = await place(world);
    const { apiKey } = await attachNew(world, tenant);
    const tables = await world.prisma.$queryRaw<{ name: string }[]>`
      SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
    expect(tables.map(({ name }) => name)).toContain("project_key");
    for (const { name } of tables) {
      const [row] = await world.prisma.$queryRawUnsafe<{ hits: bigint }[]>(
        `SELECT count(*) AS hits FROM "${name}" t WHERE t::text LIKE $1`,
        `%${apiKey}%`,
      );
      expect([name, Number(row?.hits)]).toEqual([name, 0]);
    }
  });

  it("refuses the key of another tenant's project, of another project of the same organization, and the platform's own", async () => {
    const [tenant, other] = [await place(world), await place(world)];
    const sibling = await world.emulator
      .tables()
      .then(
        ({ projects }) => projects.find((row) => row.org_id === tenant.orgId && row.is_default)?.project_id,
      );
    if (sibling === undefined) throw new Error("There is no default project.");
    const keys = [
      await makeKeyOf(world, other),
      await makeKeyOf(world, { ...tenant, projectId: sibling }),
      (await world.emulator.tables()).keys[0]?.api_key,
    ];
    for (const apiKey of keys) {
      const answer = await attach(world, { tenantKey: tenant.key, apiKey });
      expect(answer).toMatchObject({ __typename: "ProjectKeyMismatch", retryable: false });
      expect(answer.message).not.toMatch(/org_|proj_|m0-/);
    }
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "MISSING", keys: [] });
    expect((await auditOf(tenant.tenantId)).map(({ refusal }) => refusal)).toEqual(
      keys.map(() => "PROJECT_KEY_MISMATCH"),
    );
  });

  it("compares the organization, too, should two have a project of one id", async () => {
    const tenant = await place(world);
    const mem0 = await startScriptedServer();
    try {
      mem0.answer(200, {
        ...{ status: "ok", org_id: "org_other", project_id: tenant.projectId, user_email: "ada@acme.test" },
      });
      const target = { ...world.projectKeys.target, baseUrl: mem0.baseUrl };
      const attaching = attachProjectKey(
        { ...world.projectKeys, target },
        {
          ...{ actor: "admin", reason: "any", tenantKey: tenant.key, overlapMs: 0 },
          apiKey: new Secret("m0-of-another-organization"),
        },
      );
      await expect(attaching).rejects.toThrow(ProjectKeyMismatch);
    } finally {
      await mem0.close();
    }
  });

  it("refuses a key that Mem0 does not take, and stores nothing while Mem0 does not answer", async () => {
    const tenant = await place(world);
    expect(await attach(world, { tenantKey: tenant.key, apiKey: "m0-nobody-knows-this-key" })).toMatchObject({
      __typename: "ProjectKeyInvalid",
    });
    const apiKey = await makeKeyOf(world, tenant);
    await world.emulator.failNext({ match: { path: "/v1/ping/" }, fault: { kind: "fail-500" } });
    expect(await attach(world, { tenantKey: tenant.key, apiKey })).toMatchObject({
      ...{ __typename: "Mem0Unavailable", retryable: true },
    });
    expect(await world.prisma.projectKey.count({ where: { tenantId: tenant.tenantId } })).toBe(0);
  });

  it("refuses who is not there, who is gone, and an input that is none, without saying the key again", async () => {
    const apiKey = "m0-any-key-at-all-0123";
    expect((await attach(world, { tenantKey: freshKey(), apiKey })).__typename).toBe("TenantNotFound");
    const tenant = await place(world);
    const good = await makeKeyOf(world, tenant);
    await offboard(world, { key: tenant.key });
    expect((await attach(world, { tenantKey: tenant.key, apiKey: good })).__typename).toBe(
      "TenantStatusRefused",
    );
    for (const [field, input] of [
      ["apiKey", { apiKey: "short" }],
      ["apiKey", { apiKey: "two words in this one" }],
      ["overlapMs", { overlapMs: -1 }],
      ["overlapMs", { overlapMs: 604_800_001 }],
      ["reason", { reason: " " }],
    ] as const) {
      const answer = await attach(world, { tenantKey: tenant.key, apiKey, ...input });
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
      expect(answer.message).not.toContain("two words");
    }
  });

  it("answers the same row for the same key, proved again, also when it was sent ten times at once", async () => {
    const tenant = await place(world);
    const apiKey = await makeKeyOf(world, tenant);
    const send = () => attach(world, { tenantKey: tenant.key, apiKey });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    const again = await send();
    const ids = new Set([...answers, again].map(({ projectKey }) => projectKey?.id));
    expect(ids.size).toBe(1);
    expect(await world.prisma.projectKey.count({ where: { tenantId: tenant.tenantId } })).toBe(1);
    expect(again.projectKey?.provedAt).not.toBe(answers[0]?.projectKey?.provedAt);
  });

  it("replaces the key before, which serves until its overlap is over, and takes it back as it is sent again", async () => {
    const tenant = await place(world);
    const first = await attachNew(world, tenant);
    const second = await attachNew(world, tenant, { overlapMs: 60_000 });
    const [newest, before] = (await accessOf(world, tenant.key)).keys;
    expect(newest).toMatchObject({ id: second.key.id, retiresAt: null });
    expect(before).toMatchObject({ id: first.key.id, state: "PROVED" });
    expect(Math.abs(Date.parse(before?.retiresAt ?? "") - Date.now() - 60_000)).toBeLessThan(10_000);
    const again = await attach(world, { tenantKey: tenant.key, apiKey: first.apiKey });
    expect(again.projectKey).toMatchObject({ id: first.key.id, retiresAt: null });
    const now = await accessOf(world, tenant.key);
    expect(now.keys.filter(({ retiresAt }) => retiresAt === null)).toMatchObject([{ id: first.key.id }]);
  });

  it("leaves one current key when two different ones are attached at once", async () => {
    const tenant = await place(world);
    const keys = [
      await makeKeyOf(world, tenant),
      await makeKeyOf(world, tenant),
      await makeKeyOf(world, tenant),
    ];
    await Promise.all(keys.map((apiKey) => attach(world, { tenantKey: tenant.key, apiKey })));
    const { keys: shown } = await accessOf(world, tenant.key);
    expect(shown).toHaveLength(3);
    expect(shown.filter(({ retiresAt }) => retiresAt === null)).toHaveLength(1);
  });

  it("is refused where there is nothing to seal with, and says what to configure", async () => {
    const tenant = await place(world);
    const refused = attachProjectKey(
      { ...world.projectKeys, ring: null },
      {
        ...{ actor: "admin", reason: "any", tenantKey: tenant.key, overlapMs: 0 },
        apiKey: new Secret(await makeKeyOf(world, tenant)),
      },
    );
    await expect(refused).rejects.toThrow(EncryptionKeyMissing);
    await expect(refused).rejects.toMatchObject({ howTo: expect.stringContaining("LOCI_ENCRYPTION_KEY") });
  });
});

describe("detachProjectKey", () => {
  it("forgets a key at once, and a repeat answers the same", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const answer = await detach(world, key.id);
    expect(answer).toMatchObject({
      projectKey: { id: key.id, state: "DETACHED" },
      tenant: { memoryAccess: { state: "MISSING" } },
    });
    expect(await detach(world, key.id)).toEqual(answer);
    const row = await world.prisma.projectKey.findFirstOrThrow({ where: { tenantId: tenant.tenantId } });
    expect(row.sealedKey).toBeNull();
    const verbs = (await auditOf(tenant.tenantId)).map(({ action }) => action);
    expect(verbs).toEqual(["attachProjectKey", "detachProjectKey"]);
  });

  it("knows no other ids than those of keys", async () => {
    const { tenant } = await signUp(world, { key: freshKey() });
    const unknown = Buffer.from(`ProjectKey:key_${"0".repeat(26)}`).toString("base64");
    for (const id of [unknown, tenant?.id ?? ""]) {
      expect((await detach(world, id)).__typename).toBe("ProjectKeyNotFound");
    }
  });
});

describe("memoryAccess", () => {
  it("is read together for a page of tenants", async () => {
    const placed = [await place(world), await place(world), await place(world)];
    await attachNew(world, placed[1] ?? (await place(world)));
    const { tenants } = await world.send<{
      tenants: { edges: { node: { key: string; memoryAccess: { state: string; keys: unknown[] } } }[] };
    }>("query { tenants(first: 3) { edges { node { key memoryAccess { state keys { id } } } } } }");
    expect(
      tenants.edges.map(({ node }) => [node.key, node.memoryAccess.state, node.memoryAccess.keys.length]),
    ).toEqual([
      [placed[2]?.key, "MISSING", 0],
      [placed[1]?.key, "BOUND_KEY", 1],
      [placed[0]?.key, "MISSING", 0],
    ]);
  });
});
