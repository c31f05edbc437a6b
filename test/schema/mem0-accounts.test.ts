import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ping } from "../../src/mem0/ping.ts";
import { linkMem0Account } from "../../src/memory-access/link-account.ts";
import { proveDue } from "../../src/memory-access/proofs.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { EncryptionKeyMissing } from "../../src/tenants/key-refusals.ts";
import { freshKey, offboard, signUp } from "../main-job.ts";
import {
  type AccountView,
  accountFields,
  anotherKey,
  link,
  linkedCustomer,
  linkedTenant,
  makeCustomer,
  signUpLinked,
  unlink,
} from "../memory-access/account-rig.ts";
import { accessOf, attach, makeKeyOf, openDoorElsewhere, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
afterEach(() => world.emulator.clearFaults());

const rowOf = (orgId: string) =>
  world.prisma.mem0Account.findFirstOrThrow({ where: { orgId }, orderBy: { id: "desc" } });

const auditOf = (action: string) =>
  world.prisma.auditEvent.findMany({ where: { action }, orderBy: { id: "desc" }, take: 3 });

async function nodeOf(id: string): Promise<AccountView | null> {
  const { node } = await world.send<{ node: AccountView | null }>(
    `query ($id: ID!) { node(id: $id) { ... on Mem0Account { ${accountFields} } } }`,
    { id },
  );
  return node;
}

describe("linkMem0Account", () => {
  it("shows whose the key is, and the organization and project it is of, and keeps the key sealed", async () => {
    const customer = await makeCustomer(world);
    const { apiKey, orgId, projectId, name, email } = customer;
    const answer = await link(world, { apiKey, label: "Acme", reason: "they asked" });
    expect(answer).toMatchObject({
      __typename: "LinkMem0AccountPayload",
      account: {
        ...{ label: "Acme", userEmail: email, keyHint: apiKey.slice(-4), state: "PROVED", tenant: null },
        organization: { mem0Id: orgId, name },
        project: { mem0Id: projectId, name: "default-project" },
        ...{ refutedBecause: null, unlinkedAt: null },
      },
    });
    expect(JSON.stringify(answer)).not.toContain(apiKey);
    expect(await nodeOf(answer.account?.id ?? "")).toEqual(answer.account);
    const [event] = await auditOf("linkMem0Account");
    expect(event).toMatchObject({ decision: "ALLOWED", reason: "they asked", actor: "admin" });
    const tables = await world.prisma.$queryRaw<{ name: string }[]>`
      SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
    expect(tables.map(({ name: table }) => table)).toContain("mem0_account");
    for (const { name: table } of tables) {
      const [row] = await world.prisma.$queryRawUnsafe<{ hits: bigint }[]>(
        `SELECT count(*) AS hits FROM "${table}" t WHERE t::text LIKE $1`,
        `%${apiKey}%`,
      );
      expect([table, Number(row?.hits)]).toEqual([table, 0]);
    }
  });

  it("answers the same account for the same key, also when it was sent ten times at once", async () => {
    const { apiKey, orgId } = await makeCustomer(world);
    const answers = await Promise.all(Array.from({ length: 10 }, () => link(world, { apiKey })));
    const before = await rowOf(orgId);
    const again = await link(world, { apiKey, label: "Another name" });
    const ids = new Set([...answers, again].map(({ account }) => account?.id));
    expect(ids.size).toBe(1);
    expect(await world.prisma.mem0Account.count({ where: { orgId } })).toBe(1);
    const after = await rowOf(orgId);
    expect(after).toMatchObject({ label: "Another name", sealedKey: before.sealedKey });
    expect(after.provedAt?.getTime()).toBeGreaterThan(before.provedAt?.getTime() ?? Number.POSITIVE_INFINITY);
    expect(after.proofDueAt?.getTime()).toBeGreaterThan(Date.now());
  });

  it("replaces the account's key by another of the same project, for calls that are made at once", async () => {
    const tenant = await linkedTenant(world);
    await world.door.open(tenant.tenantId, "without-body");
    const apiKey = await anotherKey(world, tenant);
    const { account } = await link(world, { apiKey });
    expect(account).toMatchObject({ id: tenant.account.id, keyHint: apiKey.slice(-4) });
    await world.emulator.revokeKey(tenant.apiKey);
    const other = openDoorElsewhere(world);
    for (const door of [world.door, other.door]) {
      const { mem0, projectId } = await door.open(tenant.tenantId, "without-body");
      expect(projectId).toBe(tenant.projectId);
      expect((await ping(mem0)).projectId).toBe(tenant.projectId);
    }
    await other.door.close();
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
  });

  it("refuses the platform's own key, a key of the platform's user elsewhere, and one of a place that Loci made", async () => {
    const { keys } = await world.emulator.tables();
    const customer = await makeCustomer(world);
    const ours = keys[0];
    if (ours === undefined) throw new Error("The emulator has no key.");
    const tenant = await place(world);
    await world.emulator.putMember({ org_id: tenant.orgId, email: "eve@customer.test", role: "OWNER" });
    const ofTenant = await anotherKey(world, { ...tenant, email: "eve@customer.test" });
    const ofUs = await world.emulator.makeKey({ org_id: customer.orgId, project_id: customer.projectId });
    for (const apiKey of [ours.api_key, ofUs, ofTenant]) {
      expect(await link(world, { apiKey })).toMatchObject({
        ...{ __typename: "AccountNotLinkable", code: "ACCOUNT_NOT_LINKABLE", retryable: false },
      });
    }
    expect(
      await world.prisma.mem0Account.count({ where: { orgId: { in: [tenant.orgId, ours.org_id] } } }),
    ).toBe(1);
    expect((await auditOf("linkMem0Account")).map(({ refusal }) => refusal)).toEqual(
      Array(3).fill("ACCOUNT_NOT_LINKABLE"),
    );
  });

  it("stores nothing of a key that Mem0 does not take, nor while Mem0 does not answer, nor of what is no key", async () => {
    const { apiKey, orgId } = await makeCustomer(world);
    expect(await link(world, { apiKey: "m0-nobody-knows-this-key" })).toMatchObject({
      __typename: "ProjectKeyInvalid",
    });
    const paths = [`/api/v1/orgs/organizations/${orgId}/`, "/v1/ping/"];
    for (const path of paths) {
      await world.emulator.failNext({ match: { path }, fault: { kind: "fail-500" } });
      expect(await link(world, { apiKey })).toMatchObject({ __typename: "Mem0Unavailable", retryable: true });
    }
    for (const [field, input] of [
      ["apiKey", { apiKey: "two words in this one" }],
      ["label", { apiKey, label: " " }],
      ["reason", { apiKey, reason: " " }],
    ] as const) {
      const answer = await link(world, input);
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
      expect(answer.message).not.toContain("two words");
    }
    expect(await world.prisma.mem0Account.count({ where: { orgId } })).toBe(0);
  });

  it("is refused where there is nothing to seal with", async () => {
    const { apiKey } = await makeCustomer(world);
    const refused = linkMem0Account(
      { ...world.projectKeys, ring: null },
      { actor: "admin", reason: "any", label: "any", apiKey: new Secret(apiKey) },
    );
    await expect(refused).rejects.toThrow(EncryptionKeyMissing);
  });

  it("is proved on the schedule of project keys: a revoked key closes the tenant's door, and the next one opens it", async () => {
    const tenant = await linkedTenant(world);
    await world.emulator.revokeKey(tenant.apiKey);
    await world.prisma.mem0Account.updateMany({
      where: { orgId: tenant.orgId },
      data: { proofDueAt: new Date() },
    });
    const { ring } = world.projectKeys;
    if (ring === null) throw new Error("The world has no key ring.");
    await proveDue({ ...world.projectKeys, ring });
    expect(await nodeOf(tenant.account.id)).toMatchObject({
      ...{ state: "REFUTED", refutedBecause: expect.stringContaining("not valid") },
    });
    const access = await accessOf(world, tenant.key);
    expect(access).toMatchObject({ state: "REFUTED", howTo: expect.stringContaining("linkMem0Account") });
    await link(world, { apiKey: await anotherKey(world, tenant) });
    expect(await nodeOf(tenant.account.id)).toMatchObject({ state: "PROVED", refutedBecause: null });
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
  });

  it("is closed at once by a call that Mem0 answers with 401", async () => {
    const tenant = await linkedTenant(world);
    const { mem0 } = await world.door.open(tenant.tenantId, "without-body");
    await world.emulator.revokeKey(tenant.apiKey);
    await expect(ping(mem0)).rejects.toThrow(/401/);
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "REFUTED" });
  });

  it("does not open for the key of another account that got into its row", async () => {
    const one = await linkedTenant(world);
    const other = await linkedCustomer(world);
    // A key in the wrong row, as a mistake of ours would leave it.
    const { sealedKey } = await rowOf(other.orgId);
    await world.prisma.mem0Account.updateMany({
      where: { orgId: one.orgId },
      data: { sealedKey: sealedKey ?? {} },
    });
    await expect(world.door.open(one.tenantId, "with-body")).rejects.toThrow(/cannot be opened/);
  });
});

describe("unlinkMem0Account", () => {
  it("forgets the key, and a repeat answers the same; the same key is another account then", async () => {
    const { account, apiKey, orgId } = await linkedCustomer(world);
    const answer = await unlink(world, account.id);
    expect(answer).toMatchObject({
      account: { id: account.id, state: "DETACHED", unlinkedAt: expect.any(String) },
    });
    expect(await unlink(world, account.id)).toEqual(answer);
    expect(await rowOf(orgId)).toMatchObject({ sealedKey: null, proofDueAt: null });
    const events = await auditOf("unlinkMem0Account");
    expect(events[0]).toMatchObject({ decision: "ALLOWED", reason: "for a test" });
    expect(
      events.filter(({ details }) => JSON.stringify(details) === JSON.stringify(events[0]?.details)),
    ).toHaveLength(1);
    const again = await link(world, { apiKey });
    expect(again.account?.id).not.toBe(account.id);
    expect(await signUpLinked(world, { key: freshKey(), accountId: account.id })).toMatchObject({
      __typename: "AccountNotUsable",
    });
  });

  it("is refused while a tenant is on it, whom the refusal carries, and done once that is off-boarded", async () => {
    const tenant = await linkedTenant(world);
    expect(await unlink(world, tenant.account.id)).toMatchObject({
      ...{ __typename: "AccountInUse", code: "ACCOUNT_IN_USE", tenant: { key: tenant.key } },
    });
    expect(await world.door.open(tenant.tenantId, "with-body")).toMatchObject({
      projectId: tenant.projectId,
    });
    await offboard(world, { key: tenant.key });
    expect(await unlink(world, tenant.account.id)).toMatchObject({ account: { state: "DETACHED" } });
  });

  it("knows no other ids than those of customers' accounts", async () => {
    const platform = await world.prisma.mem0Account.findFirstOrThrow({ where: { role: "PLATFORM" } });
    const idOf = (id: string) => Buffer.from(`Mem0Account:${id}`).toString("base64");
    const { tenant } = await signUp(world, { key: freshKey() });
    for (const id of [idOf(platform.id), idOf(`acc_${"0".repeat(26)}`), tenant?.id ?? ""]) {
      expect((await unlink(world, id)).__typename).toBe("AccountNotFound");
      expect((await signUpLinked(world, { key: freshKey(), accountId: id })).__typename).toBe(
        "AccountNotFound",
      );
    }
    expect(await nodeOf(idOf(platform.id))).toBeNull();
  });
});

describe("mem0Accounts", () => {
  interface Page {
    readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  }
  const pageOf = async (args: string) => {
    const { mem0Accounts } = await world.send<{ mem0Accounts: Page }>(
      `query { mem0Accounts(${args}) { edges { cursor node { id } } pageInfo { hasNextPage } } }`,
    );
    return mem0Accounts;
  };

  it("lists them newest first, page by page, without the platform's own", async () => {
    const made = [await linkedCustomer(world), await linkedCustomer(world), await linkedCustomer(world)];
    const newest = made.map(({ account }) => account.id).toReversed();
    const first = await pageOf("first: 2");
    expect(first.edges.map(({ node }) => node.id)).toEqual(newest.slice(0, 2));
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = await pageOf(`first: 1, after: "${first.edges[1]?.cursor}"`);
    expect(second.edges.map(({ node }) => node.id)).toEqual(newest.slice(2));
    const all = await pageOf("first: 100");
    expect(all.edges).toHaveLength(await world.prisma.mem0Account.count({ where: { role: "CUSTOMER" } }));
    await expect(pageOf('first: 1, after: "nonsense"')).rejects.toThrow(/not a cursor/);
  });
});

describe("attachProjectKey", () => {
  it("gives a tenant on a customer's account a key of its own, by which it goes from then on", async () => {
    const tenant = await linkedTenant(world);
    const apiKey = await makeKeyOf(world, tenant);
    expect((await attach(world, { tenantKey: tenant.key, apiKey })).__typename).toBe(
      "AttachProjectKeyPayload",
    );
    await world.emulator.revokeKey(tenant.apiKey);
    const { mem0 } = await world.door.open(tenant.tenantId, "without-body");
    expect((await ping(mem0)).projectId).toBe(tenant.projectId);
  });
});
