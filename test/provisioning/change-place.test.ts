import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  errorFields,
  freshKey,
  offboard,
  operationFields,
  retry,
  settled,
  signUp,
  tenantFields,
  tenantOf,
  until,
  upstreamOf,
} from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
  for (const name of ["ada", "bob", "eve"]) await world.emulator.registerUser(`${name}@change.test`);
});
afterAll(() => world.close());

const refusal = { kind: "refuse", status: 403, body: { error: "No." } } as const;

async function change(input: object): Promise<Answer> {
  const { changePlace } = await world.send<{ changePlace: Answer }>(
    `mutation ($input: ChangePlaceInput!) { changePlace(input: $input) { __typename
      ... on ChangePlacePayload { tenant { ${tenantFields} } operation { ${operationFields} } }
      ... on TenantStatusRefused { tenant { id } } ... on OperationInProgress { operation { id } } ${errorFields} } }`,
    { input: { idempotencyKey: freshKey(), waitMs: 20_000, ...input } },
  );
  return changePlace;
}

const hook = (path: string) => ({
  name: path,
  url: `https://hooks.test/${path}`,
  eventTypes: ["MEMORY_ADD"],
});

async function signUpPlace(key: string): Promise<void> {
  const { operation } = await signUp(world, {
    key,
    members: [{ email: "ada@change.test" }],
    webhooks: [hook(`${key}-one`)],
    settings: { customInstructions: "Be brief.", decay: true },
  });
  expect(operation).toBeDefined();
  await settled(world, key);
}

async function placeOf(key: string) {
  const { organizations, projects, webhooks } = await upstreamOf(world, await tenantOf(world, key));
  const roles = (members: readonly { email: string; role: string }[] = []) =>
    members
      .filter(({ email }) => email.endsWith("@change.test"))
      .map(({ email, role }) => `${email} ${role}`);
  const [project] = projects;
  return {
    organization: roles(organizations[0]?.members).sort(),
    project: roles(project?.members).sort(),
    settings: { customInstructions: project?.custom_instructions, decay: project?.decay },
    webhooks: webhooks.map(({ url, event_types }) => `${url} ${event_types.join()}`).sort(),
  };
}

