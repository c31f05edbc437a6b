import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { organizationsBearing, SharedReads } from "../../src/provisioning/one-list.ts";
import { offboard, settled, signUp, tenantOf } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import { signUpSteps } from "./whole-or-clean.ts";

/** A read that ends when it is told to, and counts. */
function heldReads() {
  const begun: { succeed(result: string): void; fail(): void }[] = [];
  const read = () =>
    new Promise<string>((resolve, reject) => {
      begun.push({ succeed: resolve, fail: () => reject(new Error("No list.")) });
    });
  return { begun, read };
}

describe("reads that many share", () => {
  it("begin at once where none is under way, and once for all who ask meanwhile", async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>();
    const first = reads.ask("a", read);
    const later = [reads.ask("a", read), reads.ask("a", read), reads.ask("a", read)];
    expect(begun).toHaveLength(1);
    begun[0]?.succeed("old");
    expect(await first).toBe("old");
    later.push(reads.ask("a", read));
    await vi.waitFor(() => expect(begun).toHaveLength(2));
    begun[1]?.succeed("new");
    expect(await Promise.all(later)).toEqual(["new", "new", "new", "new"]);
  });

  it("never answer with a read that began before it was asked for", async () => {
    const reads = new SharedReads<number>();
    let beginnings = 0;
    const read = async () => {
      beginnings += 1;
      const began = beginnings;
      await sleep(Math.random() * 3);
      return began;
    };
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        await sleep(Math.random() * 60);
        const before = beginnings;
        expect(await reads.ask("a", read)).toBeGreaterThan(before);
      }),
    );
    expect(beginnings).toBeLessThan(300);
    expect(reads.size).toBe(0);
  });

  it("fail for all who share them, and not for those who come after", async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>();
    const first = reads.ask("a", read);
    const second = [reads.ask("a", read), reads.ask("a", read)];
    begun[0]?.fail();
    await expect(first).rejects.toThrow("No list.");
    await vi.waitFor(() => expect(begun).toHaveLength(2));
    const third = reads.ask("a", read);
    begun[1]?.fail();
    expect((await Promise.allSettled(second)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await vi.waitFor(() => expect(begun).toHaveLength(3));
    begun[2]?.succeed("there");
    expect(await third).toBe("there");
    expect(reads.size).toBe(0);
  });

  it("are apart by their key", async () => {
    const { begun, read } = heldReads();
    const reads = new SharedReads<string>();
    const both = Promise.all([reads.ask("a", read), reads.ask("b", read)]);
    expect(begun).toHaveLength(2);
    begun[0]?.succeed("of a");
    begun[1]?.succeed("of b");
    expect(await both).toEqual(["of a", "of b"]);
  });
});

const organizations = 10_000;
const tenants = 200;

describe(`an account with ${organizations} organizations`, () => {
  let world: World;

  beforeAll(async () => {
    // Everything is in this one process, the emulator with its 10,000 too: what is slow here is mostly the emulator.
    world = await createWorld({
      timeoutMs: 30_000,
      timings: { settleMs: 2_000, retryMaxMs: 200, twinCheckMs: 3_600_000 },
    });
    await signUp(world, { key: "first" });
    await settled(world, "first");
    const limit = pLimit(32);
    const put = (index: number) =>
      limit(() =>
        world.emulator.putOrganization({ name: `Other ${index}`, owner_email: "a@other.test", members }),
      );
    const members = [{ email: world.provisioning.account.userEmail, role: "READER" }];
    await Promise.all(Array.from({ length: organizations }, (_, index) => put(index)));
  }, 60_000);
  afterAll(() => world.close());

  const lists = async () =>
    (await world.emulator.requests()).requests.filter(
      ({ method, path }) => method === "GET" && path === "/api/v1/orgs/organizations/",
    );

  it("is not listed by a sign-up to whom nothing was lost, once the list is proved", async () => {
    await world.emulator.clearRequests();
    await signUp(world, { key: "no-list" });
    expect((await settled(world, "no-list")).readBackAt).not.toBeNull();
    expect(await lists()).toEqual([]);
  });

  it(`resolves ${tenants} lost creates at once with a few lists, each to exactly one organization`, async () => {
    await world.emulator.clearRequests();
    const match = signUpSteps.createOrganization;
    await world.emulator.failNext({ match, fault: { kind: "do-then-drop" }, count: tenants });
    const startedMs = performance.now();
    const before = process.memoryUsage().heapUsed;
    await Promise.all(
      Array.from({ length: tenants }, (_, index) => signUp(world, { key: `lost-${index}`, waitMs: 0 })),
    );
    const open = { key: { startsWith: "lost-" }, operations: { some: { finishedAt: null } } };
    for (const deadline = Date.now() + 90_000; (await world.prisma.tenant.count({ where: open })) > 0; ) {
      if (Date.now() > deadline) throw new Error("Not all have ended.");
      await world.sweep();
      await sleep(100);
    }
    const tookMs = performance.now() - startedMs;

    const active = await world.prisma.tenant.findMany({
      where: { key: { startsWith: "lost-" }, status: "ACTIVE" },
      include: { resources: { where: { kind: "ORGANIZATION" } } },
    });
    expect(active).toHaveLength(tenants);
    const upstream = (await world.emulator.tables()).organizations;
    for (const { resources } of active) {
      const marker = resources[0]?.marker ?? "none";
      expect(upstream.filter(({ name }) => name.endsWith(marker)).map(({ org_id }) => org_id)).toEqual([
        resources[0]?.upstreamId,
      ]);
    }
    const listed = (await lists()).toSorted((a, b) => a.startedAtMs - b.startedAtMs);
    const megabytes = Math.round((process.memoryUsage().heapUsed - before) / 1e6);
    console.info(`${listed.length} lists, ${Math.round(tookMs)} ms, ${megabytes} MB more heap`);
    // Never two at once: so there are at most as many as fit one after the other, however many sagas ask.
    for (const [index, { startedAtMs }] of listed.entries()) {
      if (index > 0) expect(startedAtMs).toBeGreaterThanOrEqual(listed[index - 1]?.answeredAtMs ?? Infinity);
    }
    expect(listed.length).toBeLessThanOrEqual(tenants / 5);
  }, 120_000);

  it("shows what is asked for by its marker alone, as it is now", async () => {
    const { resources } = await tenantOf(world, "no-list");
    const marker = resources.find(({ kind }) => kind === "ORGANIZATION")?.marker ?? "";
    expect(await organizationsBearing(world.provisioning, marker)).toHaveLength(1);
    await offboard(world, { key: "no-list" });
    expect(await organizationsBearing(world.provisioning, marker)).toEqual([]);
  });
});
