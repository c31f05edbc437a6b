import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccessLoader } from "../../src/memory-access/access-loader.ts";
import { createKeyRing, type KeyRing } from "../../src/memory-access/key-ring.ts";
import type { OpenDoor } from "../../src/memory-access/open-door.ts";
import { seal } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { newId } from "../../src/tenants/ids.ts";
import { MemoryAccessMissing } from "../../src/tenants/memory-refusals.ts";
import { offboard, until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import {
  accessOf,
  attachNew,
  detach,
  makeKeyOf,
  openDoorElsewhere,
  type Placed,
  place,
  reaches,
} from "./key-rig.ts";

let world: World;
const elsewhere: { door: OpenDoor }[] = [];

beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await Promise.all(elsewhere.map(({ door }) => door.close()));
  await world?.close();
});

/** A second process's door that listens. */
async function anotherDoor(options: { ring?: KeyRing | null } = {}) {
  const other = openDoorElsewhere(world, options);
  elsewhere.push(other);
  await until(async () => other.isListening(), "the other door listens");
  return other;
}

/** Why a door stays closed; fails when it opens. */
async function refusal(
  door: OpenDoor,
  { tenantId }: Placed,
  form: "with-body" | "without-body" = "with-body",
) {
  const error: unknown = await door.open(tenantId, form).catch((thrown: unknown) => thrown);
  if (error instanceof MemoryAccessMissing) return error;
  throw new Error("The door opened.", { cause: error });
}

/** Sees a door close, sooner than what it keeps would have been asked for again anyway. */
async function closesSoon(door: OpenDoor, { tenantId }: Placed): Promise<void> {
  const startedAt = Date.now();
  const isClosed = () =>
    door.open(tenantId, "with-body").then(
      () => false,
      (error: unknown) => error instanceof MemoryAccessMissing,
    );
  await until(isClosed, "the door closes");
  expect(Date.now() - startedAt).toBeLessThan(2_500);
}

/** Does something to keys of which nobody is told. */
async function withoutNotifications(run: () => Promise<void>): Promise<void> {
  await world.prisma.$executeRaw`ALTER TABLE project_key DISABLE TRIGGER project_key_tells`;
  try {
    await run();
  } finally {
    await world.prisma.$executeRaw`ALTER TABLE project_key ENABLE TRIGGER project_key_tells`;
  }
}

/** Writes the account of a customer that has this place and key, as its linking does, and puts a tenant onto it. */
async function linkAccount({ orgId, projectId }: Placed, apiKey: string, tenant?: Placed): Promise<string> {
  const { ring } = world.projectKeys;
  if (ring === null) throw new Error("The world has no key ring.");
  const id = newId("acc");
  const sealedKey = await seal(ring, new Secret(apiKey), { purpose: "account-key", id });
  await world.prisma.mem0Account.create({
    data: {
      ...{
        id,
        orgId,
        projectId,
        sealedKey,
        role: "CUSTOMER",
        upstream: "emulator",
        userEmail: "ada@acme.test",
      },
      ...{ keyHint: apiKey.slice(-4), keyState: "PROVED", provedAt: new Date() },
    },
  });
  const at =
    tenant === undefined ? { resources: { some: { upstreamId: projectId } } } : { id: tenant.tenantId };
  // No tenant ever gets onto an account later: the database refuses it.
  await world.prisma.$executeRaw`ALTER TABLE tenant DISABLE TRIGGER tenant_guard`;
  await world.prisma.tenant.updateMany({ where: at, data: { accountId: id } });
  await world.prisma.$executeRaw`ALTER TABLE tenant ENABLE TRIGGER tenant_guard`;
  return id;
}

