import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NeedsAttention, StepRefused, Unsettled } from "../../src/provisioning/failures.ts";
import { judge } from "../../src/provisioning/judge.ts";
import { defaultTimings } from "../../src/provisioning/provisioning.ts";
import { retry, settled, signUp, tenantOf, until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
afterEach(() => world.emulator.clearFaults());

const createProject = { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" };

describe("an operation that has to wait long", () => {
  it("is parked until the quota is renewed, and then goes on by itself", async () => {
    const resetAt = new Date(Date.now() + 4_000).toISOString();
    await world.emulator.failNext({
      match: createProject,
      fault: { kind: "quota", resetAt, eventType: "ADD" },
    });
    const answer = await signUp(world, { key: "quota" });
    expect(answer.operation?.status).toBe("PARKED");
    expect(answer.tenant?.status).toBe("PROVISIONING");
    await world.sweep();
    expect((await tenantOf(world, "quota")).operations.edges[0]?.node.status).toBe("PARKED");
    await until(async () => {
      await world.sweep();
      return (await tenantOf(world, "quota")).status === "ACTIVE";
    }, "the quota is renewed");
    const { steps } = (await settled(world, "quota")).operations.edges[0]?.node ?? { steps: [] };
    expect(steps.find(({ name }) => name === "createOrganization")?.attempts).toBe(1);
    expect(steps.find(({ name }) => name === "createProject")?.attempts).toBe(2);
  });

  it("is parked when it is throttled for longer than a run may wait, and goes on when told", async () => {
    await world.emulator.failNext({
      match: createProject,
      fault: { kind: "throttle", retryAfterSeconds: 3_600 },
    });
    const answer = await signUp(world, { key: "throttled" });
    expect(answer.operation?.status).toBe("PARKED");
    expect((await retry(world, answer.operation?.id ?? "")).tenant?.status).toBe("ACTIVE");
  });
});

describe("retryOperation", () => {
  it("refuses an operation that is not waiting for anybody", async () => {
    const answer = await signUp(world, { key: "done" });
    await settled(world, "done");
    expect(await retry(world, answer.operation?.id ?? "")).toMatchObject({
      __typename: "OperationNotResumable",
    });
  });

  it("refuses an id that is none of an operation", async () => {
    const answer = await signUp(world, { key: "other-id" });
    expect(await retry(world, answer.tenant?.id ?? "")).toMatchObject({ __typename: "OperationNotFound" });
    const unknown = Buffer.from("Operation:op_unknown").toString("base64");
    expect(await retry(world, unknown)).toMatchObject({ __typename: "OperationNotFound" });
  });
});

describe("judge", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const inMs = (ms: number) => new Date(now.getTime() + ms);

  it("waits for what may still settle without counting a failure, and parks when that is far off", () => {
    const soon = judge(new Unsettled(inMs(9_000), ""), 99, defaultTimings, now);
    expect(soon).toEqual({ is: "wait", ms: 9_000, counts: false });
    expect(judge(new Unsettled(inMs(31_000), ""), 1, defaultTimings, now)).toEqual({
      is: "park",
      until: inMs(31_000),
    });
  });

  it("does not wait for ever for what should have settled already", () => {
    const late = new Unsettled(now, "");
    expect(judge(late, 1, defaultTimings, now)).toMatchObject({ is: "wait", counts: true });
    expect(judge(late, defaultTimings.attemptsMax, defaultTimings, now)).toEqual({ is: "failed" });
  });

  it("gives up at once on what nobody can repeat", () => {
    expect(judge(new NeedsAttention(""), 1, defaultTimings, now)).toEqual({ is: "attention" });
    expect(judge(new StepRefused(""), 1, defaultTimings, now)).toEqual({ is: "failed" });
    expect(judge(new TypeError("a bug"), 1, defaultTimings, now)).toEqual({ is: "failed" });
  });
});
