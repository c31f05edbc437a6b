import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createProject } from "../../src/mem0/projects.ts";
import { CannotOpen, seal } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { checkTwins } from "../../src/provisioning/check-twins.ts";
import { StepRefused } from "../../src/provisioning/failures.ts";
import { signUpLinkedTenant } from "../../src/provisioning/link-tenant.ts";
import { refuseManaged } from "../../src/provisioning/managed.ts";
import { offboardTenant } from "../../src/provisioning/offboard-tenant.ts";
import { runOperation } from "../../src/provisioning/sagas.ts";
import { errorFields, freshKey, offboard, settled, signUp, tenantOf, upstreamOf } from "../main-job.ts";
import {
  anotherKey,
  link,
  linkedCustomer,
  linkedTenant,
  makeCustomer,
  signUpLinked,
} from "../memory-access/account-rig.ts";
import { accessOf } from "../memory-access/key-rig.ts";
import { byHand } from "../operators.ts";
import { holdSteps } from "../restore/restored-world.ts";
import { ask, remember } from "../schema/memory-rig.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** Everything upstream but the log of requests, as text. */
const upstream = async () => JSON.stringify(await world.emulator.tables());

const inDatabase = (key: string) =>
  world.prisma.tenant.findFirstOrThrow({
    where: { key },
    orderBy: { generation: "desc" },
    include: { resources: { orderBy: { id: "asc" } } },
  });

/** How the mapping of a tenant stands, a line each. */
async function mappingOf(key: string): Promise<string[]> {
  const { resources } = await inDatabase(key);
  return resources.map(
    ({ kind, name, state, goneBy, upstreamId, marker }) =>
      `${kind} ${name} ${state} ${goneBy} ${upstreamId} ${marker}`,
  );
}

/** What never came to be the tenant's. */
const neverMade = ["ORGANIZATION main GONE NEVER_MADE null null", "PROJECT main GONE NEVER_MADE null null"];