describe("the door to memories", () => {
  it("is closed to a tenant without a key, and says what to do", async () => {
    const tenant = await place(world);
    const { howTo, message, tenantId } = await refusal(world.door, tenant);
    expect(tenantId).toBe(tenant.tenantId);
    expect(howTo).toContain("attachProjectKey");
    expect(message).toContain("no API key");
  });

  it("opens into the tenant's own project by its own key, for calls of each form", async () => {
    const [one, other] = [await place(world), await place(world)];
    await attachNew(world, one);
    await attachNew(world, other);
    for (const form of ["with-body", "without-body"] as const) {
      const access = await world.door.open(one.tenantId, form);
      const { orgId, projectId, tenantId } = one;
      expect(access).toMatchObject({ tenantId, orgId, projectId, via: "BOUND_KEY", override: null });
      expect(await reaches(access)).toBe(projectId);
      expect(await reaches(await world.door.open(other.tenantId, form))).toBe(other.projectId);
    }
  });

  it("asks Mem0 nothing, and the database only the first time", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const { door, statements } = await anotherDoor();
    await world.emulator.clearRequests();
    await door.open(tenant.tenantId, "with-body");
    expect(statements()).toBe(1);
    await Promise.all([1, 2, 3].map(() => door.open(tenant.tenantId, "without-body")));
    expect(statements()).toBe(1);
    expect((await world.emulator.requests()).requests).toEqual([]);
  });

  it("closes in another process, too, when the key is detached", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await detach(world, key.id);
    await refusal(world.door, tenant);
    await closesSoon(door, tenant);
  });

  it("is opened by nothing that was kept while it does not hear of changes", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const { door, deafen } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    deafen();
    await detach(world, key.id);
    await refusal(door, tenant);
  });

  it("keeps nothing that was read before a change of which it heard meanwhile", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const { door } = await anotherDoor();
    const opening = door.open(tenant.tenantId, "with-body");
    // It is told while its statement is under way.
    door.forget(tenant.tenantId);
    await opening;
    await withoutNotifications(async () => {
      await detach(world, key.id);
      await refusal(door, tenant);
    });
  });

  it("closes with the off-boarding, everywhere, which forgets the tenant's keys", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await offboard(world, { key: tenant.key });
    await closesSoon(door, tenant);
    await refusal(world.door, tenant);
    const row = await world.prisma.projectKey.findFirstOrThrow({ where: { tenantId: tenant.tenantId } });
    expect(row).toMatchObject({ state: "DETACHED", sealedKey: null });
    expect((await accessOf(world, tenant.key)).keys).toMatchObject([{ id: key.id, state: "DETACHED" }]);
  });

  it("closes as soon as the tenant leaves ACTIVE", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await world.prisma.tenant.update({ where: { id: tenant.tenantId }, data: { status: "OFFBOARDING" } });
    await closesSoon(door, tenant);
  });

  it("forgets what it kept when it hears again after a break, for it may have missed something", async () => {
    const tenant = await place(world);
    const { key } = await attachNew(world, tenant);
    const { door, isListening } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await withoutNotifications(async () => {
      await detach(world, key.id);
      await world.prisma.$queryRaw`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'loci-notifications'`;
      await until(async () => !isListening(), "the connection broke");
      await until(async () => isListening(), "the door listens again");
      await refusal(door, tenant);
    });
  });

  it("keeps nothing for longer than the key may be used", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    await world.prisma.$executeRaw`
      UPDATE project_key SET proved_at = now() - interval '1 day' + interval '700 milliseconds'
      WHERE tenant_id = ${tenant.tenantId}`;
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await closesSoon(door, tenant);
  });

  it("closes when the overlap of the last key that serves is over", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    await attachNew(world, tenant, { overlapMs: 1_000 });
    await world.prisma.$executeRaw`
      UPDATE project_key SET state = 'REFUTED', refuted_because = 'any'
      WHERE tenant_id = ${tenant.tenantId} AND retires_at IS NULL`;
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await closesSoon(door, tenant);
  });

  it("closes when the project is not known to be there any more", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    await world.prisma.resource.updateMany({
      where: { tenantId: tenant.tenantId, kind: "PROJECT" },
      data: { state: "UNKNOWN", reason: "any" },
    });
    await closesSoon(door, tenant);
  });

  it("closes after the first call whose key was refused, and opens when the key is good after all", async () => {
    const tenant = await place(world);
    const { apiKey, key } = await attachNew(world, tenant);
    const { door } = await anotherDoor();
    await door.open(tenant.tenantId, "with-body");
    const access = await world.door.open(tenant.tenantId, "with-body");
    await world.emulator.failNext({ match: { path: "/v1/ping/" }, fault: { kind: "refuse", status: 401 } });
    await expect(reaches(access)).rejects.toThrow(/401/);
    // The repeated proof was good, so one bad answer shuts nobody out for long.
    await until(async () => (await accessOf(world, tenant.key)).state === "BOUND_KEY", "it opens again");

    await world.emulator.revokeKey(apiKey);
    await expect(reaches(await world.door.open(tenant.tenantId, "with-body"))).rejects.toThrow(/401/);
    const { howTo } = await refusal(world.door, tenant);
    expect(howTo).toContain("attachProjectKey");
    await closesSoon(door, tenant);
    const shown = await until(async () => {
      const access = await accessOf(world, tenant.key);
      return access.keys[0]?.refutedBecause?.includes("not valid") === true ? access : null;
    }, "the proof was repeated");
    expect(shown).toMatchObject({ state: "REFUTED", keys: [{ id: key.id, state: "REFUTED" }] });
  });

  it("does not trust a proof that is older than a day", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    const age = (minutes: number) => world.prisma.$executeRaw`
      UPDATE project_key SET proved_at = now() - ${minutes}::int * interval '1 minute' WHERE tenant_id = ${tenant.tenantId}`;
    await age(24 * 60 - 1);
    world.door.forget(tenant.tenantId);
    await world.door.open(tenant.tenantId, "with-body");
    await age(24 * 60);
    world.door.forget(tenant.tenantId);
    expect((await refusal(world.door, tenant)).message).toContain("24 hours");
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "REFUTED" });
  });

  it("goes by the key before while the newest is refuted, and by no other key than the tenant's", async () => {
    const tenant = await place(world);
    const first = await attachNew(world, tenant);
    const second = await attachNew(world, tenant);
    await world.emulator.revokeKey(second.apiKey);
    await expect(reaches(await world.door.open(tenant.tenantId, "with-body"))).rejects.toThrow(/401/);
    expect(await reaches(await world.door.open(tenant.tenantId, "with-body"))).toBe(tenant.projectId);
    await world.emulator.revokeKey(first.apiKey);
    await expect(reaches(await world.door.open(tenant.tenantId, "with-body"))).rejects.toThrow(/401/);
    await refusal(world.door, tenant);
  });

  it("does not open by a ciphertext that lies in another tenant's row", async () => {
    const [one, other] = [await place(world), await place(world)];
    await attachNew(world, one);
    await attachNew(world, other);
    await world.prisma.$executeRaw`
      UPDATE project_key SET sealed_key = (SELECT sealed_key FROM project_key WHERE tenant_id = ${other.tenantId})
      WHERE tenant_id = ${one.tenantId}`;
    const { door } = await anotherDoor();
    expect((await refusal(door, one)).message).toContain("cannot be opened");
  });

  it("is closed, and shown to be, where the key cannot be unsealed", async () => {
    const tenant = await place(world);
    await attachNew(world, tenant);
    for (const ring of [null, createKeyRing([randomBytes(32)])]) {
      const { door } = await anotherDoor({ ring });
      const { message, howTo } = await refusal(door, tenant);
      expect(`${message} ${howTo}`).toMatch(/cannot be opened.*LOCI_ENCRYPTION_KEY.*attachProjectKey/);
      const shown = await createAccessLoader({ ...world.projectKeys, ring }).access.load(tenant.tenantId);
      expect(shown).toMatchObject({ state: "MISSING", message, howTo });
    }
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "BOUND_KEY" });
  });

  it("opens by the key of the customer's own account, which is proved and refused as every other", async () => {
    const tenant = await place(world);
    const apiKey = await makeKeyOf(world, tenant);
    const accountId = await linkAccount(tenant, apiKey);
    const { door } = await anotherDoor();
    const { orgId, projectId, tenantId } = tenant;
    const access = await door.open(tenantId, "without-body");
    expect(access).toMatchObject({ tenantId, orgId, projectId, via: "BOUND_KEY", override: null });
    expect(await reaches(access)).toBe(projectId);
    await door.open(tenantId, "with-body");
    await world.emulator.revokeKey(apiKey);
    await expect(reaches(await world.door.open(tenantId, "with-body"))).rejects.toThrow(/401/);
    await refusal(world.door, tenant);
    await closesSoon(door, tenant);
    const account = await world.prisma.mem0Account.findUniqueOrThrow({ where: { id: accountId } });
    expect(account.keyState).toBe("REFUTED");
    expect(await accessOf(world, tenant.key)).toMatchObject({ state: "REFUTED" });
  });

  it("opens by no account of another organization", async () => {
    const [tenant, other] = [await place(world), await place(world)];
    await linkAccount(other, await makeKeyOf(world, other), tenant);
    expect((await refusal(world.door, tenant)).message).toContain("no API key");
  });

  it("opens by the platform's key where that is of the organization, and only for calls that can name the project", async () => {
    const tenant = await place(world);
    await makeKeyOf(world, tenant);
    const { platform } = world.projectKeys;
    const organization = await world.prisma.resource.findFirstOrThrow({
      where: { tenantId: tenant.tenantId, kind: "ORGANIZATION" },
    });
    // As it will be where tenants share an organization: no sign-up makes such a place yet.
    const own = { id: `${organization.id.slice(0, -4)}0000`, upstreamId: platform.orgId };
    await world.prisma.resource.create({
      data: {
        ...own,
        tenantId: tenant.tenantId,
        kind: "ORGANIZATION",
        name: "shared",
        desired: {},
        state: "PRESENT",
        operationId: organization.operationId,
      },
    });
    await world.prisma.resource.updateMany({
      where: { tenantId: tenant.tenantId, kind: "PROJECT", name: "main" },
      data: { parentId: own.id },
    });
    const override = { orgId: platform.orgId, projectId: tenant.projectId };
    const access = await world.door.open(tenant.tenantId, "with-body");
    expect(access).toMatchObject({ via: "BODY_OVERRIDE", override });
    expect((await refusal(world.door, tenant, "without-body")).howTo).toContain("attachProjectKey");
    const shown = await accessOf(world, tenant.key);
    expect(shown.state).toBe("BODY_OVERRIDE");
    expect(shown.missingFor).toEqual(["get", "delete", "history", "entities", "events"]);
  });
});
