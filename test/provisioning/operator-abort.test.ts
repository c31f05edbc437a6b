import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NeedsAttention } from "../../src/provisioning/failures.ts";
import { signUpTenant } from "../../src/provisioning/sign-up-tenant.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { freshKey, offboard, settled, signUp, tenantOf } from "../main-job.ts";
import { auditOf, byHand, desk, offers, untilStatus } from "../operators.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectClean, place, signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const globalId = (id: string) => Buffer.from(`Operation:${id}`).toString("base64");

describe("abortOperation", () => {
  it("of a sign-up that nobody started cancels it at once: nothing is ever sent", async () => {
    const key = "unstarted";
    await world.emulator.clearRequests();
    // As when the process dies directly after the commit.
    const { id } = await signUpTenant(
      world.provisioning,
      { ...world.engine, start: () => {} },
      {
        actor: "admin",
        key,
        idempotencyKey: freshKey(),
        place: placeSchema.parse({ name: "Acme", ...place }),
      },
    );
    const answer = await byHand(world, "abortOperation", { id: globalId(id), reason: "Signed up twice." });
    expect(answer).toMatchObject({ operation: { status: "CANCELLED" }, tenant: { status: "FAILED" } });
    expect(answer.operation?.reason).toContain("Signed up twice.");
    expect(new Set(answer.tenant?.resources.map(({ state }) => state))).toEqual(new Set(["GONE"]));
    await world.sweep();
    await settled(world, key);
    expect((await world.emulator.requests()).requests).toEqual([]);
    expect(await offers(world, globalId(id))).toEqual([]);
    expect(await auditOf(world, globalId(id))).toEqual(["abortOperation ALLOWED"]);
    expect((await signUp(world, { key })).tenant?.status).toBe("ACTIVE");
    await settled(world, key);
  });

  it("of a sign-up under way stops it at the next border, and all is undone; a repeat changes nothing", async () => {
    const key = "under-way";
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isReached = () => {};
    const reached = new Promise<void>((resolve) => {
      isReached = resolve;
    });
    world.setAround(async (deed, proceed) => {
      const output = await proceed();
      if (deed.step === "createProject" && deed.direction === "invoke") {
        isReached();
        await held;
      }
      return output;
    });
    const { operation } = await signUp(world, { key, ...place, waitMs: 0 });
    const id = operation?.id;
    await reached;
    expect(await offers(world, id)).toEqual(["abortOperation"]);
    const answers = [
      await byHand(world, "abortOperation", { id, waitMs: 0 }),
      await byHand(world, "abortOperation", { id, waitMs: 0, reason: "Again." }),
    ];
    expect(answers.map(({ operation: seen }) => seen?.status)).toEqual(["RUNNING", "RUNNING"]);
    expect((await desk(world, id)).cancelRequestedAt).not.toBeNull();
    expect(await offers(world, id)).toEqual([]);
    release();
    await untilStatus(world, id, "UNWOUND");
    await expectClean(world, key);
    const again = await byHand(world, "abortOperation", { id });
    expect(again.operation?.status).toBe("UNWOUND");
    expect(await auditOf(world, id)).toEqual(["abortOperation ALLOWED"]);
    const row = await world.prisma.operation.findFirstOrThrow({
      where: { cancelReason: { not: null }, tenant: { key } },
    });
    expect(row.cancelReason).toBe("On call, and sure of it.");
  });

  it.each([
    ["PARKED", { fault: { kind: "throttle", retryAfterSeconds: 3_600 } }],
    ["NEEDS_ATTENTION", { isConfused: true }],
  ] as const)("of a sign-up that is %s undoes it", async (status, how) => {
    const key = `waits-${status}`;
    if ("fault" in how)
      await world.emulator.failNext({ match: signUpSteps.createWebhooks, fault: how.fault });
    else {
      world.setAround(async (deed, proceed) => {
        const output = await proceed();
        if (deed.step === "createWebhooks" && deed.direction === "invoke") throw new NeedsAttention("Look.");
        return output;
      });
    }
    const { operation } = await signUp(world, { key, ...place });
    const id = operation?.id;
    expect(operation?.status).toBe(status);
    expect(await offers(world, id)).toContain("abortOperation");
    const answer = await byHand(world, "abortOperation", { id, reason: "The contract fell through." });
    expect(answer.operation?.reason).toContain("The contract fell through.");
    await expectClean(world, key);
    await byHand(world, "abortOperation", { id });
    expect(await auditOf(world, id)).toEqual(["abortOperation ALLOWED"]);
  });

  it("by two at once is done once, and audited once", async () => {
    const key = "two-aborts";
    await world.emulator.failNext({
      match: signUpSteps.createWebhooks,
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const { operation } = await signUp(world, { key, ...place });
    const id = operation?.id;
    const both = await Promise.all([1, 2].map(() => byHand(world, "abortOperation", { id })));
    expect(both.map(({ __typename }) => __typename)).toEqual(
      Array.from({ length: 2 }, () => "AbortOperationPayload"),
    );
    await expectClean(world, key);
    expect(await auditOf(world, id)).toEqual(["abortOperation ALLOWED"]);
  });

  it("is refused, and says what to do instead, where there is no going back", async () => {
    const active = await signUp(world, { key: "active" });
    await settled(world, "active");
    const ended = await byHand(world, "abortOperation", { id: active.operation?.id });
    expect(ended).toMatchObject({ __typename: "OperationNotAbortable", code: "OPERATION_NOT_ABORTABLE" });

    await world.emulator.failNext({
      match: { method: "DELETE", path: "/api/v1/orgs/organizations/*/" },
      fault: { kind: "refuse", status: 403 },
      count: 50,
    });
    const leaving = await offboard(world, { key: "active" });
    expect(leaving.operation?.status).toBe("NEEDS_ATTENTION");
    const forward = await byHand(world, "abortOperation", { id: leaving.operation?.id });
    expect(forward.message).toContain("only goes forward");
    expect(await auditOf(world, leaving.operation?.id)).toEqual([
      "abortOperation REFUSED OPERATION_NOT_ABORTABLE",
    ]);

    world.setAround((deed, proceed) => {
      if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
      return proceed();
    });
    const failing = await signUp(world, { key: "unwinding", ...place });
    expect(failing.operation?.status).toBe("NEEDS_ATTENTION");
    const backward = await byHand(world, "abortOperation", { id: failing.operation?.id });
    expect(backward.message).toContain("being undone already");
    expect(await offers(world, failing.operation?.id)).not.toContain("abortOperation");
    await world.emulator.clearFaults();
    world.setAround();
    for (const { operation } of [leaving, failing]) {
      await byHand(world, "retryOperation", { id: operation?.id });
    }
    expect((await tenantOf(world, "active")).status).toBe("OFFBOARDED");
    await expectClean(world, "unwinding");
  });

  it("is refused while only the read-back of an ACTIVE tenant is left", async () => {
    const key = "read-back";
    await world.emulator.failNext({
      match: { method: "GET", path: "/api/v1/webhooks/projects/*/" },
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const { operation } = await signUp(world, { key, ...place });
    await untilStatus(world, operation?.id, "PARKED");
    const answer = await byHand(world, "abortOperation", { id: operation?.id });
    expect(answer.message).toContain("off-board it instead");
    expect(await offers(world, operation?.id)).toEqual(["retryOperation", "skipStep readBack"]);
    const step = "readBack";
    const skipped = await byHand(world, "skipStep", {
      id: operation?.id,
      step,
      evidence: "Read it by hand.",
    });
    expect(skipped.tenant?.status).toBe("ACTIVE");
    expect((await untilStatus(world, operation?.id, "SUCCEEDED")).whatCanBeDone).toEqual([]);
  });
});

describe("retryOperation", () => {
  it("by two at once goes on once: the other is refused, and one event says ALLOWED", async () => {
    const key = "two-retries";
    await world.emulator.failNext({
      match: signUpSteps.createProject,
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const { operation } = await signUp(world, { key, ...place });
    const id = operation?.id;
    const both = await Promise.all([1, 2].map(() => byHand(world, "retryOperation", { id })));
    expect(both.map(({ __typename }) => __typename).toSorted()).toEqual([
      "OperationNotResumable",
      "RetryOperationPayload",
    ]);
    expect((await auditOf(world, id)).toSorted()).toEqual([
      "retryOperation ALLOWED",
      "retryOperation REFUSED OPERATION_NOT_RESUMABLE",
    ]);
    expect((await settled(world, key)).status).toBe("ACTIVE");
  });

  it("is audited without a reason, too, and of an operation that nobody knows", async () => {
    await world.emulator.failNext({
      match: signUpSteps.createProject,
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const { operation } = await signUp(world, { key: "no-reason" });
    await byHand(world, "retryOperation", { id: operation?.id, reason: null });
    const [event] = (await desk(world, operation?.id)).auditEvents;
    expect(event).toMatchObject({ actor: "admin", reason: "No reason was given.", decision: "ALLOWED" });
    await settled(world, "no-reason");
    const unknown = globalId("op_01jd0000000000000000000000");
    expect((await byHand(world, "retryOperation", { id: unknown })).__typename).toBe("OperationNotFound");
    const refused = await world.prisma.auditEvent.findFirstOrThrow({
      where: { refusal: "OPERATION_NOT_FOUND" },
    });
    expect(refused).toMatchObject({
      operationId: null,
      tenantId: null,
      details: { operation: "op_01jd0000000000000000000000" },
    });
  });
});
