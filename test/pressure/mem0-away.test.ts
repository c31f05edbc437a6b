import { afterAll, beforeAll, expect, it } from "vitest";
import { freshKey, settled, signUp, tenantOf, until } from "../main-job.ts";
import { ask, remember, tenantWithMemories } from "../schema/memory-rig.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld({ timings: { twinCheckMs: 600_000 } });
});
afterAll(() => world?.close());

it("while Mem0 is away the mapping is read, memories are refused for later, and sign-ups are taken and run later", {
  timeout: 60_000,
}, async () => {
  const tenant = await tenantWithMemories(world);
  await remember(world, tenant, ["Likes tea."]);
  const search = () =>
    ask<{ __typename: string; code?: string; retryable?: boolean }>(world, tenant, {
      field: `searchMemories(query: "tea", filter: { userId: { eq: "alice" } })`,
      selection: `... on MemorySearch { results { score } }`,
    });
  await world.emulator.failNext({ match: {}, fault: { kind: "drop" }, count: 100_000 });

  const { status, resources } = await tenantOf(world, tenant.key);
  expect([status, resources.length > 1]).toEqual(["ACTIVE", true]);
  expect(await search()).toMatchObject({
    ...{ __typename: "Mem0Unavailable", code: "MEM0_UNAVAILABLE", retryable: true },
  });
  const key = freshKey();
  const accepted = await signUp(world, { key, waitMs: 0 });
  expect(accepted.__typename).toBe("SignUpTenantPayload");

  await world.emulator.clearFaults();
  const active = await until(async () => {
    await world.sweep();
    const view = await settled(world, key);
    return view.status === "ACTIVE" ? view : null;
  }, "it is ACTIVE");
  expect(active.operations.edges.map(({ node }) => node.id)).toContain(accepted.operation?.id);
});
