import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { etaOf, type OperationUnderWay, type StepUnderWay } from "../../src/provisioning/eta.ts";
import { createStepDurations } from "../../src/provisioning/step-durations.ts";
import { settled, signUp, until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

const now = new Date("2026-11-22T12:00:00.000Z");

function later(ms: number): Date {
  return new Date(now.getTime() + ms);
}

const usualMs = new Map([
  ["createOrganization", 100],
  ["createProject", 50],
  ["addOrganizationMembers", 80],
  ["applySettings", 20],
  ["activate", 5],
  ["readBack", 200],
]);

/** A sign-up of which some steps are other than PENDING. */
function signUpWith(
  steps: Record<string, Partial<StepUnderWay>>,
  more: Partial<OperationUnderWay> = {},
): OperationUnderWay {
  const pending = { status: "PENDING", startedAt: null, nextAttemptAt: null } as const;
  return {
    ...{ kind: "SIGN_UP", status: "RUNNING", unwinding: false, resumeAt: null },
    steps: [...usualMs.keys()].map((name) => ({ name, ...pending, ...steps[name] })),
    ...more,
  };
}

const organizationDone = { createOrganization: { status: "SUCCEEDED" } } as const;

describe("the estimate", () => {
  it("adds up the longest step of each stage", () => {
    expect(etaOf(signUpWith({}, { status: "QUEUED" }), usualMs, now)).toEqual(later(100 + 80 + 20 + 5 + 200));
  });

  it("counts what is done no more, and of what runs only the rest", () => {
    const operation = signUpWith({
      ...organizationDone,
      addOrganizationMembers: { status: "RUNNING", startedAt: later(-70) },
      createProject: { status: "RUNNING", startedAt: later(-20) },
      applySettings: { status: "SKIPPED" },
    });
    expect(etaOf(operation, usualMs, now)).toEqual(later(30 + 5 + 200));
  });

  it("gives a step that takes longer than usual no negative rest", () => {
    const operation = signUpWith({ createOrganization: { status: "RUNNING", startedAt: later(-9_000) } });
    expect(etaOf(operation, usualMs, now)).toEqual(later(80 + 20 + 5 + 200));
  });

  it("waits for the next attempt of a step, and then gives it all its time", () => {
    const operation = signUpWith({
      createOrganization: { status: "RUNNING", startedAt: later(-9_000), nextAttemptAt: later(1_000) },
    });
    expect(etaOf(operation, usualMs, now)).toEqual(later(1_000 + 100 + 80 + 20 + 5 + 200));
  });

  it("begins when a parked operation goes on, and now when it should have", () => {
    const steps = {
      ...organizationDone,
      createProject: { status: "RUNNING", startedAt: later(-70) },
    } as const;
    const parked = (resumeAt: Date) => signUpWith(steps, { status: "PARKED", resumeAt });
    expect(etaOf(parked(later(60_000)), usualMs, now)).toEqual(later(60_000 + 80 + 20 + 5 + 200));
    expect(etaOf(parked(later(-60_000)), usualMs, now)).toEqual(later(80 + 20 + 5 + 200));
  });

  it("leaves out a tolerated failure, but not what the next run tries again", () => {
    const steps = { ...organizationDone, createProject: { status: "FAILED" } } as const;
    const short = new Map([...usualMs, ["addOrganizationMembers", 0]]);
    expect(etaOf(signUpWith(steps), short, now)).toEqual(later(20 + 5 + 200));
    expect(etaOf(signUpWith(steps, { status: "QUEUED" }), short, now)).toEqual(later(50 + 20 + 5 + 200));
  });

  it("is nothing where a step that is left is unknown, but what is done need not be known", () => {
    const without = (name: string) => new Map([...usualMs].filter(([other]) => other !== name));
    expect(etaOf(signUpWith({}), without("createProject"), now)).toBeNull();
    expect(etaOf(signUpWith(organizationDone), without("createOrganization"), now)).toEqual(later(305));
  });

  it.each([
    ["needs attention", { status: "NEEDS_ATTENTION" }],
    ["is being undone", { status: "UNWINDING", unwinding: true }],
    ["is parked while it is being undone", { status: "PARKED", unwinding: true, resumeAt: later(5) }],
    ["has succeeded", { status: "SUCCEEDED" }],
    ["is unwound", { status: "UNWOUND" }],
    ["was cancelled", { status: "CANCELLED" }],
  ] as const)("is nothing for an operation that %s", (_what, more) => {
    expect(etaOf(signUpWith({}, more), usualMs, now)).toBeNull();
  });
});

describe("the durations", () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.close());

  const etaDocument =
    "query ($id: ID!) { operation(id: $id) { status eta finishedAt steps { name usualMs } } }";
  interface EtaAnswer {
    readonly operation: {
      readonly eta: string | null;
      readonly steps: readonly { readonly name: string; readonly usualMs: number | null }[];
    };
  }

  it("say nothing before there are five, are read once for many, and then give the operation its estimate", async () => {
    const keys = ["one", "two", "three", "four", "five"];
    for (const key of keys.slice(0, 4)) {
      await signUp(world, { key });
      await settled(world, key);
    }
    expect((await createStepDurations(world.prisma).usualMs("SIGN_UP")).size).toBe(0);
    await signUp(world, { key: "five" });
    await settled(world, "five");
    const durations = createStepDurations(world.prisma);
    const [known, again] = [durations.usualMs("SIGN_UP"), durations.usualMs("SIGN_UP")];
    expect(again).toBe(known);
    const medians = await known;
    expect([...medians.keys()]).toEqual(
      expect.arrayContaining(["createOrganization", "createProject", "readBack"]),
    );
    expect(await durations.usualMs("OFFBOARD")).toEqual(new Map());

    const rows = await world.prisma.operationStep.findMany({ where: { name: "createProject" } });
    const taken = rows.map(({ startedAt, finishedAt }) => Number(finishedAt) - Number(startedAt));
    expect(medians.get("createProject")).toBeCloseTo(taken.toSorted((a, b) => a - b)[2] ?? -1, 3);

    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    world.setAround(async (_deed, proceed) => {
      await held;
      return proceed();
    });
    const { operation } = await signUp(world, { key: "six", waitMs: 0 });
    const answer = await world.send<EtaAnswer>(etaDocument, { id: operation?.id });
    expect(answer.operation.eta).toMatch(/^\d{4}-.*Z$/);
    expect(answer.operation.steps[0]).toMatchObject({
      name: "createOrganization",
      usualMs: expect.any(Number),
    });
    letGo();
    world.setAround();
    await settled(world, "six");
    await until(async () => {
      const { operation: ended } = await world.send<EtaAnswer>(etaDocument, { id: operation?.id });
      return ended.eta === null;
    }, "it has ended, and has no estimate any more");
  });

  it("are read anew after a failure", async () => {
    const durations = createStepDurations(world.prisma);
    await world.prisma.$executeRaw`ALTER TABLE operation_step RENAME TO operation_step_elsewhere`;
    await expect(durations.usualMs("SIGN_UP")).rejects.toThrow();
    await world.prisma.$executeRaw`ALTER TABLE operation_step_elsewhere RENAME TO operation_step`;
    expect((await durations.usualMs("SIGN_UP")).size).toBeGreaterThan(0);
  });
});
