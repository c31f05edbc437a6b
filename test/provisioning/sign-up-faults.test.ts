import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freshKey, offboard, retry, settled, signUp, tenantOf, until, upstreamOf } from "../main-job.ts";
import { createWorld, quickTimings, type World } from "../world.ts";
import { slug, survivableFaults } from "./survivable-faults.ts";

/**
 * Everything that can happen to a request, at every step of the sign-up. The judge is always the emulator's tables:
 * what a saga says of itself proves nothing.
 */

let world: World;
const settleMs = quickTimings.settleMs ?? 0;

beforeAll(async () => {
  world = await createWorld({ timeoutMs: 700 });
  await world.emulator.registerUser("ada@acme.test");
  // A completed sign-up and its read-back prove that Mem0's lists show what our key creates.
  await signUp(world, { key: "first" });
  await settled(world, "first");
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** The one request that each step makes for `place`. */
const steps = {
  createOrganization: { method: "POST", path: "/api/v1/orgs/organizations/" },
  createProject: { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" },
  addOrganizationMembers: { method: "POST", path: "/api/v1/orgs/organizations/*/members/" },
  applySettings: { method: "PATCH", path: "/api/v1/orgs/organizations/*/projects/*/" },
  addProjectMembers: { method: "POST", path: "/api/v1/orgs/organizations/*/projects/*/members/" },
  createWebhooks: { method: "POST", path: "/api/v1/webhooks/projects/*/" },
} as const;
const stepNames = Object.keys(steps) as (keyof typeof steps)[];

const place = {
  members: [{ email: "ada@acme.test" }],
  webhooks: [{ url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD"] }],
  settings: { decay: true },
};

/** ACTIVE, with exactly one of everything upstream, and a mapping that says so. */
async function expectWhole(key: string) {
  const tenant = await settled(world, key);
  expect(tenant).toMatchObject({ status: "ACTIVE", drift: [] });
  expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["PRESENT"]));
  const { organizations, projects, webhooks } = await upstreamOf(world, tenant);
  expect({
    organizations: organizations.length,
    projects: projects.length,
    webhooks: webhooks.length,
  }).toEqual({
    organizations: 1,
    projects: 1,
    webhooks: 1,
  });
  expect(projects[0]?.decay).toBe(true);
  for (const { members } of [organizations[0], projects[0]].filter((found) => found !== undefined)) {
    expect(members.filter(({ email }) => email === "ada@acme.test")).toHaveLength(1);
  }
  return tenant;
}

/** FAILED, with nothing left upstream, and a mapping in which all is gone. */
async function expectClean(key: string) {
  const tenant = await settled(world, key);
  expect(tenant.status).toBe("FAILED");
  expect(tenant.operations.edges[0]?.node.status).toBe("UNWOUND");
  expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["GONE"]));
  expect(await upstreamOf(world, tenant)).toEqual({ organizations: [], projects: [], webhooks: [] });
  return tenant;
}

async function expectFired(times?: number) {
  const [fault] = await world.emulator.faults();
  if (times === undefined) expect(fault?.fired).toBeGreaterThan(0);
  else expect(fault?.fired).toBe(times);
}

const survivable = survivableFaults(settleMs);

describe.each(stepNames)("a sign-up whose %s", (step) => {
  it.each(Object.entries(survivable))("goes wrong once (%s) makes everything once", async (what, fault) => {
    const key = `once-${step}-${slug(what)}`;
    await world.emulator.failNext({ match: steps[step], fault });
    await signUp(world, { key, ...place });
    await expectFired(1);
    await expectWhole(key);
  });

  it("is refused is undone: nothing is left", async () => {
    const key = `refused-${step}`;
    await world.emulator.failNext({ match: steps[step], fault: { kind: "refuse", status: 403 } });
    const answer = await signUp(world, { key, ...place });
    await expectFired(1);
    expect(answer.operation?.steps.find(({ name }) => name === step)?.error?.code).toBe("Mem0Refused");
    await expectClean(key);
  });

  it("is done but never answered is undone, the deed included", async () => {
    const key = `mute-${step}`;
    await world.emulator.failNext({ match: steps[step], fault: { kind: "do-then-500" }, count: 50 });
    // The look would find it and go on, so that the deed fails for good only if looking is of no use either.
    world.setAround(async (deed, proceed) => {
      if (deed.step !== step || deed.direction !== "invoke" || deed.attempt === 1) return proceed();
      throw new Error("The step fails for good, and nobody looked.");
    });
    await signUp(world, { key, ...place });
    await expectFired(1);
    await expectClean(key);
  });

  it("fails before its deed is undone", async () => {
    const key = `before-${step}`;
    world.setAround((deed, proceed) => {
      if (deed.step === step && deed.direction === "invoke") throw new Error("Fails before the deed.");
      return proceed();
    });
    await signUp(world, { key, ...place });
    await expectClean(key);
  });

  it("fails after its deed is undone, the deed included", async () => {
    const key = `after-${step}`;
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      if (deed.step === step && deed.direction === "invoke") throw new Error("Fails after the deed.");
      return output;
    });
    await signUp(world, { key, ...place });
    await expectClean(key);
  });

  it("is invoked twice makes everything once", async () => {
    const key = `twice-${step}`;
    let invocations = 0;
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      if (deed.step !== step || deed.direction !== "invoke") return output;
      invocations += 2;
      return proceed();
    });
    await signUp(world, { key, ...place }).catch((error: unknown) => error);
    expect(invocations).toBe(2);
    await expectWhole(key);
  });
});

