import { afterAll, beforeAll, expect, it } from "vitest";
import { signUp } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectWhole, place, signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());

it("a member whose lost add lands between the look and the repeat is a member, and no refused person", async () => {
  const match = signUpSteps.addOrganizationMembers;
  await world.emulator.failNext({ match, fault: { kind: "drop-then-do", afterMs: 150 } });
  await world.emulator.failNext({ match, fault: { kind: "slow", ms: 400, when: "before" } });
  await signUp(world, { key: "late-member", ...place, onUnknownMember: "FAIL" });
  expect((await world.emulator.faults()).map(({ fired }) => fired)).toEqual([1, 1]);
  await expectWhole(world, "late-member");
});
