import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject } from "../../src/mem0/projects.ts";
import { openMem0 } from "../../src/mem0/request.ts";
import { projectThingId } from "../../src/schema/memory-ids.ts";
import { newId } from "../../src/tenants/ids.ts";
import { newToken } from "../access/token-rig.ts";
import { until } from "../main-job.ts";
import { type Placed, place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import { memoryCalls, type Names } from "./memory-calls.ts";
import {
  askedFor,
  call,
  type Inhabited,
  inhabit,
  inhabited,
  mem0IdIn,
  type OtherProcess,
  rowsOf,
  startProcess,
  user,
} from "./rig.ts";

/**
 * Two tenants in one organization, which no sign-up makes, and a platform whose key is of the one's project: nothing but the
 * pair of ids in the body keeps the other's calls out of it.
 */
let world: World;
let process: OtherProcess;
let host: Inhabited;
let guest: Inhabited;
let closeMem0: () => Promise<void>;

beforeAll(async () => {
  world = await createWorld();
  host = await inhabited(world);
  const mem0 = openMem0({ baseUrl: world.emulatorUrl, apiKey: host.apiKey });
  closeMem0 = () => mem0.close();
  process = await startProcess(world, { platform: { orgId: host.orgId, projectId: host.projectId, mem0 } });
  await until(async () => process.isListening(), "the process listens");
  const placed = await placeIn(host);
  const tag = `Guest${placed.projectId.slice(-8)}`;
  const names = await inhabit(process, world, { key: placed.key, tag });
  guest = { ...placed, tag, apiKey: "", keyId: "", names };
});
afterAll(async () => {
  await process?.close();
  await closeMem0?.();
  await world?.close();
});

/** A tenant whose project lies in another tenant's organization. */
async function placeIn(other: Placed): Promise<Placed> {
  const placed = await place(world);
  const { projectId } = await createProject(world.provisioning.mem0, other.orgId, { name: "guest" });
  const { prisma } = world;
  const hosts = await prisma.resource.findFirstOrThrow({
    where: { tenantId: other.tenantId, kind: "ORGANIZATION" },
  });
  const old = await prisma.resource.findFirstOrThrow({
    where: { tenantId: placed.tenantId, kind: "PROJECT", name: "main" },
  });
  await prisma.resource.update({ where: { id: old.id }, data: { name: "before" } });
  await prisma.resource.create({
    data: {
      ...{ id: newId("res"), tenantId: placed.tenantId, operationId: old.operationId, parentId: hosts.id },
      ...{ kind: "PROJECT", name: "main", desired: {}, state: "PRESENT", upstreamId: projectId },
    },
  });
  return { ...placed, orgId: other.orgId, projectId };
}

const needsBody = new Set([
  ...["memories", "searchMemories", "memoryExport", "addMemories", "updateMemory", "updateMemories"],
  ...["deleteMemories", "createMemoryExport", "giveMemoryFeedback"],
]);

describe("a tenant whose calls go by the key of a neighbour's project", () => {
  it("is there, and its neighbour is too, or else the rest of this file proves nothing", async () => {
    const [listing] = memoryCalls;
    if (listing === undefined) throw new Error("There are no calls.");
    for (const tenant of [host, guest]) {
      const { body } = await call(process, world, tenant, listing);
      expect(body).toContain(tenant.tag);
    }
  });

  it.each(memoryCalls)(
    "is told nothing of the neighbour's by $title, and changes nothing of it",
    async (one) => {
      const before = await rowsOf(world, host);
      const forged = (thing: "Memory" | "MemoryEvent" | "MemoryExport", id: string) =>
        projectThingId(world, thing, guest.tenantId, mem0IdIn(id));
      const namings = [
        {},
        host.names,
        {
          memory: forged("Memory", host.names.memory),
          event: forged("MemoryEvent", host.names.event),
          export: forged("MemoryExport", host.names.export),
        },
      ];
      for (const naming of namings) {
        await world.emulator.clearRequests();
        const told = await call(process, world, guest, one, { ...naming, text: guest.tag });
        expect(told.body).not.toContain(host.tag);
        expect(told.body).not.toContain("INTERNAL_SERVER_ERROR");
        expect(await rowsOf(world, host)).toBe(before);
        const asked = await askedFor(world, null);
        if (!needsBody.has(one.field)) {
          expect(told.code).toBe("MEMORY_ACCESS_MISSING");
          expect(asked).toBe("");
        }
        for (const line of asked.split("\n").filter((text) => text !== "")) {
          expect(line).toContain(guest.projectId);
        }
      }
      const rows = await rowsOf(world, guest);
      expect(rows).not.toContain(host.tag);
    },
  );

  it("is told at once what it began, without the event that its access cannot read, however long it would wait", async () => {
    const adding = memoryCalls.find(({ field }) => field === "addMemories");
    if (adding === undefined) throw new Error("Nothing adds memories.");
    const waiting = {
      ...adding,
      args: (names: Names) => ({ ...adding.args(names), infer: true, waitMs: 20_000 }),
    };
    const startedMs = performance.now();
    const { answer, body } = await call(process, world, guest, waiting);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(answer, body).toMatchObject({
      __typename: "AddMemoriesPayload",
      AddMemoriesPayload_eventId: expect.any(String),
      AddMemoriesPayload_event: null,
    });
  });

  it("changes by a token of one user nothing that it would have to read first, in another project than its own", async () => {
    const entity = { type: "USER", name: user };
    const { token } = await newToken(world, { kind: "TENANT", tenantKey: guest.key, entity });
    for (const field of ["updateMemory", "giveMemoryFeedback", "deleteMemory", "memory"]) {
      for (const one of memoryCalls.filter((each) => each.field === field)) {
        await world.emulator.clearRequests();
        const told = await call(process, { token }, guest, one);
        expect(told.code, told.body).toBe("MEMORY_ACCESS_MISSING");
        expect(await askedFor(world, null)).toBe("");
      }
    }
    for (const one of memoryCalls.filter(({ title }) => title === "memories" || title === "addMemories")) {
      const told = await call(process, { token }, guest, one, { text: guest.tag });
      expect(told.code, told.body).toBeNull();
      expect(await askedFor(world, null)).toContain(guest.projectId);
    }
  });

  it("is not reached by the neighbour, whose own key goes without such a pair", async () => {
    const ofGuest = await rowsOf(world, guest);
    for (const one of memoryCalls) {
      const forged = { memory: projectThingId(world, "Memory", host.tenantId, mem0IdIn(guest.names.memory)) };
      for (const naming of [guest.names, forged]) {
        const told = await call(process, world, host, one, { ...naming, text: host.tag });
        expect(told.body).not.toContain(guest.tag);
      }
      expect(await rowsOf(world, guest)).toBe(ofGuest);
    }
  });
});
