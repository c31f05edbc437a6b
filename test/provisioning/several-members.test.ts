import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settled, signUp, until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const emails = ["ada@acme.test", "bob@acme.test", "eve@acme.test"];

describe.each([
  ["addOrganizationMembers", "ORGANIZATION_MEMBER"],
  ["addProjectMembers", "PROJECT_MEMBER"],
] as const)("a sign-up whose %s meets a spent quota for one of three", (step, kind) => {
  it("has recorded the two who were added when it parks, and adds the third when it goes on", async () => {
    for (const email of emails) await world.emulator.registerUser(email);
    const key = `members-${step.toLowerCase()}`;
    const resetAt = new Date(Date.now() + 3_000).toISOString();
    await world.emulator.failNext({
      match: signUpSteps[step],
      fault: { kind: "quota", resetAt, eventType: "ADD" },
    });
    const members = emails.map((email) => ({ email }));
    expect((await signUp(world, { key, members })).operation?.status).toBe("PARKED");
    const statesNow = async () => {
      const found = await world.prisma.resource.findMany({ where: { kind, tenant: { key } } });
      return found.map(({ state }) => state).toSorted();
    };
    expect(await statesNow()).toEqual(["INTENDED", "PRESENT", "PRESENT"]);
    await until(async () => {
      await world.sweep();
      return (await world.prisma.tenant.findFirstOrThrow({ where: { key } })).status === "ACTIVE";
    }, "the quota is renewed");
    await settled(world, key);
    expect(await statesNow()).toEqual(["PRESENT", "PRESENT", "PRESENT"]);
  });
});
