import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database/connect.ts";
import { createOrganization } from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { NotYet, Unsettled } from "../../src/provisioning/failures.ts";
import { makeOrganization, removeTwinOrganizations } from "../../src/provisioning/organization.ts";
import type { Provisioning } from "../../src/provisioning/provisioning.ts";
import type { SagaContext } from "../../src/provisioning/saga.ts";
import { contextsOf, loadOperation } from "../../src/provisioning/saga-context.ts";
import { signUpSaga } from "../../src/provisioning/sign-up-tenant.ts";
import { newId } from "../../src/tenants/ids.ts";
import { abandonAttempt, claimCreate, recordUnknown } from "../../src/tenants/mapping.ts";
import { placeSchema } from "../../src/tenants/place.ts";
import { insertSignUp } from "../../src/tenants/tenant-store.ts";
import type { World } from "../world.ts";
import { createProvedWorld, settleMs } from "./whole-or-clean.ts";

/** Two processes that find the same lost create at the same moment: each has a pool and a client of its own. */

let world: World;
let other: Database;
let tenants = 0;

beforeAll(async () => {
  world = await createProvedWorld();
  other = await openDatabase(world.connectionString);
});
afterAll(async () => {
  await other.close();
  await world.close();
});

/** A client that is told of each request before it is sent and after it was answered. */
function watched(mem0: Mem0, tell: (when: "before" | "after", method: string) => Promise<unknown>): Mem0 {
  return {
    origin: mem0.origin,
    close: () => mem0.close(),
    clockOffsetMs: () => mem0.clockOffsetMs(),
    send: async (request) => {
      await tell("before", request.method);
      const answer = await mem0.send(request);
      await tell("after", request.method);
      return answer;
    },
  };
}

/** A process of its own: nothing that is shared within one is shared with another. */
function anotherProcess(tell: Parameters<typeof watched>[1]): Provisioning {
  const { provisioning } = world;
  return {
    ...provisioning,
    prisma: other.prisma,
    account: { ...provisioning.account },
    mem0: watched(provisioning.mem0, tell),
  };
}

/** A tenant whose create of the organization was lost long enough ago to be settled, or just now. */
async function lostSignUp(lostMsAgo: number) {
  tenants += 1;
  const key = `resolved-${tenants}`;
  const place = placeSchema.parse({ name: "Acme" });
  const operationId = newId("op");
  const { operation } = await insertSignUp(
    world.prisma,
    { actor: "test", kind: "SIGN_UP", idempotencyKey: key, input: { key, place } },
    {
      ...{ operationId, key, place, markerSecret: world.provisioning.markerSecret },
      steps: ["createOrganization"],
    },
  );
  // Nobody else may run it.
  await world.prisma.operation.update({ where: { id: operationId }, data: { status: "RUNNING" } });
  const organization = await world.prisma.resource.findFirstOrThrow({
    where: { tenantId: operation.tenantId, kind: "ORGANIZATION" },
  });
  const of = { resourceId: organization.id, operationId, step: "createOrganization" };
  const claim = await claimCreate(world.prisma, of);
  const attemptId = claim.is === "claimed" ? claim.attemptId : "";
  await recordUnknown(world.prisma, attemptId, "lost");
  const lostAt = new Date(Date.now() - lostMsAgo);
  await world.prisma.attempt.update({ where: { id: attemptId }, data: { finishedAt: lostAt } });
  return { of, attemptId, operationId, name: `Acme ·${organization.marker}` };
}

async function contextIn(provisioning: Provisioning, operationId: string): Promise<SagaContext<unknown>> {
  const operation = await loadOperation(provisioning.prisma, operationId);
  return contextsOf(provisioning, signUpSaga, operation, new Map())("createOrganization", 2);
}

/** Asks again where it is too early to tell, as the runner does; anything else that is thrown is thrown. */
async function insist<T>(deed: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await deed();
    } catch (error) {
      const isEarly = error instanceof Unsettled || error instanceof NotYet;
      if (!isEarly || tries === 10) throw error;
      if (error instanceof Unsettled) await sleep(Math.max(0, error.until.getTime() - Date.now()));
    }
  }
}

const livingOf = async (name: string) =>
  (await world.emulator.tables()).organizations
    .filter((row) => row.name === name)
    .map(({ org_id }) => org_id);

const deletesOf = async (orgId: string) =>
  (await world.emulator.requests({ contains: orgId })).requests.filter(({ method }) => method === "DELETE");

