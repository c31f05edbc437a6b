import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { retry, signUp } from "../main-job.ts";
import type { World } from "../world.ts";
import { slug, survivableFaults } from "./survivable-faults.ts";
import { createProvedWorld, expectClean, expectFired, place, settleMs } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const survivable = survivableFaults(settleMs);

describe("the undoing of a sign-up", () => {
  it("goes in reverse order: webhooks, project, organization", async () => {
    await world.emulator.clearRequests();
    await failAtTheEnd("reverse");
    await expectClean(world, "reverse");
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
    await expectClean(world, key);
  });

  it.each(
    undone.flatMap((step) => Object.entries(survivable).map(([what, fault]) => [step, what, fault] as const)),
  )("of %s survives that %s", async (step, what, fault) => {
    const key = `undo-${step}-${slug(what)}`;
    await world.emulator.failNext({ match: removals[step], fault });
    await failAtTheEnd(key);
    await expectFired(world, 1);
    await expectClean(world, key);
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
      await expectClean(world, key);
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
