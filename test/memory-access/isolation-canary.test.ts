import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type CanaryWork,
  checkIsolation,
  startIsolationCanary,
} from "../../src/memory-access/isolation-canary.ts";
import { type ProofWork, proveDue } from "../../src/memory-access/proofs.ts";
import { sealedForOf } from "../../src/memory-access/sealed-for.ts";
import { seal } from "../../src/memory-access/sealed-secret.ts";
import { Secret } from "../../src/memory-access/secret.ts";
import { claimDueProofs, recordProof } from "../../src/tenants/key-proofs.ts";
import { keptLog } from "../isolation/rig.ts";
import { until } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { accessOf, attach, attachNew, type Placed, place } from "./key-rig.ts";

let world: World;
let proofs: ProofWork;

beforeAll(async () => {
  world = await createWorld();
  const { ring } = world.projectKeys;
  if (ring === null) throw new Error("The world has no key ring.");
  proofs = { ...world.projectKeys, ring };
});
afterAll(() => world?.close());
afterEach(() => world.emulator.clearFaults());

interface Canaries extends CanaryWork {
  readonly one: Placed & { readonly apiKey: string };
  readonly other: Placed & { readonly apiKey: string };
  readonly logged: () => string;
}

async function canaries(): Promise<Canaries> {
  const [one, other] = [await place(world), await place(world)];
  const { log, text } = keptLog();
  return {
    one: { ...one, apiKey: (await attachNew(world, one)).apiKey },
    other: { ...other, apiKey: (await attachNew(world, other)).apiKey },
    ...{ prisma: world.prisma, door: world.door, log, logged: text },
    tenantKeys: [one.key, other.key],
  };
}

const rowOf = ({ tenantId }: Placed) =>
  world.prisma.projectKey.findFirstOrThrow({ where: { tenantId, retiresAt: null } });

/** Lets a tenant's stored key be one of another's project, which no way of ours does. */
async function misplace(reader: Placed, apiKey: string): Promise<void> {
  const { id } = await rowOf(reader);
  const sealedKey = await seal(proofs.ring, new Secret(apiKey), sealedForOf({ owner: "PROJECT", id }));
  await world.prisma.$executeRaw`
    UPDATE project_key SET sealed_key = ${JSON.stringify(sealedKey)}::jsonb WHERE id = ${id}`;
  world.door.forget(reader.tenantId);
}

async function breaches(): Promise<readonly { tenantKey: string; because: string }[]> {
  const { installation } = await world.send<{
    installation: { isolationBreaches: { tenantKey: string; because: string }[] };
  }>("{ installation { isolationBreaches { tenantKey because } } }");
  return installation.isolationBreaches;
}

const memoriesIn = async (...places: readonly Placed[]) =>
  (await world.emulator.tables()).memories.filter(({ project_id }) =>
    places.some(({ projectId }) => projectId === project_id),
  );

describe("the isolation canary", () => {
  it("writes as each and looks as the other, finds nothing between tenants, and leaves nothing", async () => {
    const work = await canaries();
    await world.emulator.clearRequests();
    expect(await checkIsolation(work)).toBe("CLEAR");
    const { requests } = await world.emulator.requests();
    const count = (path: string) => requests.filter((request) => request.path === path).length;
    expect([count("/v3/memories/add/"), count("/v3/memories/search/")]).toEqual([2, 2]);
    // Each was shown to its own tenant, and looked for in the other's list.
    expect(count("/v3/memories/")).toBe(4);
    expect(await memoriesIn(work.one, work.other)).toEqual([]);
    expect((await accessOf(world, work.one.key)).state).toBe("BOUND_KEY");
    expect(await breaches()).toEqual([]);
  });

  it("raises the alarm when memories cross, and closes both doors until a person attaches a key", async () => {
    const work = await canaries();
    const { one, other } = work;
    await misplace(other, one.apiKey);
    expect(await checkIsolation(work)).toBe("BREACHED");

    const line = work
      .logged()
      .split("\n")
      .find((text) => text.includes("ISOLATION_BREACH"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ level: 50, seenBy: ["search", "list"] });
    const events = await world.prisma.auditEvent.findMany({
      where: { action: "isolationBreach", tenantId: { in: [one.tenantId, other.tenantId] } },
    });
    expect(events.map(({ actor }) => actor)).toEqual(["loci", "loci"]);
    expect((await breaches()).map(({ tenantKey }) => tenantKey)).toEqual([one.key, other.key].toSorted());
    for (const { key, tenantId } of [one, other]) {
      expect(await accessOf(world, key)).toMatchObject({ state: "REFUTED" });
      await expect(world.door.open(tenantId, "with-body")).rejects.toThrow("ISOLATION_BREACH");
    }
    expect(await memoriesIn(one, other)).toEqual([]);

    // The key of the one is right, and ping would say so.
    await proveDue(proofs);
    expect((await accessOf(world, one.key)).state).toBe("REFUTED");
    await attach(world, { tenantKey: one.key, apiKey: one.apiKey });
    expect((await accessOf(world, one.key)).state).toBe("BOUND_KEY");
    expect((await breaches()).map(({ tenantKey }) => tenantKey)).toEqual([other.key]);
    await attachNew(world, other);
    expect(await breaches()).toEqual([]);
    expect(await checkIsolation(work)).toBe("CLEAR");
  });

  it("keeps its doors closed to a proof that was under way when they were closed", async () => {
    const work = await canaries();
    const { id } = await rowOf(work.one);
    await world.prisma.$executeRaw`UPDATE project_key SET proof_due_at = now() WHERE id = ${id}`;
    const task = (await claimDueProofs(world.prisma, 50)).find((claimed) => claimed.id === id);
    if (task === undefined) throw new Error("The proof is not due.");
    await misplace(work.other, work.one.apiKey);
    expect(await checkIsolation(work)).toBe("BREACHED");
    expect(await recordProof(world.prisma, task, { is: "PROVED" }, new Date())).toBe(false);
    expect((await rowOf(work.one)).state).toBe("REFUTED");
  });

  it("says that nothing could be told, and closes nothing, when Mem0 does not answer or a tenant is gone", async () => {
    const work = await canaries();
    await world.emulator.failNext({
      match: { path: "/v3/memories/search/" },
      fault: { kind: "refuse", status: 500, body: {} },
      count: 2,
    });
    expect(await checkIsolation(work)).toBe("UNTOLD");
    expect((await accessOf(world, work.one.key)).state).toBe("BOUND_KEY");
    expect(await memoriesIn(work.one, work.other)).toEqual([]);
    expect(await checkIsolation({ ...work, tenantKeys: [work.one.key, "nobody"] })).toBe("UNTOLD");
    expect(work.logged()).not.toMatch(/canary[0-9a-f]{24}/);
  });

  it("looks by itself until it is stopped", async () => {
    const work = await canaries();
    await misplace(work.other, work.one.apiKey);
    const canary = startIsolationCanary({ ...work, everyMs: 50 });
    const isClosed = async () => (await accessOf(world, work.other.key)).state === "REFUTED";
    await until(isClosed, "it has looked, and closed the door");
    await canary.stop();
  });
});