describe("two resolvers of one lost create", () => {
  it("end with one survivor, the same for both, and remove the twin once, however they interleave", async () => {
    const { mem0 } = world.provisioning;
    for (let round = 0; round < 50; round++) {
      const { operationId, name, of } = await lostSignUp(0);
      const first = await createOrganization(mem0, { name });
      const twin = await createOrganization(mem0, { name });
      const dawdle = () => sleep(Math.random() * 12);
      const contexts = await Promise.all(
        [anotherProcess(dawdle), { ...anotherProcess(dawdle), prisma: world.prisma }].map((process) =>
          contextIn(process, operationId),
        ),
      );
      const answers = await Promise.all(contexts.map((context) => insist(() => makeOrganization(context))));
      // The oldest; of two made in the same millisecond either.
      const survivor = answers[0] ?? "none";
      expect([first.orgId, twin.orgId]).toContain(survivor);
      expect(answers).toEqual([survivor, survivor]);
      expect(await livingOf(name)).toEqual([survivor]);
      const removed = survivor === first.orgId ? twin.orgId : first.orgId;
      expect(await deletesOf(removed)).toHaveLength(1);
      expect(await deletesOf(survivor)).toEqual([]);
      const mapped = await world.prisma.resource.findUniqueOrThrow({ where: { id: of.resourceId } });
      expect(mapped).toMatchObject({ state: "PRESENT", upstreamId: survivor, reason: null });
    }
  }, 60_000);

  it("in one process share what they see and end with one survivor, too", async () => {
    const { operationId, name } = await lostSignUp(0);
    for (const _ of ["one", "twin"]) await createOrganization(world.provisioning.mem0, { name });
    const context = await contextIn(world.provisioning, operationId);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => insist(() => makeOrganization(context))),
    );
    expect(new Set(answers).size).toBe(1);
    expect(await livingOf(name)).toEqual([answers[0]]);
  });

  it("make no second one when one adopts while the other gives the attempt up", async () => {
    const { operationId, name } = await lostSignUp(settleMs * 10);
    let landed = "";
    // The slower one has an empty list in its hands when the lost create lands and the other adopts it.
    const slow = await contextIn(
      anotherProcess(async (when, method) => {
        if (when !== "after" || method !== "GET" || landed !== "") return;
        landed = (await createOrganization(world.provisioning.mem0, { name })).orgId;
        expect(await makeOrganization(await contextIn(world.provisioning, operationId))).toBe(landed);
      }),
      operationId,
    );
    expect(await makeOrganization(slow)).toBe(landed);
    expect(await livingOf(name)).toEqual([landed]);
  });

  it("keep what the one adopted while the other was creating again, and the late look removes the other's", async () => {
    const { operationId, name, attemptId, of } = await lostSignUp(settleMs * 10);
    await abandonAttempt(world.prisma, attemptId);
    let landed = "";
    const slow = await contextIn(
      anotherProcess(async (when, method) => {
        if (when !== "before" || method !== "POST") return;
        landed = (await createOrganization(world.provisioning.mem0, { name })).orgId;
        expect(
          await insist(async () => makeOrganization(await contextIn(world.provisioning, operationId))),
        ).toBe(landed);
      }),
      operationId,
    );
    expect(await makeOrganization(slow)).toBe(landed);
    expect(await livingOf(name)).toHaveLength(2);
    const mapped = await world.prisma.resource.findUniqueOrThrow({ where: { id: of.resourceId } });
    expect(mapped).toMatchObject({ state: "PRESENT", upstreamId: landed });
    const { ambiguous } = await world.prisma.operation.findUniqueOrThrow({ where: { id: operationId } });
    expect(ambiguous).toBe(true);
    expect(await removeTwinOrganizations(await contextIn(world.provisioning, operationId))).toBe(1);
    expect(await livingOf(name)).toEqual([landed]);
  });

  it("who both remove the same twin at once end well, and it is removed", async () => {
    for (let round = 0; round < 10; round++) {
      const { operationId, name } = await lostSignUp(0);
      const first = await createOrganization(world.provisioning.mem0, { name });
      const context = await contextIn(world.provisioning, operationId);
      expect(await makeOrganization(context)).toBe(first.orgId);
      await createOrganization(world.provisioning.mem0, { name });
      const contexts = [
        context,
        await contextIn(
          anotherProcess(() => sleep(Math.random() * 8)),
          operationId,
        ),
      ];
      await Promise.all(contexts.map((each) => insist(() => removeTwinOrganizations(each))));
      expect(await livingOf(name)).toEqual([first.orgId]);
    }
  });
});
