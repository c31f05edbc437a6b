import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freshKey, offboard, retry, settled, signUp, tenantOf, until, upstreamOf } from "../main-job.ts";
import { createWorld, quickTimings, type World } from "../world.ts";
import { slug, survivableFaults } from "./survivable-faults.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld({ timeoutMs: 700 });
  await world.emulator.registerUser("ada@acme.test");
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const place = {
  members: [{ email: "ada@acme.test", role: "OWNER" }, { email: "unregistered@acme.test" }],
  webhooks: [
    { url: "https://acme.test/one", eventTypes: ["MEMORY_ADD"] },
    { url: "https://acme.test/two", eventTypes: ["MEMORY_DELETE"] },
  ],
};

/** The DELETE of each step. */
const steps = {
  deleteWebhooks: { method: "DELETE", path: "/api/v1/webhooks/*/" },
  deleteProject: { method: "DELETE", path: "/api/v1/orgs/organizations/*/projects/*/" },
  deleteOrganization: { method: "DELETE", path: "/api/v1/orgs/organizations/*/" },
} as const;
const stepNames = Object.keys(steps) as (keyof typeof steps)[];

/** The GETs in which each step sees that we are OWNER, or that a thing is gone. */
const looks = {
  deleteWebhooks: { method: "GET", path: "/api/v1/webhooks/projects/*/" },
  deleteProject: { method: "GET", path: "/api/v1/orgs/organizations/*/projects/*/" },
  deleteOrganization: { method: "GET", path: "/api/v1/orgs/organizations/*/" },
} as const;

async function active(key: string) {
  await signUp(world, { key, ...place });
  return settled(world, key);
}

async function expectGone(key: string) {
  const tenant = await tenantOf(world, key);
  expect(tenant.status).toBe("OFFBOARDED");
  expect(tenant.operations.edges[0]?.node).toMatchObject({ kind: "OFFBOARD", status: "SUCCEEDED" });
  expect(await upstreamOf(world, tenant)).toEqual({ organizations: [], projects: [], webhooks: [] });
  return tenant;
}

describe("offboardTenant", () => {
  it("deletes webhooks, project and organization, and closes the mapping without erasing it", async () => {
    const before = await active("leaves");
    const answer = await offboard(world, { key: "leaves" });
    expect(answer.__typename).toBe("OffboardTenantPayload");
    const tenant = await expectGone("leaves");
    expect(tenant.resources.map(({ upstreamId }) => upstreamId)).toEqual(
      before.resources.map(({ upstreamId }) => upstreamId),
    );
    const gone = tenant.resources.map(({ kind, name, goneBy }) => `${kind} ${name} ${goneBy}`);
    expect(gone.toSorted()).toEqual([
      "ORGANIZATION main DELETED",
      "ORGANIZATION_MEMBER ada@acme.test PARENT",
      "ORGANIZATION_MEMBER unregistered@acme.test PARENT",
      "PROJECT default-project PARENT",
      "PROJECT main DELETED",
      "PROJECT_MEMBER ada@acme.test PARENT",
      "PROJECT_MEMBER unregistered@acme.test PARENT",
      "WEBHOOK webhook-1 DELETED",
      "WEBHOOK webhook-2 DELETED",
    ]);
  });

  it("stores that we are OWNER before each DELETE is sent", async () => {
    const { id } = await active("observed");
    await offboard(world, { key: "observed" });
    const attempts = await world.prisma.attempt.findMany({
      where: {
        action: "DELETE",
        resource: { tenantId: Buffer.from(id, "base64").toString().split(":")[1] ?? "" },
      },
    });
    expect(attempts).toHaveLength(4);
    const { requests } = await world.emulator.requests();
    const deletes = requests.filter(({ method }) => method === "DELETE").slice(-4);
    const seen = attempts
      .map(({ ownerSeenAt }) => ownerSeenAt?.getTime() ?? Number.NaN)
      .toSorted((a, b) => a - b);
    seen.forEach((at, index) => {
      expect(at).toBeLessThanOrEqual(Math.ceil(deletes[index]?.startedAtMs ?? 0));
    });
    expect(attempts.every(({ outcome }) => outcome === "DONE")).toBe(true);
  });

  it("answers the same operation for the same key and input, and refuses a second off-boarding", async () => {
    await active("again");
    const input = { key: "again", idempotencyKey: freshKey() };
    const first = await offboard(world, input);
    expect((await offboard(world, input)).operation?.id).toBe(first.operation?.id);
    expect(await offboard(world, { key: "again" })).toMatchObject({ __typename: "TenantStatusRefused" });
  });

  it("refuses a key that nobody has", async () => {
    expect(await offboard(world, { key: "never" })).toMatchObject({ __typename: "TenantNotFound" });
  });

  it("is refused while a sign-up is under way, carrying it", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createProject") await held;
      return proceed();
    });
    const signedUp = await signUp(world, { key: "busy", waitMs: 0 });
    const refused = await offboard(world, { key: "busy" });
    release();
    expect(refused).toMatchObject({ __typename: "OperationInProgress", retryable: true });
    expect(refused.operation?.id).toBe(signedUp.operation?.id);
    await settled(world, "busy");
    expect((await offboard(world, { key: "busy" })).tenant?.status).toBe("OFFBOARDED");
  });
});

