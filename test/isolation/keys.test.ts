import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { deleteProject } from "../../src/mem0/projects.ts";
import { freshKey, offboard, signUp, tenantOf, until } from "../main-job.ts";
import { accessOf, attach, attachNew, detach, makeKeyOf, type Placed } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import { memoryCalls } from "./memory-calls.ts";
import {
  askedFor,
  call,
  type Inhabited,
  inhabited,
  type OtherProcess,
  type Process,
  rowsOf,
  startProcess,
} from "./rig.ts";

let world: World;
let second: OtherProcess;
/** Whom nothing here is about, and who has to be served all the while. */
let bystander: Inhabited;
let ofBystander: string;

beforeAll(async () => {
  world = await createWorld();
  second = await startProcess(world);
  await until(async () => second.isListening(), "the second process listens");
  bystander = await inhabited(world);
  ofBystander = await rowsOf(world, bystander);
});
afterAll(async () => {
  await second?.close();
  await world?.close();
});
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
  // Whatever was closed to somebody, it was closed to nobody else.
  await expectBystanderServed();
});

const found = memoryCalls.find(({ title }) => title === "memories");
if (found === undefined) throw new Error("There is no call of memories.");
const listing = found;

async function expectBystanderServed(): Promise<void> {
  for (const process of [world, second]) await expectOpen(process, bystander);
  expect(await rowsOf(world, bystander)).toBe(ofBystander);
}

/** Sees that a process serves a tenant. */
async function expectOpen(process: Process, tenant: Inhabited): Promise<void> {
  const told = await call(process, world, tenant, listing);
  expect(told.code, told.body).toBeNull();
  expect(told.body).toContain(tenant.tag);
}

/** Sees that a process answers every call alike: nothing lets in, and that Mem0 is not even asked. */
async function expectClosed(process: Process, tenant: Inhabited): Promise<void> {
  const startedAt = Date.now();
  await until(
    async () => (await call(process, world, tenant, listing)).code === "MEMORY_ACCESS_MISSING",
    "the door closes",
  );
  // Sooner than what a door keeps would have been asked for again anyway.
  expect(Date.now() - startedAt).toBeLessThan(2_500);
  await world.emulator.clearRequests();
  const rows = await rowsOf(world, tenant);
  for (const one of memoryCalls) {
    const told = await call(process, world, tenant, one);
    expect(told.typename, one.title).toBe("MemoryAccessMissing");
    expect(told.body).not.toContain(`${tenant.tag} likes`);
  }
  // A refused key is proved anew, by a ping of its own.
  const asked = (await askedFor(world, null)).split("\n").filter((line) => !line.includes('"/v1/ping/"'));
  expect(asked.join("\n")).toBe("");
  expect(await rowsOf(world, tenant)).toBe(rows);
}

describe("a key that does not lead to the tenant's own project", () => {
  async function strangeKeys(tenant: Placed): Promise<Record<string, string>> {
    const { projects } = await world.emulator.tables();
    const beside = projects.find((row) => row.org_id === tenant.orgId && row.project_id !== tenant.projectId);
    const platform = world.projectKeys.platform;
    const gone = await makeKeyOf(world, tenant);
    await world.emulator.revokeKey(gone);
    return {
      besideInTheOrganization: await world.emulator.makeKey({
        org_id: tenant.orgId,
        project_id: beside?.project_id ?? "",
      }),
      anotherTenants: await makeKeyOf(world, bystander),
      anotherTenantsAttached: bystander.apiKey,
      platforms: await world.emulator.makeKey({ org_id: platform.orgId, project_id: platform.projectId }),
      revoked: gone,
      neverWas: "m0-neverwas0123456789abcdef",
    };
  }

  it("is stored for nobody, whosever it is, and opens nothing", async () => {
    const tenant = await inhabited(world);
    await detach(world, tenant.keyId);
    const before = await world.prisma.projectKey.count();
    for (const [which, apiKey] of Object.entries(await strangeKeys(tenant))) {
      const answer = await attach(world, { tenantKey: tenant.key, apiKey });
      const isDead = which === "revoked" || which === "neverWas";
      expect(answer.__typename, which).toBe(isDead ? "ProjectKeyInvalid" : "ProjectKeyMismatch");
      expect(JSON.stringify(answer)).not.toContain(apiKey);
      expect(JSON.stringify(answer)).not.toContain(bystander.projectId);
    }
    expect(await world.prisma.projectKey.count()).toBe(before);
    for (const process of [world, second]) await expectClosed(process, tenant);
  });

  it("does not put the tenant's good one out of service either", async () => {
    const tenant = await inhabited(world);
    for (const apiKey of Object.values(await strangeKeys(tenant))) {
      await attach(world, { tenantKey: tenant.key, apiKey, overlapMs: 0 });
    }
    for (const process of [world, second]) await expectOpen(process, tenant);
  });
});

