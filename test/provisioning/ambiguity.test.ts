import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freshKey, offboard, settled, signUp, tenantOf, until, upstreamOf } from "../main-job.ts";
import type { World } from "../world.ts";
import { slug } from "./survivable-faults.ts";
import {
  createProvedWorld,
  expectClean,
  expectWhole,
  place,
  settleMs,
  signUpSteps,
} from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

describe("a create that lands later than anybody waited", () => {
  it.each(["createOrganization", "createProject"] as const)(
    "(%s) is found and removed by the late look",
    async (step) => {
      const key = `late-${step}`;
      const afterMs = settleMs * 3;
      await world.emulator.failNext({ match: signUpSteps[step], fault: { kind: "drop-then-do", afterMs } });
      await signUp(world, { key, ...place });
      const tenant = await tenantOf(world, key);
      await until(async () => {
        const upstream = await upstreamOf(world, tenant);
        return upstream[step === "createOrganization" ? "organizations" : "projects"].length === 2;
      }, "the late one has landed");

      const checked = await until(async () => {
        await world.sweep();
        const after = await settled(world, key);
        return after.operations.edges.some(({ node }) => node.kind === "CHECK_TWINS") ? after : null;
      }, "the late look has ended");
      expect(checked.operations.edges[0]?.node.status).toBe("SUCCEEDED");
      await expectWhole(world, key);
    },
  );

  it("after its sign-up was undone is removed too", async () => {
    const afterMs = settleMs * 3;
    const key = "late-and-undone";
    await world.emulator.failNext({
      match: signUpSteps.createOrganization,
      fault: { kind: "drop-then-do", afterMs },
    });
    world.setAround((deed, proceed) => {
      if (deed.step === "createOrganization" && deed.attempt > 1 && deed.direction === "invoke") {
        throw new Error("Fails for good.");
      }
      return proceed();
    });
    await signUp(world, { key });
    const tenant = await expectClean(world, key);
    await until(
      async () => (await upstreamOf(world, tenant)).organizations.length === 1,
      "the late one has landed",
    );
    await until(async () => {
      await world.sweep();
      return (await upstreamOf(world, tenant)).organizations.length === 0;
    }, "the late look has removed it");
  });
});

describe("a look for what a lost answer may have made", () => {
  it("is not made on the happy path", async () => {
    await world.emulator.clearRequests();
    await signUp(world, { key: "no-look", ...place });
    const { activatedAt } = await world.prisma.tenant.findFirstOrThrow({ where: { key: "no-look" } });
    const { requests } = await world.emulator.requests({ until: String(activatedAt?.getTime()) });
    expect(requests.filter(({ method }) => method === "GET")).toEqual([]);
    await settled(world, "no-look");
  });

  it.each([
    [
      "that we do not own",
      async (name: string) => ({ name, owner_email: "mallory@evil.test", members: [self()] }),
    ],
    [
      "with a stranger in it",
      async (name: string) => ({ name, owner_email: ownEmail(), members: [mallory] }),
    ],
    [
      "older than our attempt",
      async (name: string) => ({ name, owner_email: ownEmail(), created_at: "2020-01-01T00:00:00Z" }),
    ],
  ])("never takes a look-alike %s for ours, and leaves it alone", async (what, lookAlike) => {
    const key = `alike-${slug(what)}`;
    await world.emulator.registerUser("mallory@evil.test");
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "drop" } });
    let orgId = "";
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createOrganization" && deed.attempt === 2) {
        const { marker } = await world.prisma.resource.findFirstOrThrow({
          where: { tenantId: deed.tenantId, kind: "ORGANIZATION" },
        });
        ({ org_id: orgId } = await world.emulator.putOrganization(await lookAlike(`Acme Inc. ·${marker}`)));
      }
      return proceed();
    });
    const answer = await signUp(world, { key });
    expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
    expect(answer.operation?.reason).toContain(orgId);
    const { organizations } = await world.emulator.tables();
    expect(organizations.map(({ org_id }) => org_id)).toContain(orgId);
    expect(answer.tenant?.resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId).toBeNull();
  });

  it("takes the oldest of two that are ours, and removes the other", async () => {
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createOrganization" && deed.attempt === 2) {
        const { marker } = await world.prisma.resource.findFirstOrThrow({
          where: { tenantId: deed.tenantId, kind: "ORGANIZATION" },
        });
        await world.emulator.putOrganization({ name: `Acme Inc. ·${marker}`, owner_email: ownEmail() });
      }
      return proceed();
    });
    await signUp(world, { key: "two", ...place });
    await expectWhole(world, "two");
  });

  const mallory = { email: "mallory@evil.test", role: "READER" };
  const ownEmail = () => world.provisioning.account.userEmail;
  const self = () => ({ email: ownEmail(), role: "READER" });
});

describe("a sign-up that was ambiguous", () => {
  it("can be off-boarded while its read-back is superseded, and is still looked after", async () => {
    const key = "superseded";
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "readBack") await held;
      return proceed();
    });
    await signUp(world, { key, ...place });
    const answer = await offboard(world, { key, idempotencyKey: freshKey() });
    release();
    expect(answer).toMatchObject({ tenant: { status: "OFFBOARDED" }, operation: { status: "SUCCEEDED" } });
    const signedUp = answer.tenant?.operations.edges.at(-1)?.node;
    expect(signedUp?.status).toBe("SUCCEEDED");
    expect(signedUp?.steps.at(-1)).toMatchObject({ name: "readBack", status: "SUPERSEDED" });
    expect(await upstreamOf(world, await settled(world, key))).toEqual({
      organizations: [],
      projects: [],
      webhooks: [],
    });
  });
});
