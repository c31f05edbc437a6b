import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOperationWatch, defaultWatchLimits } from "../../src/provisioning/operation-watch.ts";
import { settled, signUp, until } from "../main-job.ts";
import { insertPlainOperation, moveOperation, touchStep } from "../plain-operation.ts";
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
    const operation = await insertPlainOperation(world);
    const gone = new AbortController();
    const waiting = world.watch.wait(operation.id, 60_000, gone.signal);
    gone.abort();
    await waiting;
    await world.watch.wait(operation.id, 60_000, gone.signal);
  });

  it("is told when the database cannot be asked", async () => {
    await world.prisma.$executeRaw`ALTER TABLE operation RENAME TO operation_elsewhere`;
    await expect(world.watch.wait("op_any", 60_000, null)).rejects.toThrow();
    await world.prisma.$executeRaw`ALTER TABLE operation_elsewhere RENAME TO operation`;
    await world.watch.wait("op_nobody_knows", 60_000, null);
  });
});

/** So long that no look in a test is a slow one. */
const never = 1_000_000_000;

/** A watch that never looks of its own accord, so that only an announcement lets its waiters go on. */
function createDeafWatch() {
  return createOperationWatch(world.prisma, world.feed, { ...defaultWatchLimits, slowLookMs: never });
}

/** Whether a promise has been fulfilled by now. */
function watchEnd(promise: Promise<void>) {
  const end = { isReached: false };
  void promise.then(() => {
    end.isReached = true;
  });
  return end;
}

describe("the watch", () => {
  it.each(["PARKED", "NEEDS_ATTENTION", "SUCCEEDED", "UNWOUND", "CANCELLED"] as const)(
    "lets a waiter go as soon as it is announced that the operation is %s",
    async (status) => {
      const operation = await insertPlainOperation(world, "OFFBOARD");
      const waiting = createDeafWatch().wait(operation.id, 60_000, null);
      await moveOperation(world, operation, status);
      world.feed.announce(operation.id);
      await waiting;
    },
  );

  it("lets a waiter for a sign-up go when the tenant is no longer PROVISIONING, and no other waiter", async () => {
    const [signingUp, chore] = [
      await insertPlainOperation(world),
      await insertPlainOperation(world, "ADD_WAITING_MEMBERS"),
    ];
    const watch = createDeafWatch();
    const waiting = watch.wait(signingUp.id, 60_000, null);
    const gone = new AbortController();
    const chores = watchEnd(watch.wait(chore.id, 60_000, gone.signal));
    for (const { id, tenantId } of [chore, signingUp]) {
      await world.prisma.tenant.update({
        where: { id: tenantId },
        data: { status: "ACTIVE", activatedAt: new Date() },
      });
      world.feed.announce(id);
    }
    await waiting;
    expect(chores.isReached).toBe(false);
    gone.abort();
    await until(async () => chores.isReached, "the other has gone");
  });

  it("keeps a waiter when something else has changed", async () => {
    const operation = await insertPlainOperation(world);
    const watch = createDeafWatch();
    const first = watchEnd(watch.wait(operation.id, 60_000, null));
    for (let index = 0; index < 3; index += 1) {
      await touchStep(world, operation);
      world.feed.announce(operation.id);
      // One who comes later is answered by a later query, which the first would have been answered by, too.
      await watch.wait("op_nobody_knows", 60_000, null);
    }
    expect(first.isReached).toBe(false);
    await moveOperation(world, operation, "PARKED");
    world.feed.announce(operation.id);
    await until(async () => first.isReached, "it is let go");
  });

  it("finds out by itself what was never announced", async () => {
    const operation = await insertPlainOperation(world);
    const waiting = world.watch.wait(operation.id, 60_000, null);
    await moveOperation(world, operation, "NEEDS_ATTENTION");
    await waiting;
  });

  it("does not take for its answer what was read before it was asked", async () => {
    const operation = await insertPlainOperation(world, "OFFBOARD");
    await moveOperation(world, operation, "NEEDS_ATTENTION");
    let isRead = false;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // Reads at once, and is slow to tell.
    const slow = world.prisma.$extends({
      query: {
        async $queryRaw({ args, query }) {
          const rows = await query(args);
          isRead = true;
          await held;
          return rows;
        },
      },
    });
    const watch = createOperationWatch(slow, world.feed, { ...defaultWatchLimits, slowLookMs: never });
    const before = watch.wait(operation.id, 60_000, null);
    await until(async () => isRead, "it is read");
    await moveOperation(world, operation, "QUEUED");
    const after = watchEnd(watch.wait(operation.id, 60_000, null));
    letGo();
    await before;
    // Whoever comes now is answered by a query after the one that the second waits for.
    await watch.wait("op_nobody_knows", 60_000, null);
    expect(after.isReached).toBe(false);
    await moveOperation(world, operation, "NEEDS_ATTENTION");
    world.feed.announce(operation.id);
    await until(async () => after.isReached, "it is let go");
  });

  it("goes on after its query was broken off by the database", async () => {
    const operation = await insertPlainOperation(world);
    const locker = new pg.Client({ connectionString: world.connectionString });
    await locker.connect();
    try {
      await locker.query("BEGIN; LOCK TABLE operation");
      const waiting = world.watch.wait(operation.id, 60_000, null);
      await until(async () => {
        const broken = await locker.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        );
        return broken.rowCount === 1;
      }, "the query hangs, and is broken off");
      await locker.query("COMMIT");
      await moveOperation(world, operation, "NEEDS_ATTENTION");
      await waiting;
    } finally {
      await locker.end();
    }
  });
});