describe("signUpLinkedTenant", () => {
  it("makes the account's own organization and project the tenant's, and nothing in Mem0", async () => {
    const customer = await linkedCustomer(world);
    const { orgId, projectId, account } = customer;
    const before = await upstream();
    await world.emulator.clearRequests();
    const key = freshKey();
    const answer = await signUpLinked(world, { key, name: "Acme", accountId: account.id });
    expect(answer).toMatchObject({ tenant: { status: "ACTIVE", key } });
    const { operations } = await settled(world, key);
    expect(operations.edges.map(({ node }) => [node.kind, node.status])).toEqual([["LINK", "SUCCEEDED"]]);
    expect(operations.edges[0]?.node.steps.map(({ name }) => name)).toEqual([
      ...["proveAccount", "recordPlace", "activate"],
    ]);
    expect(await mappingOf(key)).toEqual([
      `ORGANIZATION main PRESENT null ${orgId} null`,
      `PROJECT main PRESENT null ${projectId} null`,
    ]);
    const { requests } = await world.emulator.requests();
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/ping/",
      `GET /api/v1/orgs/organizations/${orgId}/`,
      `GET /api/v1/orgs/organizations/${orgId}/projects/${projectId}/`,
    ]);
    expect(await upstream()).toBe(before);
    const step = await world.prisma.operationStep.findFirstOrThrow({
      where: { name: "proveAccount", operation: { tenant: { key } } },
    });
    expect(step.upstreamCalls).toBe(3);
  });

  it("lets memory calls reach the customer's own project, and no other", async () => {
    const [tenant, other] = [await linkedTenant(world), await linkedTenant(world)];
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
    await remember(world, tenant, ["Only of this customer."]);
    const { memories } = await world.emulator.tables();
    const stored = memories.filter(({ memory }) => memory === "Only of this customer.");
    expect(stored.map(({ project_id }) => project_id)).toEqual([tenant.projectId]);
    for (const [of, texts] of [
      [tenant, ["Only of this customer."]],
      [other, []],
    ] as const) {
      const page = await ask<{ edges: { node: { memory: string } }[] }>(world, of, {
        field: 'memories(filter: { userId: { eq: "alice" } }, first: 10)',
        selection: "... on MemoryConnection { edges { node { memory } } }",
      });
      expect(page.edges.map(({ node }) => node.memory)).toEqual(texts);
    }
  });

  it("answers the same operation for the same call, and refuses its key for another, also ten times at once", async () => {
    const { account } = await linkedCustomer(world);
    const input = { key: freshKey(), accountId: account.id, idempotencyKey: freshKey() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => signUpLinked(world, input)));
    const ids = new Set([...answers, await signUpLinked(world, input)].map(({ operation }) => operation?.id));
    expect([ids.size, [...ids][0]]).toEqual([1, expect.any(String)]);
    expect((await signUpLinked(world, { ...input, name: "Other" })).__typename).toBe("IdempotencyKeyReused");
    const taken = await signUpLinked(world, { ...input, idempotencyKey: freshKey() });
    expect(taken).toMatchObject({ __typename: "TenantKeyTaken", tenant: { key: input.key } });
    expect(await world.prisma.tenant.count({ where: { key: input.key } })).toBe(1);
  });

  it("puts one tenant onto an account, also of two that come at once, and the refusal carries it", async () => {
    const { account } = await linkedCustomer(world);
    const keys = [freshKey(), freshKey()];
    const answers = await Promise.all(keys.map((key) => signUpLinked(world, { key, accountId: account.id })));
    const [won] = answers.filter(({ operation }) => operation !== undefined);
    const [lost] = answers.filter(({ operation }) => operation === undefined);
    expect(lost).toMatchObject({ __typename: "AccountInUse", tenant: { key: won?.tenant?.key } });
    const later = await signUpLinked(world, { key: freshKey(), accountId: account.id });
    expect(later).toMatchObject({ code: "ACCOUNT_IN_USE", tenant: { key: won?.tenant?.key } });
  });

  it("gives an organization to one tenant, also of two accounts in it and when both are under way", async () => {
    const customer = await linkedCustomer(world);
    const { orgId, email } = customer;
    const row = await world.prisma.mem0Account.findFirstOrThrow({ where: { orgId } });
    const own = await world.provisioning.openAccount(row.id, row.sealedKey);
    const { projectId } = await createProject(own, orgId, { name: "Second" });
    const second = await link(world, { apiKey: await anotherKey(world, { orgId, projectId, email }) });
    expect(second.account?.id).not.toBe(customer.account.id);
    const [one, two] = [freshKey(), freshKey()];
    let release = () => {};
    const bothBegun = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waiting = 0;
    world.setAround(async ({ step }, proceed) => {
      if (step === "recordPlace") {
        waiting += 1;
        if (waiting === 2) release();
        await bothBegun;
      }
      return proceed();
    });
    await Promise.all([
      signUpLinked(world, { key: one, accountId: customer.account.id }),
      signUpLinked(world, { key: two, accountId: second.account?.id }),
    ]);
    const ended = [await settled(world, one), await settled(world, two)];
    expect(ended.map(({ status }) => status).toSorted()).toEqual(["ACTIVE", "FAILED"]);
    const loser = ended.find(({ status }) => status === "FAILED");
    expect(loser?.operations.edges[0]?.node).toMatchObject({
      ...{ status: "UNWOUND", reason: expect.stringContaining("another tenant's") },
    });
    expect(await mappingOf(loser?.key ?? "")).toEqual(neverMade);
    world.setAround();
    const [free] = [customer.account.id, second.account?.id].filter(
      (_id, index) => ended[index]?.status === "FAILED",
    );
    expect(await signUpLinked(world, { key: freshKey(), accountId: free })).toMatchObject({
      __typename: "AccountInUse",
    });
  });

  it("is undone when the key was revoked meanwhile, and closes the account; the next key lets it in", async () => {
    const customer = await linkedCustomer(world);
    await world.emulator.revokeKey(customer.apiKey);
    const input = { key: freshKey(), accountId: customer.account.id };
    expect(await signUpLinked(world, input)).toMatchObject({
      tenant: { status: "FAILED" },
      operation: { status: "UNWOUND", reason: expect.stringContaining("not valid") },
    });
    expect(await mappingOf(input.key)).toEqual(neverMade);
    expect(await signUpLinked(world, input)).toMatchObject({ code: "ACCOUNT_NOT_USABLE" });
    await link(world, { apiKey: await anotherKey(world, customer) });
    expect(await signUpLinked(world, input)).toMatchObject({ tenant: { status: "ACTIVE", generation: 2 } });
  });

  it("is undone when the account's key is one of another organization", async () => {
    const customer = await linkedCustomer(world);
    const other = await makeCustomer(world);
    const { ring } = world.projectKeys;
    if (ring === null) throw new Error("The world has no key ring.");
    const { id } = await world.prisma.mem0Account.findFirstOrThrow({ where: { orgId: customer.orgId } });
    // As only a mistake of ours could leave it.
    const sealedKey = await seal(ring, new Secret(other.apiKey), { purpose: "account-key", id });
    await world.prisma.mem0Account.update({ where: { id }, data: { sealedKey } });
    const key = freshKey();
    expect(await signUpLinked(world, { key, accountId: customer.account.id })).toMatchObject({
      tenant: { status: "FAILED" },
      operation: { status: "UNWOUND", reason: expect.stringContaining("of another project") },
    });
    expect(await world.prisma.mem0Account.findUnique({ where: { id } })).toMatchObject({
      keyState: "REFUTED",
    });
    expect(await world.prisma.resource.count({ where: { upstreamId: other.orgId } })).toBe(0);
  });

  it("is undone where Mem0 shows the key's account no organization, and repeated where Mem0 does not answer", async () => {
    const hidden = await linkedCustomer(world);
    const path = (orgId: string) => `/api/v1/orgs/organizations/${orgId}/`;
    await world.emulator.failNext({
      match: { path: path(hidden.orgId) },
      fault: { kind: "refuse", status: 404, body: { detail: "Not found." } },
    });
    expect(await signUpLinked(world, { key: freshKey(), accountId: hidden.account.id })).toMatchObject({
      ...{ tenant: { status: "FAILED" }, operation: { status: "UNWOUND" } },
    });
    const slow = await linkedCustomer(world);
    await world.emulator.failNext({ match: { path: path(slow.orgId) }, fault: { kind: "fail-500" } });
    expect(await signUpLinked(world, { key: freshKey(), accountId: slow.account.id })).toMatchObject({
      ...{ tenant: { status: "ACTIVE" } },
    });
  });

  it("lets go of the place when a later step fails for good, with nothing changed in Mem0", async () => {
    const customer = await linkedCustomer(world);
    const before = await upstream();
    world.setAround(async ({ step, direction }, proceed) => {
      if (step === "activate" && direction === "invoke") throw new StepRefused("No.");
      return proceed();
    });
    const input = { key: freshKey(), accountId: customer.account.id };
    expect(await signUpLinked(world, input)).toMatchObject({ tenant: { status: "FAILED" } });
    expect(await mappingOf(input.key)).toEqual([
      `ORGANIZATION main GONE RELEASED ${customer.orgId} null`,
      `PROJECT main GONE RELEASED ${customer.projectId} null`,
    ]);
    expect(await upstream()).toBe(before);
    world.setAround();
    expect(await signUpLinked(world, input)).toMatchObject({ tenant: { status: "ACTIVE" } });
  });

  it("waits where the key cannot be unsealed in this process, for another may have what unseals it", async () => {
    const { account } = await linkedCustomer(world);
    const { id: accountId } = await world.prisma.mem0Account.findFirstOrThrow({
      where: { keyHint: account.keyHint, label: account.label },
      orderBy: { id: "desc" },
    });
    const { provisioning, prisma } = world;
    const operation = await signUpLinkedTenant(
      provisioning,
      { start: () => {} },
      { actor: "admin", key: freshKey(), name: "Acme", accountId, idempotencyKey: freshKey() },
    );
    const openAccount = () => Promise.reject(new CannotOpen("LOCI_ENCRYPTION_KEY is not set."));
    await runOperation(
      { ...provisioning, openAccount },
      { step: (_name, deed) => deed(), isPatched: async () => true },
      operation.id,
      1,
    );
    expect(await prisma.operation.findUniqueOrThrow({ where: { id: operation.id } })).toMatchObject({
      ...{ status: "PARKED", reason: expect.stringContaining("LOCI_ENCRYPTION_KEY") },
    });
  });
});

