import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Mem0Limited, Mem0Unanswered, type UnansweredReason } from "../../src/mem0/errors.ts";
import { NeedsAttention, NotYet, StepRefused, Unsettled } from "../../src/provisioning/failures.ts";
import { judge, type Standing } from "../../src/provisioning/judge.ts";
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

  const { attemptsMax, parkBaseMs, parkMaxMs } = defaultTimings;

  /** The verdict after the first failure, long before the deadline, unless said otherwise. */
  function verdict(error: unknown, standing: Partial<Standing> = {}) {
    return judge(
      error,
      { failures: 1, parks: 0, deadlineAt: inMs(900_000), now, ...standing },
      defaultTimings,
    );
  }

  const call = { message: "", method: "POST", path: "/" };
  const limited = (limit: { quotaResetAt?: Date; retryAfterMs?: number; isQuotaSpent?: boolean }) =>
    new Mem0Limited({
      ...{ ...call, isQuotaSpent: limit.quotaResetAt !== undefined, messages: [] },
      ...{ quotaResetAt: null, retryAfterMs: null, ...limit },
    });
  const unanswered = (init: { reason: UnansweredReason; retryAfterMs?: number }) =>
    new Mem0Unanswered({ ...call, status: null, hasLeft: true, ...init });
  const away = unanswered({ reason: "server-error" });

  it("waits for what may still settle without counting a failure, and parks when that is far off", () => {
    const soon = verdict(new Unsettled(inMs(9_000), ""), { failures: 99 });
    expect(soon).toEqual({ is: "wait", until: inMs(9_000), counts: false });
    const later = { is: "park", until: inMs(31_000), because: "told" };
    expect(verdict(new Unsettled(inMs(31_000), ""))).toEqual(later);
    expect(verdict(new Unsettled(inMs(31_000), ""), { deadlineAt: now })).toEqual(later);
  });

  it("does not wait for ever for what should have settled already", () => {
    const late = new Unsettled(now, "");
    expect(verdict(late)).toMatchObject({ is: "wait", counts: true });
    expect(verdict(late, { failures: attemptsMax })).toMatchObject({ is: "park", because: "unavailable" });
    expect(verdict(late, { deadlineAt: now })).toEqual({ is: "failed", isOutOfTime: true });
  });

  it("gives up at once on what nobody can repeat", () => {
    expect(verdict(new NeedsAttention(""))).toEqual({ is: "attention" });
    expect(verdict(new StepRefused(""))).toEqual({ is: "failed", isOutOfTime: false });
    expect(verdict(new TypeError("a bug"))).toEqual({ is: "failed", isOutOfTime: false });
  });

  it.each([
    ["Mem0 fails", away],
    ["Mem0 is not to be reached", unanswered({ reason: "connect" })],
    ["Mem0 says nothing in time", unanswered({ reason: "timeout" })],
    ["Mem0 throttles", limited({})],
    ["it does not show yet", new NotYet("")],
    ["our own database is away", Object.assign(new Error("away"), { code: "57P01" })],
  ])("repeats where %s, then parks, and gives up after the deadline alone", (_, error) => {
    expect(verdict(error)).toMatchObject({ is: "wait", counts: true });
    expect(verdict(error, { failures: attemptsMax })).toMatchObject({ is: "park", because: "unavailable" });
    expect(verdict(error, { deadlineAt: inMs(-1) })).toEqual({ is: "failed", isOutOfTime: true });
  });

  describe("at the upper end of chance", () => {
    beforeEach(() => void vi.spyOn(Math, "random").mockReturnValue(1));
    afterEach(() => void vi.restoreAllMocks());

    it("parks twice as long each time in a row, up to a bound, and not beyond the deadline", () => {
      const used = { failures: attemptsMax, deadlineAt: inMs(10 * parkMaxMs) };
      const parked = [0, 1, 2, 30].map((parks) => verdict(away, { ...used, parks }));
      expect(parked).toEqual(
        [parkBaseMs, parkBaseMs * 2, parkBaseMs * 4, parkMaxMs].map((ms) => ({
          ...{ is: "park", until: inMs(ms), because: "unavailable" },
        })),
      );
      expect(verdict(away, { ...used, deadlineAt: inMs(100) })).toMatchObject({ until: inMs(100) });
    });

    it("takes a Retry-After for the least, with chance on top of it", () => {
      const { retryBaseMs } = defaultTimings;
      expect(verdict(limited({ retryAfterMs: 3_000 }))).toEqual({
        ...{ is: "wait", until: inMs(3_000 + retryBaseMs), counts: true },
      });
      expect(verdict(limited({ retryAfterMs: 3_600_000 }))).toMatchObject({
        ...{ is: "park", until: inMs(3_600_000 + retryBaseMs), because: "told" },
      });
      const used = verdict(limited({ retryAfterMs: 20_000 }), { failures: attemptsMax });
      expect(used).toEqual({ is: "park", until: inMs(28_000), because: "unavailable" });
    });

    it("waits for an open circuit without counting, spread over as long again, and parks when that is far off", () => {
      const open = (retryAfterMs: number) => unanswered({ reason: "circuit-open", retryAfterMs });
      expect(verdict(open(5_000), { failures: 99 })).toEqual({
        ...{ is: "wait", until: inMs(10_000), counts: false },
      });
      expect(verdict(open(60_000))).toEqual({ is: "park", until: inMs(120_000), because: "unavailable" });
      expect(verdict(open(5_000), { deadlineAt: now })).toEqual({ is: "failed", isOutOfTime: true });
    });
  });

  it("parks for a quota until it is renewed, also after the deadline, but not for nonsense", () => {
    const inAWeek = inMs(7 * 86_400_000);
    const spent = limited({ quotaResetAt: inAWeek });
    expect(verdict(spent, { deadlineAt: now })).toEqual({ is: "park", until: inAWeek, because: "quota" });
    const never = verdict(limited({ quotaResetAt: new Date(8.64e15) }));
    expect(never).toEqual({ is: "park", until: inMs(400 * 86_400_000), because: "quota" });
  });

  it.each([
    ["should have been renewed already", limited({ quotaResetAt: inMs(-1) })],
    ["does not say when it is renewed", limited({ isQuotaSpent: true })],
  ])("does not spin on a quota that %s: it pauses for a minute, until the deadline", (_, spent) => {
    expect(verdict(spent)).toEqual({ is: "park", until: inMs(60_000), because: "told" });
    expect(verdict(spent, { deadlineAt: now })).toEqual({ is: "failed", isOutOfTime: true });
  });
});