describe("the undoing of a sign-up", () => {
  it("goes in reverse order: webhooks, project, organization", async () => {
    await world.emulator.clearRequests();
    await failAtTheEnd("reverse");
    await expectClean("reverse");
    const { requests } = await world.emulator.requests();
    const deleted = requests
      .filter(({ method }) => method === "DELETE")
      .map(({ path }) => path.split("/").at(-2));
    expect(deleted).toEqual([
      expect.stringMatching(/^wh_/),
      expect.stringMatching(/^proj_/),
      expect.stringMatching(/^org_/),
    ]);
  });

  const undone = ["createWebhooks", "createProject", "createOrganization"] as const;
  const removals = {
    createWebhooks: { method: "DELETE", path: "/api/v1/webhooks/*/" },
    createProject: { method: "DELETE", path: "/api/v1/orgs/organizations/*/projects/*/" },
    createOrganization: { method: "DELETE", path: "/api/v1/orgs/organizations/*/" },
  };

  it.each(undone)("does no harm when that of %s is done twice", async (step) => {
    const key = `undo-twice-${step}`;
    await failAtTheEnd(key, async (deed, proceed) => {
      const output = await proceed();
      return deed.step === step ? proceed() : output;
    });
    await expectClean(key);
  });

  it.each(
    undone.flatMap((step) => Object.entries(survivable).map(([what, fault]) => [step, what, fault] as const)),
  )("of %s survives that %s", async (step, what, fault) => {
    const key = `undo-${step}-${slug(what)}`;
    await world.emulator.failNext({ match: removals[step], fault });
    await failAtTheEnd(key);
    await expectFired(1);
    await expectClean(key);
  });

  it.each(undone)(
    "that fails for good at %s calls for attention with the reason, and goes on when told",
    async (step) => {
      const key = `undo-fails-${step}`;
      await world.emulator.failNext({
        match: removals[step],
        fault: { kind: "refuse", status: 403 },
        count: 50,
      });
      const answer = await failAtTheEnd(key);
      expect(answer.tenant?.status).toBe("PROVISIONING");
      expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
      expect(answer.operation?.reason).toMatch(new RegExp(`^Undoing ${step}: Mem0 refused DELETE`));
      expect((await signUp(world, { key })).__typename).toBe("TenantKeyTaken");

      await world.emulator.clearFaults();
      const resumed = await retry(world, answer.operation?.id ?? "");
      expect(resumed.operation?.status).toBe("UNWOUND");
      await expectClean(key);
    },
  );

  /** Signs up, and fails when everything but the activation is done. */
  async function failAtTheEnd(
    key: string,
    whileUndoing: Parameters<World["setAround"]>[0] = (_, proceed) => proceed(),
  ) {
    world.setAround((deed, proceed) => {
      if (deed.direction === "compensate") return whileUndoing(deed, proceed);
      if (deed.step === "activate") throw new Error("Fails at the end.");
      return proceed();
    });
    return signUp(world, { key, ...place });
  }
});

describe("a create that lands later than anybody waited", () => {
  it.each(["createOrganization", "createProject"] as const)(
    "(%s) is found and removed by the late look",
    async (step) => {
      const key = `late-${step}`;
      const afterMs = settleMs * 3;
      await world.emulator.failNext({ match: steps[step], fault: { kind: "drop-then-do", afterMs } });
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
      await expectWhole(key);
    },
  );

  it("after its sign-up was undone is removed too", async () => {
    const afterMs = settleMs * 3;
    const key = "late-and-undone";
    await world.emulator.failNext({
      match: steps.createOrganization,
      fault: { kind: "drop-then-do", afterMs },
    });
    world.setAround((deed, proceed) => {
      if (deed.step === "createOrganization" && deed.attempt > 1 && deed.direction === "invoke") {
        throw new Error("Fails for good.");
      }
      return proceed();
    });
    await signUp(world, { key });
    const tenant = await expectClean(key);
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
    await world.emulator.failNext({ match: steps.createOrganization, fault: { kind: "drop" } });
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
    await world.emulator.failNext({ match: steps.createOrganization, fault: { kind: "do-then-drop" } });
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
    await expectWhole("two");
  });

  const mallory = { email: "mallory@evil.test", role: "READER" };
  const ownEmail = () => world.provisioning.account.userEmail;
  const self = () => ({ email: ownEmail(), role: "READER" });
});

describe("a sign-up that was ambiguous", () => {
  it("can be off-boarded while its read-back is superseded, and is still looked after", async () => {
    const key = "superseded";
    await world.emulator.failNext({ match: steps.createOrganization, fault: { kind: "do-then-drop" } });
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