describe("offboardTenant of a tenant on its customer's own account", () => {
  it("lets go of the place, deletes nothing in Mem0, and leaves the account linked for the next", async () => {
    const tenant = await linkedTenant(world);
    await remember(world, tenant, ["What stays the customer's."]);
    const before = await upstream();
    const idempotencyKey = freshKey();
    const answer = await offboard(world, { key: tenant.key, idempotencyKey });
    expect(answer).toMatchObject({
      tenant: { status: "OFFBOARDED" },
      operation: { status: "SUCCEEDED", steps: [{ name: "releasePlace", status: "SUCCEEDED" }] },
    });
    expect(await upstream()).toBe(before);
    expect(await mappingOf(tenant.key)).toEqual([
      `ORGANIZATION main GONE RELEASED ${tenant.orgId} null`,
      `PROJECT main GONE RELEASED ${tenant.projectId} null`,
    ]);
    expect((await offboard(world, { key: tenant.key, idempotencyKey })).operation?.id).toBe(
      answer.operation?.id,
    );
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "MISSING" });
    const next = await signUpLinked(world, { key: tenant.key, accountId: tenant.account.id });
    expect(next).toMatchObject({ tenant: { status: "ACTIVE", generation: 2 } });
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
  });

  it("is an off-boarding as it always was for a tenant whose place Loci made, also one that began before", async () => {
    const key = freshKey();
    await signUp(world, { key });
    await settled(world, key);
    const { provisioning, prisma, engine } = world;
    const request = { actor: "admin", key, idempotencyKey: freshKey() };
    const operation = await offboardTenant(provisioning, { start: () => {} }, request);
    expect(operation.input).toEqual({ key, isLinked: false });
    // As an earlier release left it.
    await prisma.$executeRaw`UPDATE operation SET input = input - 'isLinked' WHERE id = ${operation.id}`;
    engine.start(operation.id, operation.run);
    const tenant = await settled(world, key);
    expect(tenant.status).toBe("OFFBOARDED");
    expect(await upstreamOf(world, tenant)).toMatchObject({ organizations: [], projects: [] });
  });
});

