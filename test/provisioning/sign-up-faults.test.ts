import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { signUp } from "../main-job.ts";
import type { World } from "../world.ts";
import { slug, survivableFaults } from "./survivable-faults.ts";
import {
  createProvedWorld,
  expectClean,
  expectFired,
  expectWhole,
  place,
  settleMs,
  signUpSteps,
} from "./whole-or-clean.ts";

/**
 * Everything that can happen to a request, at every step of the sign-up. The judge is always the emulator's tables:
 * what a saga says of itself proves nothing.
 */

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const stepNames = Object.keys(signUpSteps) as (keyof typeof signUpSteps)[];
const survivable = survivableFaults(settleMs);

describe.each(stepNames)("a sign-up whose %s", (step) => {
  it.each(Object.entries(survivable))("goes wrong once (%s) makes everything once", async (what, fault) => {
    const key = `once-${step}-${slug(what)}`;
    await world.emulator.failNext({ match: signUpSteps[step], fault });
    await signUp(world, { key, ...place });
    await expectFired(world, 1);
    await expectWhole(world, key);
  });

  it("is refused is undone: nothing is left", async () => {
    const key = `refused-${step}`;
    await world.emulator.failNext({ match: signUpSteps[step], fault: { kind: "refuse", status: 403 } });
    const answer = await signUp(world, { key, ...place });
    await expectFired(world, 1);
    expect(answer.operation?.steps.find(({ name }) => name === step)?.error?.code).toBe("Mem0Refused");
    await expectClean(world, key);
  });

  it("is done but never answered is undone, the deed included", async () => {
    const key = `mute-${step}`;
    await world.emulator.failNext({ match: signUpSteps[step], fault: { kind: "do-then-500" }, count: 50 });
    // The look would find it and go on, so that the deed fails for good only if looking is of no use either.
    world.setAround(async (deed, proceed) => {
      if (deed.step !== step || deed.direction !== "invoke" || deed.attempt === 1) return proceed();
      throw new Error("The step fails for good, and nobody looked.");
    });
    await signUp(world, { key, ...place });
    await expectFired(world, 1);
    await expectClean(world, key);
  });

  it("fails before its deed is undone", async () => {
    const key = `before-${step}`;
    world.setAround((deed, proceed) => {
      if (deed.step === step && deed.direction === "invoke") throw new Error("Fails before the deed.");
      return proceed();
    });
    await signUp(world, { key, ...place });
    await expectClean(world, key);
  });

  it("fails after its deed is undone, the deed included", async () => {
    const key = `after-${step}`;
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      if (deed.step === step && deed.direction === "invoke") throw new Error("Fails after the deed.");
      return output;
    });
    await signUp(world, { key, ...place });
    await expectClean(world, key);
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
    await expectWhole(world, key);
  });
});
