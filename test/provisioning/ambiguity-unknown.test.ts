import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { settled, signUp, tenantOf, until } from "../main-job.ts";
import type { World } from "../world.ts";
import {
  createProvedWorld,
  expectClean,
  expectWhole,
  place,
  settleMs,
  signUpSteps,
} from "./whole-or-clean.ts";

/** A resource is UNKNOWN, and says why, for as long as nobody knows what became of the request that made it. */

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const rows = {
  createOrganization: "ORGANIZATION",
  createProject: "PROJECT",
  addOrganizationMembers: "ORGANIZATION_MEMBER",
  applySettings: "PROJECT_SETTINGS",
  addProjectMembers: "PROJECT_MEMBER",
  createWebhooks: "WEBHOOK",
} as const;

const steps = ["createOrganization", "createProject", "createWebhooks"] as const;

/** Holds the second attempt at a step until it is released; answers what the caller sees meanwhile. */
function holdSecondAttempt(step: string) {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = false;
  world.setAround(async (deed, proceed) => {
    if (deed.step === step && deed.attempt === 2) {
      isHeld = true;
      await held;
    }
    return proceed();
  });
  return { release: () => release(), reached: () => until(async () => isHeld, `${step} is tried again`) };
}

const rowOf = async (key: string, kind: string) =>
  (await tenantOf(world, key)).resources.find(
    (resource) => resource.kind === kind && resource.name !== "default-project",
  );

describe("a lost answer", () => {
  it.each(Object.entries(rows))("to %s makes its %s UNKNOWN until it is seen", async (step, kind) => {
    const key = `unknown-${step}`;
    const match = signUpSteps[step as keyof typeof rows];
    await world.emulator.failNext({ match, fault: { kind: "do-then-drop" } });
    const { release, reached } = holdSecondAttempt(step);
    await signUp(world, { key, ...place, waitMs: 0 });
    await reached();
    expect(await rowOf(key, kind)).toMatchObject({
      state: "UNKNOWN",
      upstreamId: null,
      reason: expect.stringMatching(/^The answer .*was lost\. Mem0 did not answer/),
    });
    release();
    await until(async () => (await tenantOf(world, key)).status === "ACTIVE", "it is ACTIVE");
    await expectWhole(world, key);
    expect(await rowOf(key, kind)).toMatchObject({ state: "PRESENT", reason: null });
  });

  it.each(steps)(
    "to %s that made nothing leaves it INTENDED after the settle delay, then PRESENT",
    async (step) => {
      const key = `never-${step}`;
      const { makes, seen } = { makes: rows[step], seen: [] as string[] };
      await world.emulator.failNext({ match: signUpSteps[step], fault: { kind: "drop" } });
      // The create that follows is refused once, so that the state between the two can be seen.
      await world.emulator.failNext({
        match: signUpSteps[step],
        fault: { kind: "throttle", retryAfterSeconds: 0 },
      });
      world.setAround(async (deed, proceed) => {
        if (deed.step === step) {
          const row = await world.prisma.resource.findFirstOrThrow({
            where: { tenantId: deed.tenantId, kind: makes },
          });
          seen.push(row.state);
        }
        return proceed();
      });
      await signUp(world, { key, ...place });
      await expectWhole(world, key);
      expect(seen[0]).toBe("INTENDED");
      expect(seen[1]).toBe("UNKNOWN");
      expect(seen.at(-1)).toBe("INTENDED");
    },
  );

  it("whose list was read before the settle delay and answered after it settles nothing", async () => {
    const key = "slow-list";
    const afterMs = settleMs / 2;
    await world.emulator.failNext({
      match: signUpSteps.createOrganization,
      fault: { kind: "drop-then-do", afterMs },
    });
    await world.emulator.failNext({
      match: { method: "GET", path: "/api/v1/orgs/organizations/" },
      fault: { kind: "slow", ms: settleMs + 200, when: "after" },
    });
    await signUp(world, { key, ...place });
    await expectWhole(world, key);
    expect((await world.emulator.faults()).map(({ fired }) => fired)).toEqual([1, 1]);
  });

  it("of an organization is resolved first when it is undone: what was made is removed", async () => {
    const key = "undone-unknown";
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
    world.setAround((deed, proceed) => {
      if (deed.step === "createOrganization" && deed.direction === "invoke" && deed.attempt > 1) {
        throw new Error("Fails for good.");
      }
      return proceed();
    });
    await signUp(world, { key });
    await expectClean(world, key);
    expect((await rowOf(key, "ORGANIZATION"))?.goneBy).toBe("DELETED");
    await settled(world, key);
  });

  it("to the adding of somebody who waits leaves him waiting, with the reason", async () => {
    const key = "waits";
    const email = "late@acme.test";
    await signUp(world, { key, members: [{ email }] });
    await settled(world, key);
    expect(await rowOf(key, "ORGANIZATION_MEMBER")).toMatchObject({ state: "AWAITING_REGISTRATION" });
    await world.emulator.registerUser(email);
    const match = signUpSteps.addOrganizationMembers;
    await world.emulator.failNext({ match, fault: { kind: "drop" }, count: 100 });
    const told = await until(async () => {
      await world.sweep();
      const row = await rowOf(key, "ORGANIZATION_MEMBER");
      return row?.reason?.startsWith("The answer was lost.") === true ? row : null;
    }, "the answer was lost");
    expect(told.state).toBe("AWAITING_REGISTRATION");
    await world.emulator.clearFaults();
    await until(async () => {
      await world.sweep();
      return (await rowOf(key, "ORGANIZATION_MEMBER"))?.state === "PRESENT";
    }, "he is in");
  });
});
