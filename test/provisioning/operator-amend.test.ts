import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NeedsAttention } from "../../src/provisioning/failures.ts";
import { maskEmails } from "../../src/tenants/masked.ts";
import { freshKey, settled, signUp, upstreamOf } from "../main-job.ts";
import { auditOf, byHand, lastDetails, offers } from "../operators.ts";
import type { World } from "../world.ts";
import { createProvedWorld, place, signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
  await world.emulator.registerUser("grace@acme.test");
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** Parked before the project is made, so that neither members of it nor webhooks are there yet. */
async function parkedAt(step: keyof typeof signUpSteps, key: string, input: object = {}) {
  await world.emulator.failNext({
    match: signUpSteps[step],
    fault: { kind: "throttle", retryAfterSeconds: 3_600 },
  });
  const answer = await signUp(world, { key, ...place, ...input });
  expect(answer.operation?.status).toBe("PARKED");
  return answer.operation?.id;
}

const secret = "https://acme.test/hook/5ecret-path";

describe("amendOperation", () => {
  it("corrects a webhook's URL: what is made is right, and the original call still answers the operation", async () => {
    const key = "url";
    const original = { key, ...place, idempotencyKey: freshKey() };
    const id = await parkedAt("createWebhooks", key, original);
    expect(await offers(world, id)).toContain("amendOperation");
    const webhookUrl = { name: "webhook-1", url: secret };
    const answer = await byHand(world, "amendOperation", { id, webhookUrl });
    expect(answer.tenant?.status).toBe("ACTIVE");
    const tenant = await settled(world, key);
    expect(tenant.drift).toEqual([]);
    expect((await upstreamOf(world, tenant)).webhooks.map(({ url }) => url)).toEqual([secret]);
    expect((await signUp(world, original)).operation?.id).toBe(id);
    expect(await auditOf(world, id)).toEqual(["amendOperation ALLOWED"]);
    expect(await lastDetails(world, id)).toMatchObject({ webhook: "webhook-1", host: "acme.test" });
    const events = await world.prisma.auditEvent.findMany();
    expect(JSON.stringify(events)).not.toContain("5ecret-path");
  });

  it("corrects an e-mail, in the organization and in the project", async () => {
    const key = "email";
    const id = await parkedAt("addOrganizationMembers", key, { members: [{ email: "Wrong@acme.test" }] });
    const email = { from: "wrong@ACME.test", to: "grace@acme.test" };
    await byHand(world, "amendOperation", { id, email });
    const tenant = await settled(world, key);
    expect(tenant.status).toBe("ACTIVE");
    expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["PRESENT"]));
    const { organizations, projects } = await upstreamOf(world, tenant);
    for (const upstream of [organizations[0], projects[0]]) {
      expect(upstream?.members.map((member) => member.email)).toContain("grace@acme.test");
    }
    expect(await lastDetails(world, id)).toMatchObject({
      from: maskEmails(email.from),
      to: maskEmails(email.to),
    });
  });

  it("corrects the e-mail of a member who waits for registration; he is added once the tenant is ACTIVE", async () => {
    const key = "waits";
    const id = await parkedAt("createWebhooks", key, { members: [{ email: "nobody@acme.test" }] });
    await byHand(world, "amendOperation", { id, email: { from: "nobody@acme.test", to: "grace@acme.test" } });
    await settled(world, key);
    await world.sweep();
    const tenant = await settled(world, key);
    const members = tenant.resources.filter(({ kind }) => kind.endsWith("MEMBER"));
    expect(members.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "grace@acme.test PRESENT",
      "grace@acme.test PRESENT",
    ]);
  });

  it.each([
    ["a member there is not", { email: { from: "eve@acme.test", to: "grace@acme.test" } }],
    ["a webhook there is not", { webhookUrl: { name: "webhook-9", url: secret } }],
    ["a member who is in already", { email: { from: "ada@acme.test", to: "grace@acme.test" } }],
  ])("is refused for %s", async (what, amendment) => {
    const id = await parkedAt("createWebhooks", `nothing-${what.replaceAll(" ", "-")}`);
    const answer = await byHand(world, "amendOperation", { id, ...amendment });
    expect(answer).toMatchObject({ __typename: "NothingToAmend", code: "NOTHING_TO_AMEND" });
    expect(await auditOf(world, id)).toEqual(["amendOperation REFUSED NOTHING_TO_AMEND"]);
  });

  it("is refused for a member whom a lost request added under the wrong e-mail", async () => {
    const key = "added-after-all";
    await world.emulator.failNext({
      match: signUpSteps.addOrganizationMembers,
      fault: { kind: "do-then-drop" },
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step !== "addOrganizationMembers") return proceed();
      await proceed().catch(() => {});
      throw new NeedsAttention("Look.");
    });
    const { operation } = await signUp(world, { key, ...place });
    expect(operation?.status).toBe("NEEDS_ATTENTION");
    const email = { from: "ada@acme.test", to: "grace@acme.test" };
    const answer = await byHand(world, "amendOperation", { id: operation?.id, email });
    expect(answer.message).toContain("is a member of the organization already");
  });

  it("is refused for a webhook that may be there under the wrong URL", async () => {
    const key = "in-doubt";
    await world.emulator.failNext({ match: signUpSteps.createWebhooks, fault: { kind: "do-then-drop" } });
    world.setAround(async (deed, proceed) => {
      if (deed.step !== "createWebhooks") return proceed();
      await proceed().catch(() => {});
      throw new NeedsAttention("Look.");
    });
    const { operation } = await signUp(world, { key, ...place });
    const webhookUrl = { name: "webhook-1", url: secret };
    const answer = await byHand(world, "amendOperation", { id: operation?.id, webhookUrl });
    expect(answer.message).toContain("may be there as it was asked for");
    world.setAround();
    await byHand(world, "retryOperation", { id: operation?.id });
    const tenant = await settled(world, key);
    expect((await upstreamOf(world, tenant)).webhooks).toHaveLength(1);
  });

  it("holds what it becomes against the rules of a sign-up", async () => {
    const members = [{ email: "wrong@acme.test" }, { email: "grace@acme.test" }];
    const id = await parkedAt("addOrganizationMembers", "rules", { members });
    const from = "wrong@acme.test";
    for (const [amendment, field] of [
      [{ email: { from, to: "no e-mail" } }, "members.0.email"],
      [{ email: { from, to: "GRACE@acme.test" } }, "members.1.email"],
      [{ email: { from, to: world.provisioning.account.userEmail } }, "members.0.email"],
      [{ webhookUrl: { name: "webhook-1", url: "http://acme.test/" } }, "webhooks.0.url"],
      [{}, "amendment.email"],
      [
        {
          email: { from, to: "ada@acme.test" },
          webhookUrl: { name: "webhook-1", url: secret },
        },
        "amendment.email",
      ],
    ] as const) {
      const answer = await byHand(world, "amendOperation", { id, ...amendment });
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
    }
    expect(await auditOf(world, id)).toEqual([]);
    const { input } = await world.prisma.operation.findFirstOrThrow({ where: { tenant: { key: "rules" } } });
    expect(JSON.stringify(input)).toContain(from);
  });

  it("is refused for a sign-up that is through", async () => {
    const { operation } = await signUp(world, { key: "through", ...place });
    await settled(world, "through");
    const email = { from: "ada@acme.test", to: "grace@acme.test" };
    expect((await byHand(world, "amendOperation", { id: operation?.id, email })).__typename).toBe(
      "NothingToAmend",
    );
    expect(await offers(world, operation?.id)).toEqual([]);
  });
});