describe("a change of a place", () => {
  it("makes settings, members and webhooks as they shall be, leaves the rest, and keeps the mapping true", async () => {
    await signUpPlace("whole");
    const answer = await change({
      key: "whole",
      settings: { customInstructions: "Be long." },
      setMembers: [{ email: "ada@change.test", role: "OWNER" }, { email: "bob@change.test" }],
      setWebhooks: [
        { ...hook("whole-one"), eventTypes: ["MEMORY_DELETE"] },
        { ...hook("whole-two"), eventTypes: ["MEMORY_ADD"] },
      ],
    });
    expect(answer.operation?.status).toBe("SUCCEEDED");
    expect(await placeOf("whole")).toEqual({
      organization: ["ada@change.test OWNER", "bob@change.test READER"],
      project: ["ada@change.test OWNER", "bob@change.test READER"],
      settings: { customInstructions: "Be long.", decay: true },
      webhooks: ["https://hooks.test/whole-one memory_delete", "https://hooks.test/whole-two memory_add"],
    });
    const tenant = await settled(world, "whole");
    expect(tenant.drift).toEqual([]);
    expect(tenant.resources.filter(({ state }) => state !== "PRESENT")).toEqual([]);
  });

  it("removes members and webhooks, proved, and takes the same names again later", async () => {
    await signUpPlace("back");
    const gone = await change({
      key: "back",
      removeMembers: ["ADA@change.test"],
      removeWebhooks: ["back-one"],
    });
    expect(gone.operation?.status).toBe("SUCCEEDED");
    expect(await placeOf("back")).toMatchObject({ organization: [], project: [], webhooks: [] });
    const left = (await settled(world, "back")).resources.filter(({ state }) => state === "GONE");
    expect(left.map(({ kind, goneBy }) => `${kind} ${goneBy}`).sort()).toEqual([
      "ORGANIZATION_MEMBER DELETED",
      "PROJECT_MEMBER DELETED",
      "WEBHOOK DELETED",
    ]);
    const again = {
      key: "back",
      setMembers: [{ email: "ada@change.test" }],
      setWebhooks: [hook("back-one")],
    };
    expect((await change(again)).operation?.status).toBe("SUCCEEDED");
    expect(await placeOf("back")).toMatchObject({
      organization: ["ada@change.test READER"],
      project: ["ada@change.test READER"],
      webhooks: ["https://hooks.test/back-one memory_add"],
    });
    expect((await settled(world, "back")).drift).toEqual([]);
  });

  it("is idempotent by its key, and as another change of the same words changes nothing", async () => {
    await signUpPlace("twice");
    const input = {
      ...{ key: "twice", idempotencyKey: "one-change" },
      setMembers: [{ email: "bob@change.test" }],
      removeMembers: ["nobody@change.test"],
      removeWebhooks: ["nothing"],
    };
    const first = await change(input);
    expect((await change(input)).operation?.id).toBe(first.operation?.id);
    await settled(world, "twice");
    await world.emulator.clearRequests();
    expect((await change({ ...input, idempotencyKey: "another" })).operation?.status).toBe("SUCCEEDED");
    await settled(world, "twice");
    const { requests } = await world.emulator.requests();
    expect(requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("lets a member wait whom Mem0 does not know; he comes in when he has registered, in his new role", async () => {
    await signUpPlace("late");
    const answer = await change({ key: "late", setMembers: [{ email: "late@change.test", role: "OWNER" }] });
    expect(answer.operation?.status).toBe("SUCCEEDED");
    const waiting = (await settled(world, "late")).resources.filter(
      ({ name }) => name === "late@change.test",
    );
    expect(waiting.map(({ state }) => state)).toEqual(["AWAITING_REGISTRATION", "AWAITING_REGISTRATION"]);
    await world.emulator.registerUser("late@change.test");
    await until(async () => {
      await world.sweep();
      return (await placeOf("late")).project.includes("late@change.test OWNER");
    }, "the member is in");
  });

  it("does not let whoever was removed come back when somebody else waits", async () => {
    await signUpPlace("left");
    await change({ key: "left", removeMembers: ["ada@change.test"] });
    await change({ key: "left", setMembers: [{ email: "left@change.test" }] });
    await world.emulator.registerUser("left@change.test");
    await until(async () => {
      await world.sweep();
      return (await placeOf("left")).project.length > 0;
    }, "the member is in");
    expect(await placeOf("left")).toMatchObject({
      organization: ["left@change.test READER"],
      project: ["left@change.test READER"],
    });
  });

  it("stops where Mem0 refuses, NEEDS_ATTENTION, and goes on when told to", async () => {
    await signUpPlace("stuck");
    await world.emulator.failNext({ match: signUpSteps.createWebhooks, fault: refusal });
    const answer = await change({ key: "stuck", setWebhooks: [hook("stuck-two")] });
    expect(answer.operation).toMatchObject({ status: "NEEDS_ATTENTION" });
    expect((await retry(world, answer.operation?.id ?? "")).operation?.status).toBe("SUCCEEDED");
    expect((await placeOf("stuck")).webhooks).toHaveLength(2);
  });

  it("that is stuck gives way to an off-boarding, which takes all of it away", async () => {
    await signUpPlace("leaving");
    await world.emulator.failNext({ match: signUpSteps.createWebhooks, fault: refusal });
    const stuck = await change({
      key: "leaving",
      setWebhooks: [hook("leaving-two")],
      setMembers: [{ email: "eve@change.test" }],
    });
    expect(stuck.operation?.status).toBe("NEEDS_ATTENTION");
    expect((await offboard(world, { key: "leaving" })).operation?.status).toBe("SUCCEEDED");
    const { resources } = await tenantOf(world, "leaving");
    expect(resources.filter(({ state }) => state !== "GONE")).toEqual([]);
  });

  it.each([
    [{}, "Must ask for at least one change."],
    [
      { setWebhooks: [{ ...hook("x"), url: "https://hooks.test/refusals-one" }] },
      "Is the URL of the webhook",
    ],
    [{ setMembers: [{ email: "platform@loci.test" }] }, "Is Loci's own Mem0 account"],
    [{ removeMembers: ["Platform@loci.test"] }, "Is Loci's own Mem0 account"],
    [{ setMembers: [{ email: "a@b.test" }], removeMembers: ["A@b.test"] }, "Must not be named twice"],
  ])("%j is refused, and nothing is written", async (input, message) => {
    if ((await world.prisma.tenant.count({ where: { key: "refusals" } })) === 0)
      await signUpPlace("refusals");
    const before = await world.prisma.resource.findMany({ where: { tenant: { key: "refusals" } } });
    const answer = await change({ key: "refusals", ...input });
    expect(answer.__typename).toBe("InvalidInput");
    expect(answer.problems?.[0]?.message).toContain(message);
    expect(await world.prisma.resource.findMany({ where: { tenant: { key: "refusals" } } })).toEqual(before);
  });

  it("is refused for a tenant that is not ACTIVE, and for one that there is not", async () => {
    await signUpPlace("off");
    await offboard(world, { key: "off" });
    const some = { setMembers: [{ email: "bob@change.test" }] };
    expect((await change({ key: "off", ...some })).__typename).toBe("TenantStatusRefused");
    expect((await change({ key: "nobody", ...some })).__typename).toBe("TenantNotFound");
  });
});