describe("abortOperation of a sign-up onto an account", () => {
  it("stops it at the next border between steps, and lets go of the place", async () => {
    const { account, orgId } = await linkedCustomer(world);
    const [held] = holdSteps(world, [{ key: "aborted", step: "recordPlace", when: "after" }]);
    const begun = await signUpLinked(world, { key: "aborted", accountId: account.id, waitMs: 0 });
    await held?.reached;
    const before = await upstream();
    const asked = { id: begun.operation?.id, reason: "not wanted", waitMs: 0 };
    expect((await byHand(world, "abortOperation", asked)).__typename).toBe("AbortOperationPayload");
    held?.release();
    expect(await settled(world, "aborted")).toMatchObject({ status: "FAILED" });
    expect((await mappingOf("aborted"))[0]).toBe(`ORGANIZATION main GONE RELEASED ${orgId} null`);
    expect(await upstream()).toBe(before);
  });
});

describe("what admins do in Mem0 itself", () => {
  it("is refused in a customer's own place, and not by a way that would be refused in turn", async () => {
    const tenant = await linkedTenant(world);
    const email = world.provisioning.account.userEmail;
    await world.emulator.putMember({ org_id: tenant.orgId, email, role: "OWNER" });
    const thing = { organizationId: tenant.orgId, projectId: tenant.projectId };
    const before = await upstream();
    for (const deed of ["CHANGE", "DELETE_PLACE"] as const) {
      await expect(refuseManaged(world.prisma, thing, deed)).rejects.toMatchObject({
        ...{ name: "ManagedByTenant", tenantId: tenant.tenantId, use: "offboardTenant" },
      });
    }
    await offboard(world, { key: tenant.key });
    expect(await refuseManaged(world.prisma, thing, "CHANGE")).toBeUndefined();
    expect(await upstream()).toBe(before);
  });
});

describe("the late look for twins of a tenant on its customer's own account", () => {
  it("looks for nothing, for nothing was ever made there", async () => {
    const tenant = await linkedTenant(world);
    const { id: operationId } = await world.prisma.operation.findFirstOrThrow({
      where: { tenantId: tenant.tenantId },
    });
    await world.emulator.clearRequests();
    await checkTwins(world.provisioning, world.engine, { operationId, tenantId: tenant.tenantId });
    const { operations } = await settled(world, tenant.key);
    expect(operations.edges[0]?.node).toMatchObject({ kind: "CHECK_TWINS", status: "SUCCEEDED" });
    expect((await world.emulator.requests()).requests).toEqual([]);
  });
});

describe("changePlace of a tenant on its customer's own account", () => {
  it("is refused, and says whose the place is", async () => {
    const tenant = await linkedTenant(world);
    await world.emulator.clearRequests();
    const { changePlace } = await world.send<{ changePlace: object }>(
      `mutation ($input: ChangePlaceInput!) { changePlace(input: $input) { __typename
        ... on PlaceNotManaged { tenant { key } } ${errorFields} } }`,
      { input: { key: tenant.key, idempotencyKey: freshKey(), settings: { decay: true } } },
    );
    expect(changePlace).toMatchObject({
      ...{ __typename: "PlaceNotManaged", code: "PLACE_NOT_MANAGED", tenant: { key: tenant.key } },
    });
    expect((await tenantOf(world, tenant.key)).operations.edges).toHaveLength(1);
    expect((await world.emulator.requests()).requests).toEqual([]);
  });
});