describe.each(stepNames)("an off-boarding whose %s", (step) => {
  it.each(Object.entries(survivableFaults(quickTimings.settleMs ?? 0)))(
    "goes wrong once (%s) ends with everything gone",
    async (what, fault) => {
      const key = `off-${step}-${slug(what)}`;
      await active(key);
      await world.emulator.failNext({ match: steps[step], fault });
      await offboard(world, { key });
      expect((await world.emulator.faults())[0]?.fired).toBe(1);
      await expectGone(key);
    },
  );

  it("cannot look once ends with everything gone", async () => {
    const key = `blind-${step}`;
    await active(key);
    await world.emulator.failNext({ match: looks[step], fault: { kind: "fail-500" } });
    await offboard(world, { key });
    expect((await world.emulator.faults())[0]?.fired).toBe(1);
    await expectGone(key);
  });

  it("is invoked twice ends with everything gone", async () => {
    const key = `off-twice-${step}`;
    await active(key);
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      return deed.step === step ? proceed() : output;
    });
    await offboard(world, { key });
    await expectGone(key);
  });

  it("fails for good stops and says why, undoes nothing, and goes on when told", async () => {
    const key = `stuck-${step}`;
    await active(key);
    await world.emulator.failNext({ match: steps[step], fault: { kind: "refuse", status: 403 }, count: 50 });
    const answer = await offboard(world, { key });
    expect(answer.tenant?.status).toBe("OFFBOARDING");
    expect(answer.operation).toMatchObject({ status: "NEEDS_ATTENTION" });
    expect(answer.operation?.reason).toMatch(new RegExp(`^${step}: Mem0 refused DELETE`));
    const { requests } = await world.emulator.requests();
    expect(requests.at(-1)?.method).toBe("DELETE");

    await world.emulator.clearFaults();
    expect((await retry(world, answer.operation?.id ?? "")).operation?.status).toBe("SUCCEEDED");
    await expectGone(key);
  });

  it("was sent, and its answer never recorded, relies on the stored observation", async () => {
    const key = `lost-${step}`;
    await active(key);
    // After the DELETE nobody can look any more, as if the process had died: the run gives up.
    await world.emulator.failNext({
      match: looks[step],
      skip: 1,
      fault: { kind: "refuse", status: 418 },
      count: 1,
    });
    const answer = await offboard(world, { key });
    expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
    expect((await retry(world, answer.operation?.id ?? "")).operation?.status).toBe("SUCCEEDED");
    await expectGone(key);
  });
});

describe("a proof of deletion", () => {
  const { email } = { email: "platform@loci.test" };

  it("is not a 404 alone: when our account was removed, the tenant is not OFFBOARDED", async () => {
    const tenant = await active("evicted");
    const { organizations } = await upstreamOf(world, tenant);
    await world.emulator.removeMember({ org_id: organizations[0]?.org_id, email });
    const answer = await offboard(world, { key: "evicted" });
    expect(answer.tenant?.status).toBe("OFFBOARDING");
    expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
    expect(answer.operation?.reason).toContain("404");
    expect((await upstreamOf(world, tenant)).organizations).toHaveLength(1);
    const unknown = answer.tenant?.resources.filter(({ state }) => state === "UNKNOWN");
    expect(unknown?.[0]?.reason).toContain("404");

    await world.emulator.putMember({ org_id: organizations[0]?.org_id, email, role: "OWNER" });
    await world.emulator.putMember({
      org_id: organizations[0]?.org_id,
      project_id: answer.tenant?.resources.find(({ kind, name }) => kind === "PROJECT" && name === "main")
        ?.upstreamId,
      email,
      role: "OWNER",
    });
    expect((await retry(world, answer.operation?.id ?? "")).operation?.status).toBe("SUCCEEDED");
    await expectGone("evicted");
  });

  it("is not had of an organization that we do not own", async () => {
    const tenant = await active("demoted");
    const org_id = (await upstreamOf(world, tenant)).organizations[0]?.org_id;
    world.setAround(async (deed, proceed) => {
      if (deed.step === "deleteOrganization")
        await world.emulator.putMember({ org_id, email, role: "READER" });
      return proceed();
    });
    const answer = await offboard(world, { key: "demoted" });
    expect(answer.operation?.reason).toContain("not OWNER");
    expect((await upstreamOf(world, tenant)).organizations).toHaveLength(1);
  });

  it("is not had when the thing vanished between our look and our DELETE", async () => {
    const tenant = await active("vanished");
    const org_id = (await upstreamOf(world, tenant)).organizations[0]?.org_id;
    await world.emulator.failNext({
      match: steps.deleteOrganization,
      fault: { kind: "refuse", status: 404, body: { message: "Organization not found" } },
    });
    const answer = await offboard(world, { key: "vanished" });
    expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
    expect((await world.emulator.tables()).organizations.map((row) => row.org_id)).toContain(org_id);
  });

  it("is not had before what was deleted no longer answers", async () => {
    await active("lingers");
    await world.emulator.setSwitches({ deleteLagMs: 60_000 });
    const answer = await offboard(world, { key: "lingers" });
    expect(answer.operation?.status).toBe("PARKED");
    expect(answer.operation?.reason).toContain("still there");
    await world.prisma.$executeRaw`UPDATE operation_step SET deadline_at = now() WHERE finished_at IS NULL`;
    const given = await until(async () => {
      await world.sweep();
      const operation = (await tenantOf(world, "lingers")).operations.edges[0]?.node;
      return operation?.status === "NEEDS_ATTENTION" ? operation : null;
    }, "the time is over");
    expect(given.reason).toMatch(/^deleteWebhooks: Given up after 15 min .*still there/);
    await world.emulator.setSwitches({ deleteLagMs: 0 });
    expect((await retry(world, answer.operation?.id ?? "")).operation?.status).toBe("SUCCEEDED");
    await expectGone("lingers");
  });
});
