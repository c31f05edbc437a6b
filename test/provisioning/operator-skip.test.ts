import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NeedsAttention } from "../../src/provisioning/failures.ts";
import { offboard, settled, signUp, tenantOf, upstreamOf } from "../main-job.ts";
import { auditOf, byHand, desk, lastDetails, offers } from "../operators.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectClean, place } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const evidence = "The customer closed the organization; ticket 4711.";

describe("skipStep", () => {
  it("lets an off-boarding end whose organization is not ours any more, and claims nothing of it", async () => {
    const key = "not-ours";
    const { tenant } = await signUp(world, { key, ...place });
    await settled(world, key);
    const orgId = tenant?.resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId;
    await world.emulator.removeMember({ org_id: orgId, email: world.provisioning.account.userEmail });
    const { operation } = await offboard(world, { key });
    const id = operation?.id;
    expect(operation?.status).toBe("NEEDS_ATTENTION");
    expect(await offers(world, id)).toEqual(["retryOperation", "skipStep deleteWebhooks"]);

    for (const step of ["deleteWebhooks", "deleteProject"]) {
      const answer = await byHand(world, "skipStep", { id, step, evidence });
      expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
    }
    const last = await byHand(world, "skipStep", { id, step: "deleteOrganization", evidence });
    expect(last).toMatchObject({ operation: { status: "SUCCEEDED" }, tenant: { status: "OFFBOARDED" } });
    expect(new Set(last.tenant?.resources.map(({ state, reason }) => `${state} ${reason}`))).toEqual(
      new Set([`UNKNOWN ${evidence}`]),
    );
    const seen = await desk(world, id);
    expect(seen.steps.map(({ status, evidence: words }) => `${status} ${words}`)).toEqual(
      Array.from({ length: 3 }, () => `SKIPPED ${evidence}`),
    );
    expect(seen.whatCanBeDone).toEqual([]);
    expect(await auditOf(world, id)).toEqual(Array.from({ length: 3 }, () => "skipStep ALLOWED"));
    expect(await lastDetails(world, id)).toMatchObject({ step: "deleteOrganization", evidence });
    expect((await signUp(world, { key, ...place })).tenant).toMatchObject({
      generation: 2,
      status: "ACTIVE",
    });
  });

  it("takes an undoing that is stuck for done: the rest is undone, and what is left is UNKNOWN", async () => {
    const key = "undoing";
    await world.emulator.failNext({
      match: { method: "DELETE", path: "/api/v1/orgs/organizations/*/" },
      fault: { kind: "refuse", status: 403 },
      count: 50,
    });
    world.setAround((deed, proceed) => {
      if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
      return proceed();
    });
    const { operation } = await signUp(world, { key, ...place });
    const id = operation?.id;
    expect(operation?.status).toBe("NEEDS_ATTENTION");
    expect(await offers(world, id)).toEqual(["retryOperation", "skipStep createOrganization"]);
    const answer = await byHand(world, "skipStep", { id, step: "createOrganization", evidence });
    expect(answer).toMatchObject({ operation: { status: "UNWOUND" }, tenant: { status: "FAILED" } });
    const states = new Map(answer.tenant?.resources.map(({ kind, state }) => [kind, state]));
    expect(Object.fromEntries(states)).toMatchObject({
      ORGANIZATION: "UNKNOWN",
      ORGANIZATION_MEMBER: "UNKNOWN",
      PROJECT: "GONE",
      WEBHOOK: "GONE",
    });
    const { organizations, projects } = await upstreamOf(world, await tenantOf(world, key));
    expect([organizations.length, projects.length]).toEqual([1, 0]);
  });

  it("takes a step for done whose result nobody needs; the tenant becomes ACTIVE without it", async () => {
    const key = "without-webhook";
    await world.emulator.failNext({
      match: { method: "POST", path: "/api/v1/webhooks/projects/*/" },
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const { operation } = await signUp(world, { key, ...place });
    expect(operation?.status).toBe("PARKED");
    const answer = await byHand(world, "skipStep", { id: operation?.id, step: "createWebhooks", evidence });
    expect(answer.tenant?.status).toBe("ACTIVE");
    const tenant = await settled(world, key);
    expect(tenant.resources.find(({ kind }) => kind === "WEBHOOK")).toMatchObject({
      state: "UNKNOWN",
      reason: evidence,
    });
    expect((await offboard(world, { key })).tenant?.status).toBe("OFFBOARDED");
  });

  it("of a step that was done after all does not spare it its undoing", async () => {
    const key = "skipped-then-undone";
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      if (deed.step === "createWebhooks" && deed.direction === "invoke") throw new NeedsAttention("Look.");
      return output;
    });
    const { operation } = await signUp(world, { key, ...place });
    expect(operation?.status).toBe("NEEDS_ATTENTION");
    const { webhooks } = await upstreamOf(world, await tenantOf(world, key));
    expect(webhooks).toHaveLength(1);
    world.setAround((deed, proceed) => {
      if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
      return proceed();
    });
    const answer = await byHand(world, "skipStep", { id: operation?.id, step: "createWebhooks", evidence });
    expect(answer.operation?.status).toBe("UNWOUND");
    await expectClean(world, key);
  });

  it("is refused for every step but the one that is stuck, for steps there are not, and for what has ended", async () => {
    const key = "refused";
    world.setAround((deed, proceed) => {
      if (deed.step === "createProject") throw new NeedsAttention("Look.");
      return proceed();
    });
    const { operation } = await signUp(world, { key, ...place });
    const id = operation?.id;
    for (const [step, words] of [
      ["createProject", "adopt the resource instead"],
      ["createOrganization", "SUCCEEDED"],
      ["activate", "PENDING"],
      ["brewCoffee", "has no step brewCoffee"],
    ] as const) {
      const answer = await byHand(world, "skipStep", { id, step, evidence });
      expect(answer).toMatchObject({ __typename: "StepNotSkippable", code: "STEP_NOT_SKIPPABLE" });
      expect(answer.message).toContain(words);
    }
    expect(await auditOf(world, id)).toEqual(
      Array.from({ length: 4 }, () => "skipStep REFUSED STEP_NOT_SKIPPABLE"),
    );
    world.setAround();
    expect((await byHand(world, "retryOperation", { id })).tenant?.status).toBe("ACTIVE");
    await settled(world, key);
    const late = await byHand(world, "skipStep", { id, step: "createProject", evidence });
    expect(late.message).toContain("SUCCEEDED");
  });

  it("is never allowed for the step that makes the tenant ACTIVE", async () => {
    world.setAround((deed, proceed) => {
      if (deed.step === "activate") throw new NeedsAttention("Look.");
      return proceed();
    });
    const { operation } = await signUp(world, { key: "never-active" });
    const answer = await byHand(world, "skipStep", { id: operation?.id, step: "activate", evidence });
    expect(answer.__typename).toBe("StepNotSkippable");
    expect(await offers(world, operation?.id)).not.toContain("skipStep activate");
  });

  it.each([
    ["without evidence", { evidence: " " }, "evidence"],
    ["without a reason", { reason: "" }, "reason"],
    ["with more words than can be kept", { evidence: "e".repeat(2_001) }, "evidence"],
    ["with a NUL", { reason: "a\u0000b" }, "reason"],
  ])("is refused as input, and not audited, %s", async (_what, input, field) => {
    const { operation } = await signUp(world, { key: `input-${field}-${_what.length}` });
    const step = "createProject";
    const answer = await byHand(world, "skipStep", { id: operation?.id, step, evidence, ...input });
    expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
    expect(await auditOf(world, operation?.id)).toEqual([]);
  });
});
