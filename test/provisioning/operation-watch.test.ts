import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOperationWatch } from "../../src/provisioning/operation-watch.ts";
import { settled, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("a mutation's waitMs", () => {
  it("keeps each of many callers, who come one after the other, until their own tenant is ACTIVE", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 7));
        return signUp(world, { key: `many-${index}` });
      }),
    );
    expect(new Set(answers.map(({ tenant }) => tenant?.status))).toEqual(new Set(["ACTIVE"]));
    await Promise.all(answers.map((_, index) => settled(world, `many-${index}`)));
  });

  it("ends when its time is up, with the operation as far as it has got", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createProject") await held;
      return proceed();
    });
    const answer = await signUp(world, { key: "short", waitMs: 50 });
    expect(answer.tenant?.status).toBe("PROVISIONING");
    release();
    world.setAround();
    await settled(world, "short");
  });

  it("ends when its caller has gone", async () => {
    const operationId = (await world.prisma.operation.findFirstOrThrow()).id;
    await world.prisma.operation.update({
      where: { id: operationId },
      data: { status: "QUEUED", finishedAt: null },
    });
    await world.prisma.$executeRaw`ALTER TABLE tenant DISABLE TRIGGER tenant_guard`;
    await world.prisma.tenant.updateMany({ data: { status: "PROVISIONING", activatedAt: null } });
    const gone = new AbortController();
    const waiting = createOperationWatch(world.prisma).wait(operationId, 60_000, gone.signal);
    gone.abort();
    await waiting;
    await world.prisma.$executeRaw`ALTER TABLE tenant ENABLE TRIGGER tenant_guard`;
  });

  it("is told when the database cannot be asked", async () => {
    const watch = createOperationWatch(world.prisma);
    await world.prisma.$executeRaw`ALTER TABLE operation RENAME TO operation_elsewhere`;
    await expect(watch.wait("op_any", 60_000, null)).rejects.toThrow();
    await world.prisma.$executeRaw`ALTER TABLE operation_elsewhere RENAME TO operation`;
    await watch.wait("op_nobody_knows", 60_000, null);
  });
});
