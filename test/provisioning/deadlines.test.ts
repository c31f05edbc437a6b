import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Operation, OperationStep } from "../../src/generated/prisma/client.ts";
import { defaultTimings } from "../../src/provisioning/provisioning.ts";
import { parkOperation } from "../../src/tenants/operation-store.ts";
import { offboard, retry, settled, signUp, tenantOf, until } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectClean, expectWhole, place } from "./whole-or-clean.ts";

/** How long an operation and its steps are tried, when Mem0 is away for longer than a run makes attempts. */

let world: World;

beforeAll(async () => {
  // What is ambiguous here is not looked after within the test.
  world = await createProvedWorld({ timings: { twinCheckMs: 600_000 } });
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const { stepDeadlineMs, operationDeadlineMs } = defaultTimings;
const projectsPath = "/api/v1/orgs/organizations/*/projects/";
const failing = { kind: "fail-500" } as const;

type Rows = Operation & { readonly steps: readonly OperationStep[] };

/** The newest operation of a tenant, as its rows say. */
async function rowsOf(key: string): Promise<Rows> {
  return world.prisma.operation.findFirstOrThrow({
    where: { tenant: { key } },
    orderBy: { id: "desc" },
    include: { steps: { orderBy: { position: "asc" } } },
  });
}

function stepOf(rows: Rows, name: string): OperationStep {
  const step = rows.steps.find((found) => found.name === name);
  if (step === undefined) throw new Error(`No step ${name}.`);
  return step;
}

/** Sweeps until the newest operation of a tenant is in this status. */
async function sweptTo(key: string, status: string): Promise<Rows> {
  return until(async () => {
    await world.sweep();
    const rows = await rowsOf(key);
    return rows.status === status ? rows : null;
  }, `${key} is ${status}`);
}

/** Signs up while Mem0 answers nothing about projects, so that the operation is parked at `createProject`. */
async function parkedSignUp(key: string): Promise<Rows> {
  await world.emulator.failNext({ match: { path: projectsPath }, fault: failing, count: 1_000 });
  const answer = await signUp(world, { key, ...place, members: [] });
  expect(answer.operation?.status).toBe("PARKED");
  return rowsOf(key);
}

/** From now on the next look at projects fails, once. */
async function failOneLook(): Promise<void> {
  await world.emulator.clearFaults();
  await world.emulator.failNext({ match: { method: "GET", path: projectsPath }, fault: failing });
}

/** The rows as they are when a step, or its operation, has been tried for as long as it may be. */
async function letTimeRunOut(what: "operation" | "operation_step", operationId: string): Promise<void> {
  await (what === "operation"
    ? world.prisma.$executeRaw`UPDATE operation SET deadline_at = now() WHERE id = ${operationId}`
    : world.prisma.$executeRaw`
      UPDATE operation_step SET deadline_at = now() WHERE operation_id = ${operationId} AND finished_at IS NULL`);
}

function msBetween(from: Date | null, to: Date | null): number {
  if (from === null || to === null) throw new Error("A time is missing.");
  return to.getTime() - from.getTime();
}

describe("an outage that is longer than a run makes attempts", () => {
  it("parks the operation again and again, and the sweep goes on with it until the tenant is ACTIVE", async () => {
    const parked = await parkedSignUp("outage");
    expect(parked).toMatchObject({ parks: 1, unwinding: false });
    expect(parked.reason).toContain(`createProject: Mem0 failed at`);
    expect(parked.reason).toContain(`It goes on at ${parked.resumeAt?.toISOString()}.`);
    expect(stepOf(parked, "createProject")).toMatchObject({ status: "RUNNING", nextAttemptAt: null });
    await until(async () => {
      await world.sweep();
      return (await rowsOf("outage")).parks >= 3;
    }, "it was parked three times in a row");
    await world.emulator.clearFaults();
    const done = await sweptTo("outage", "SUCCEEDED");
    expect(done).toMatchObject({ parks: 0 });
    expect(done.run).toBeGreaterThanOrEqual(4);
    expect((await tenantOf(world, "outage")).status).toBe("ACTIVE");
    // The deadlines are those of the first start, whatever came in between.
    expect(done.deadlineAt).toEqual(parked.deadlineAt);
    expect(stepOf(done, "createProject").deadlineAt).toEqual(stepOf(parked, "createProject").deadlineAt);
  });

  it("counts parks in a row anew when a step gets done", async () => {
    const { id } = await parkedSignUp("in-a-row");
    // As after a long outage.
    await world.prisma.operation.update({ where: { id }, data: { parks: 1_000 } });
    await world.emulator.clearFaults();
    await world.emulator.failNext({
      match: { method: "PATCH", path: `${projectsPath}*/` },
      fault: failing,
      count: 1_000,
    });
    const parked = await until(async () => {
      await world.sweep();
      const rows = await rowsOf("in-a-row");
      return stepOf(rows, "applySettings").status === "RUNNING" && rows.status === "PARKED" ? rows : null;
    }, "it is parked at the settings");
    expect(stepOf(parked, "createProject").status).toBe("SUCCEEDED");
    expect(parked.parks).toBeLessThan(1_000);
    await world.emulator.clearFaults();
    await sweptTo("in-a-row", "SUCCEEDED");
  });
});

describe("a deadline", () => {
  it("is an absolute time on the row of the operation and of each step that has begun", async () => {
    const before = Date.now();
    const rows = await parkedSignUp("absolute");
    const { startedAt, deadlineAt } = stepOf(rows, "createProject");
    expect(Math.abs(msBetween(startedAt, deadlineAt) - stepDeadlineMs)).toBeLessThan(1_000);
    expect(msBetween(new Date(before), rows.deadlineAt)).toBeGreaterThanOrEqual(operationDeadlineMs);
    expect(msBetween(new Date(), rows.deadlineAt)).toBeLessThanOrEqual(operationDeadlineMs);
    expect(stepOf(rows, "activate").deadlineAt).toBeNull();
    await world.emulator.clearFaults();
    await sweptTo("absolute", "SUCCEEDED");
  });

  it.each([
    [
      "operation_step",
      /^createProject: Given up after 15 min and \d+ attempts\. The last error: Mem0 failed/,
    ],
    [
      "operation",
      /^createProject: Given up after \d+ attempts, since the whole operation was tried for 60 min\./,
    ],
  ] as const)(
    "of the %s that is over undoes a sign-up at the next failure, and says how long it was tried",
    async (what, reason) => {
      const key = `over-${what}`;
      const { id } = await parkedSignUp(key);
      await failOneLook();
      await letTimeRunOut(what, id);
      const unwound = await sweptTo(key, "UNWOUND");
      expect(unwound.reason).toMatch(reason);
      await expectClean(world, key);
    },
  );

  it("that is over does no harm to what succeeds", async () => {
    const { id } = await parkedSignUp("just-in-time");
    await world.emulator.clearFaults();
    await letTimeRunOut("operation_step", id);
    await sweptTo("just-in-time", "SUCCEEDED");
  });

  it("is a new one for the way back; when that is over, too, it calls for attention, and goes on when told", async () => {
    const key = "undoing";
    const deletion = { method: "DELETE", path: "/api/v1/orgs/organizations/*/" };
    await world.emulator.failNext({ match: deletion, fault: failing, count: 1_000 });
    const seen: Awaited<ReturnType<typeof rowsOf>>[] = [];
    world.setAround(async (deed, proceed) => {
      if (deed.step !== "activate" || deed.direction !== "invoke") return proceed();
      seen.push(await rowsOf(key));
      throw new Error("Fails at the end.");
    });
    await signUp(world, { key, ...place });
    const parked = await rowsOf(key);
    expect(parked).toMatchObject({ status: "PARKED", unwinding: true });
    const step = stepOf(parked, "createOrganization");
    expect(step.status).toBe("COMPENSATING");
    const [onTheWayThere] = seen;
    if (onTheWayThere === undefined) throw new Error("It never came to the end.");
    const before = stepOf(onTheWayThere, "createOrganization");
    expect(msBetween(before.deadlineAt, step.deadlineAt)).toBeGreaterThan(0);
    expect(msBetween(onTheWayThere.deadlineAt, parked.deadlineAt)).toBeGreaterThan(0);

    await letTimeRunOut("operation_step", parked.id);
    const stuck = await sweptTo(key, "NEEDS_ATTENTION");
    expect(stuck.reason).toMatch(/^Undoing createOrganization: Given up after 15 min and \d+ attempts\./);
    await world.emulator.clearFaults();
    const id = (await tenantOf(world, key)).operations.edges[0]?.node.id ?? "";
    expect((await retry(world, id)).operation?.status).toBe("UNWOUND");
    await expectClean(world, key);
  });

  it("that is over stops an off-boarding, which calls for attention", async () => {
    const key = "leaving";
    await signUp(world, { key });
    await settled(world, key);
    const deletion = { method: "DELETE", path: projectsPath.concat("*/") };
    await world.emulator.failNext({ match: deletion, fault: failing, count: 1_000 });
    expect((await offboard(world, { key })).operation?.status).toBe("PARKED");
    await letTimeRunOut("operation", (await rowsOf(key)).id);
    const stuck = await sweptTo(key, "NEEDS_ATTENTION");
    expect(stuck.reason).toMatch(/^deleteProject: Given up .* the whole operation was tried for 60 min\./);
    await world.emulator.clearFaults();
    const id = (await tenantOf(world, key)).operations.edges[0]?.node.id ?? "";
    expect((await retry(world, id)).tenant?.status).toBe("OFFBOARDED");
  });

  it("is a fresh one when a person says that it shall go on", async () => {
    const { id, deadlineAt } = await parkedSignUp("told");
    await failOneLook();
    await letTimeRunOut("operation", id);
    await letTimeRunOut("operation_step", id);
    const graphqlId = (await tenantOf(world, "told")).operations.edges[0]?.node.id ?? "";
    expect((await retry(world, graphqlId)).tenant?.status).toBe("ACTIVE");
    expect((await world.emulator.faults())[0]?.fired).toBe(1);
    const rows = await rowsOf("told");
    expect(rows.parks).toBe(0);
    expect(msBetween(deadlineAt, rows.deadlineAt)).toBeGreaterThan(0);
    await sweptTo("told", "SUCCEEDED");
  });

  it("is put off by as long as it is parked for a spent quota, and once", async () => {
    const resetAt = new Date(Date.now() + 3_600_000);
    await world.emulator.failNext({
      match: { method: "POST", path: projectsPath },
      fault: { kind: "quota", resetAt: resetAt.toISOString(), eventType: "ADD" },
    });
    await signUp(world, { key: "spent" });
    const parked = await rowsOf("spent");
    expect(parked).toMatchObject({ status: "PARKED", resumeAt: resetAt, parks: 0 });
    expect(parked.reason).toContain(resetAt.toISOString());
    const parkedMs = msBetween(parked.updatedAt, resetAt);
    const { startedAt, deadlineAt } = stepOf(parked, "createProject");
    const putOff = [
      msBetween(startedAt, deadlineAt) - stepDeadlineMs,
      msBetween(parked.startedAt, parked.deadlineAt) - operationDeadlineMs,
    ];
    for (const ms of putOff) expect(Math.abs(ms - parkedMs)).toBeLessThan(1_000);
    const done = stepOf(parked, "createOrganization");
    expect(msBetween(done.startedAt, done.deadlineAt)).toBeLessThan(stepDeadlineMs + 1_000);

    // As a process that takes the run over would park it again.
    const again = { resumeAt: resetAt, reason: "again", isForQuota: true, isCounted: true };
    await parkOperation(world.prisma, parked.id, parked.run, again);
    expect(await rowsOf("spent")).toEqual(parked);
    await world.prisma.$executeRaw`UPDATE operation SET resume_at = now() WHERE id = ${parked.id}`;
    await sweptTo("spent", "SUCCEEDED");
  });
});

describe("the row of a step", () => {
  it("says when its next attempt is due, as long as that is waited for", async () => {
    const throttled = { kind: "throttle", retryAfterSeconds: 1 } as const;
    const match = { method: "POST", path: "/api/v1/orgs/organizations/" };
    await world.emulator.failNext({ match, fault: throttled });
    const asked = new Date();
    await signUp(world, { key: "due", waitMs: 0 });
    const waiting = await until(async () => {
      const step = stepOf(await rowsOf("due"), "createOrganization");
      return step.nextAttemptAt === null ? null : step;
    }, "its next attempt is waited for");
    expect(waiting).toMatchObject({ status: "RUNNING", errorCode: "Mem0Limited", upstreamCalls: 1 });
    expect(msBetween(asked, waiting.nextAttemptAt)).toBeGreaterThanOrEqual(1_000);
    await settled(world, "due");
    const step = stepOf(await rowsOf("due"), "createOrganization");
    expect(step).toMatchObject({ status: "SUCCEEDED", nextAttemptAt: null, upstreamCalls: 2, attempts: 2 });
  });

  it("counts what was put on the wire for it, over all attempts and in both directions", async () => {
    const key = "counted";
    await world.emulator.clearRequests();
    await world.emulator.failNext({ match: { method: "POST", path: projectsPath }, fault: failing });
    await world.emulator.failNext({
      match: { method: "DELETE", path: "/api/v1/orgs/organizations/*/" },
      fault: { kind: "do-then-drop" },
    });
    world.setAround((deed, proceed) => {
      if (deed.step === "activate" && deed.direction === "invoke") throw new Error("Fails at the end.");
      return proceed();
    });
    await signUp(world, { key, ...place });
    await expectClean(world, key);
    const { steps } = await rowsOf(key);
    const { requests } = await world.emulator.requests();
    const told = steps.reduce((sum, { upstreamCalls }) => sum + upstreamCalls, 0);
    expect(told).toBe(requests.length);
    expect(stepOf(await rowsOf(key), "activate").upstreamCalls).toBe(0);
    expect(stepOf(await rowsOf(key), "applySettings").upstreamCalls).toBe(1);
  });

  it("has one request on the wire for each step of a plain sign-up", async () => {
    await signUp(world, { key: "plain", ...place });
    await expectWhole(world, "plain");
    const { steps } = await rowsOf("plain");
    const counts = steps.filter(({ name }) => name !== "readBack").map((step) => step.upstreamCalls);
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 0]);
  });
});