describe("a key that was good once", () => {
  it.each(["first", "second"] as const)(
    "closes every process's door when it was revoked (seen by the %s)",
    async (who) => {
      const tenant = await inhabited(world);
      for (const process of [world, second]) await expectOpen(process, tenant);
      await world.emulator.revokeKey(tenant.apiKey);
      const [seer, other] = who === "first" ? [world, second] : [second, world];
      const told = await call(seer, world, tenant, listing);
      expect(told.code).not.toBeNull();
      expect(told.body).not.toContain(`${tenant.tag} likes`);
      await expectClosed(seer, tenant);
      await expectClosed(other, tenant);
      expect((await accessOf(world, tenant.key)).state).toBe("REFUTED");
    },
  );

  it("closes every process's door when it is detached, at once where that was asked for", async () => {
    const tenant = await inhabited(world);
    for (const process of [world, second]) await expectOpen(process, tenant);
    await detach(world, tenant.keyId);
    expect((await call(world, world, tenant, listing)).code).toBe("MEMORY_ACCESS_MISSING");
    for (const process of [world, second]) await expectClosed(process, tenant);
  });

  it("serves no call any more when another replaced it without overlap", async () => {
    const tenant = await inhabited(world);
    for (const process of [world, second]) await expectOpen(process, tenant);
    const next = await attachNew(world, tenant, { overlapMs: 0 });
    await world.emulator.revokeKey(tenant.apiKey);
    // Mem0 would refuse the old one, and nobody sees a refusal.
    await until(async () => (await call(second, world, tenant, listing)).code === null, "the new one serves");
    await expectOpen(world, tenant);
    await detach(world, next.key.id);
    for (const process of [world, second]) await expectClosed(process, tenant);
  });

  it("of a project that was deleted in Mem0 opens nothing, and no other project in its place", async () => {
    const tenant = await inhabited(world);
    for (const process of [world, second]) await expectOpen(process, tenant);
    await deleteProject(world.provisioning.mem0, tenant.orgId, tenant.projectId);
    const told = await call(second, world, tenant, listing);
    expect(told.code).not.toBeNull();
    for (const process of [world, second]) await expectClosed(process, tenant);
    expect(await attach(world, { tenantKey: tenant.key, apiKey: tenant.apiKey })).toMatchObject({
      __typename: "ProjectKeyInvalid",
    });
  });
});

describe("a tenant that is leaving", () => {
  it("is served nothing while its off-boarding is under way, and nothing after it", async () => {
    const tenant = await inhabited(world);
    for (const process of [world, second]) await expectOpen(process, tenant);
    let goOn = () => {};
    const released = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await released;
      return proceed();
    });
    await offboard(world, { key: tenant.key, waitMs: 0 });
    expect((await tenantOf(world, tenant.key)).status).toBe("OFFBOARDING");
    // Mem0 would still let it in.
    expect((await rowsOf(world, tenant)).includes(tenant.tag)).toBe(true);
    for (const process of [world, second]) await expectClosed(process, tenant);
    goOn();
    await until(async () => (await tenantOf(world, tenant.key)).status === "OFFBOARDED", "it is gone");
    for (const process of [world, second]) await expectClosed(process, tenant);
  });

  it("and comes back is a stranger: no key of its earlier life opens the new one", async () => {
    const tenant = await inhabited(world);
    await offboard(world, { key: tenant.key });
    await signUp(world, { key: tenant.key });
    expect((await tenantOf(world, tenant.key)).status).toBe("ACTIVE");
    for (const process of [world, second]) await expectClosed(process, tenant);
    const answer = await attach(world, { tenantKey: tenant.key, apiKey: tenant.apiKey });
    expect(["ProjectKeyInvalid", "ProjectKeyMismatch"]).toContain(answer.__typename);
    for (const process of [world, second]) await expectClosed(process, tenant);
  });

  it("before it has arrived is served nothing, and neither is one that nobody knows", async () => {
    const key = freshKey();
    let goOn = () => {};
    const released = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await released;
      return proceed();
    });
    await signUp(world, { key, waitMs: 0 });
    await expectClosed(second, { ...bystander, key });
    goOn();
    await until(async () => (await tenantOf(world, key)).status === "ACTIVE", "it has arrived");
    await expectClosed(second, { ...bystander, key });
    for (const one of memoryCalls) {
      const told = await call(world, world, { ...bystander, key: freshKey() }, one);
      expect(one.root === "Tenant" ? told.answer : told.typename).toBe(
        one.root === "Tenant" ? null : "TenantNotFound",
      );
      expect(told.body).not.toContain(bystander.tag);
    }
  });
});
