import { afterAll, beforeAll, expect, it } from "vitest";
import { signUp, until } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectWhole, place } from "./whole-or-clean.ts";

/** Mem0 away for many sagas at once, with the circuit between. */

const sagas = 20;
const probeAfterMs = 300;

let world: World;

beforeAll(async () => {
  world = await createProvedWorld({
    breaker: { failuresInARow: 5, probeAfterMs, probeAfterMaxMs: 600 },
    timings: { twinCheckMs: 600_000 },
  });
});
afterAll(() => world.close());

it("an outage of Mem0 for many sagas at once costs it a few requests and no saga: each makes everything once", async () => {
  const keys = Array.from({ length: sagas }, (_, index) => `outage-${index}`);
  await world.emulator.failNext({ match: {}, fault: { kind: "drop" }, count: 10_000 });
  await world.emulator.clearRequests();
  await Promise.all(keys.map((key) => signUp(world, { key, ...place, waitMs: 0 })));
  const waiting = () =>
    world.prisma.operationStep.count({
      where: {
        name: "createOrganization",
        OR: [{ nextAttemptAt: { not: null } }, { operation: { status: "PARKED" } }],
        operation: { tenant: { key: { in: keys } } },
      },
    });
  await until(async () => (await waiting()) === sagas, "all of them wait");
  // Without the circuit each saga makes its attempts.
  const stopped = await world.prisma.operationStep.findMany({
    where: { errorMessage: { startsWith: "Mem0 was not asked for" } },
  });
  expect(stopped.length).toBeGreaterThan(0);
  // Whatever was under way when the circuit opened is over: from now on one request for each opening, a probe.
  const { requests: before } = await world.emulator.requests();
  const probes = await until(async () => {
    const { requests } = await world.emulator.requests();
    return requests.length >= before.length + 4 ? requests.slice(before.length) : null;
  }, "some probes have failed");
  const startedAt = probes.map(({ startedAtMs }) => startedAtMs).toSorted((a, b) => a - b);
  const gaps = startedAt.slice(1).map((at, index) => at - (startedAt[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(probeAfterMs - 20);

  await world.emulator.clearFaults();
  await until(async () => {
    await world.sweep();
    const active = await world.prisma.tenant.count({ where: { key: { in: keys }, status: "ACTIVE" } });
    return active === sagas;
  }, "all are ACTIVE");
  for (const key of keys) await expectWhole(world, key);
}, 60_000);
