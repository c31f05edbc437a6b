import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freshKey, offboard, retry, settled, signUp, tenantOf, until } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectClean, place, settleMs, signUpSteps } from "./whole-or-clean.ts";

/** A request to cancel stands on the operation's row, written by somebody else while the saga runs. */

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

async function requestCancel(operationId: string): Promise<void> {
  await world.prisma.operation.update({
    where: { id: operationId },
    data: { cancelRequestedAt: new Date(), cancelReason: "Not wanted any more." },
  });
}

async function operationOf(key: string) {
  return world.prisma.operation.findFirstOrThrow({
    where: { tenant: { key } },
    orderBy: { id: "desc" },
    include: { steps: { orderBy: { position: "asc" } } },
  });
}

/** Asks to cancel while this step is in the middle of its deed. */
function cancelDuring(step: string): void {
  world.setAround(async (deed, proceed) => {
    if (deed.step === step && deed.direction === "invoke") await requestCancel(deed.operationId);
    return proceed();
  });
}

describe("a request to cancel", () => {
  it.each(["createOrganization", "createProject", "applySettings", "createWebhooks"])(
    "that comes during %s lets it finish, and is heeded before the next stage",
    async (step) => {
      const key = `during-${step}`;
      cancelDuring(step);
      const answer = await signUp(world, { key, ...place });
      expect(answer.operation?.reason).toBe("Cancelled: Not wanted any more.");
      await expectClean(world, key);
      const { steps } = await operationOf(key);
      expect(steps.find(({ name }) => name === step)).toMatchObject({
        status: "COMPENSATED",
        errorCode: null,
        output: expect.anything(),
      });
      const attempts = await world.prisma.attempt.findMany({
        where: { action: "CREATE", operation: { tenant: { key } } },
      });
      expect(attempts.every(({ outcome }) => outcome === "DONE")).toBe(true);
    },
  );

  it("that was there before the first step sends nothing, and closes the mapping", async () => {
    const key = "at-once";
    await world.emulator.clearRequests();
    await world.prisma.$executeRawUnsafe(`
      CREATE FUNCTION cancel_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.cancel_requested_at := now(); NEW.cancel_reason := 'Not wanted.'; RETURN NEW; END $$`);
    await world.prisma.$executeRawUnsafe(
      "CREATE TRIGGER cancel_at_once BEFORE INSERT ON operation FOR EACH ROW EXECUTE FUNCTION cancel_at_once()",
    );
    const answer = await signUp(world, { key, ...place });
    await world.prisma.$executeRawUnsafe("DROP TRIGGER cancel_at_once ON operation");
    expect(answer.operation?.reason).toBe("Cancelled: Not wanted.");
    await expectClean(world, key);
    expect((await world.emulator.requests()).requests).toEqual([]);
    const { steps } = await operationOf(key);
    expect(steps.slice(1).every(({ status }) => status === "PENDING")).toBe(true);
  });

  it("is heeded while a step waits for its next attempt", async () => {
    const key = "waiting";
    await world.emulator.failNext({
      match: signUpSteps.createProject,
      fault: { kind: "throttle", retryAfterSeconds: 25 },
    });
    await signUp(world, { key, ...place, waitMs: 0 });
    const { id } = await until(async () => {
      const found = await operationOf(key);
      return found.steps.some(({ nextAttemptAt }) => nextAttemptAt !== null) ? found : null;
    }, "a step waits");
    await requestCancel(id);
    // `settled` gives up after ten seconds, long before the attempt that was waited for.
    await settled(world, key);
    await expectClean(world, key);
    expect((await operationOf(key)).steps.every(({ nextAttemptAt }) => nextAttemptAt === null)).toBe(true);
  });

  it.each(["createOrganization", "createProject"] as const)(
    "finds out what became of a %s whose answer was lost, before it is undone",
    async (step) => {
      const key = `lost-${step}`;
      const fault = { kind: "drop-then-do", afterMs: settleMs / 2 } as const;
      await world.emulator.failNext({ match: signUpSteps[step], fault });
      cancelDuring(step);
      await signUp(world, { key, ...place });
      await expectClean(world, key);
    },
  );

  it("of a parked operation is heeded by its next run, before anything else is done", async () => {
    const key = "parked";
    await world.emulator.failNext({
      match: signUpSteps.createProject,
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const parked = await signUp(world, { key, ...place });
    expect(parked.operation?.status).toBe("PARKED");
    await requestCancel((await operationOf(key)).id);
    expect((await retry(world, parked.operation?.id ?? "")).operation?.status).toBe("UNWOUND");
    await expectClean(world, key);
  });

  it.each(["activate", "readBack"])("that comes during %s is too late", async (step) => {
    const key = `late-${step}`;
    cancelDuring(step);
    await signUp(world, { key, ...place });
    const tenant = await settled(world, key);
    expect(tenant.status).toBe("ACTIVE");
    expect(tenant.operations.edges[0]?.node.status).toBe("SUCCEEDED");
  });

  it("does not stop what is being undone already", async () => {
    const key = "going-back";
    world.setAround(async (deed, proceed) => {
      if (deed.direction === "compensate") await requestCancel(deed.operationId);
      if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
      return proceed();
    });
    const answer = await signUp(world, { key, ...place });
    expect(answer.operation?.reason).toMatch(/^activate: /);
    await expectClean(world, key);
  });

  it("does not stop an off-boarding, which only goes forward", async () => {
    const key = "leaves";
    await signUp(world, { key, ...place });
    await settled(world, key);
    cancelDuring("deleteWebhooks");
    await offboard(world, { key, idempotencyKey: freshKey() });
    expect((await tenantOf(world, key)).status).toBe("OFFBOARDED");
  });
});
