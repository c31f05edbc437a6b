import { expect } from "vitest";
import { settled, signUp, type TenantView, upstreamOf } from "../main-job.ts";
import { createWorld, quickTimings, type World, type WorldOptions } from "../world.ts";

/** A sign-up with one request a step, and how to tell from the emulator's tables that it was made, or undone. */

/** How long these tests' sagas let a lost create settle. */
export const settleMs = quickTimings.settleMs ?? 0;

/** The one request that each step of the sign-up makes for `place`. */
export const signUpSteps = {
  createOrganization: { method: "POST", path: "/api/v1/orgs/organizations/" },
  createProject: { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" },
  addOrganizationMembers: { method: "POST", path: "/api/v1/orgs/organizations/*/members/" },
  applySettings: { method: "PATCH", path: "/api/v1/orgs/organizations/*/projects/*/" },
  addProjectMembers: { method: "POST", path: "/api/v1/orgs/organizations/*/projects/*/members/" },
  createWebhooks: { method: "POST", path: "/api/v1/webhooks/projects/*/" },
} as const;

/** A place with one of everything. */
export const place = {
  members: [{ email: "ada@acme.test" }],
  webhooks: [{ url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD"] }],
  settings: { decay: true },
};

/** A world that gives up waiting for an answer soon, and in which Mem0's lists are proved by a completed sign-up. */
export async function createProvedWorld(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ timeoutMs: 700, ...options });
  await world.emulator.registerUser("ada@acme.test");
  await signUp(world, { key: "first" });
  await settled(world, "first");
  return world;
}

/** ACTIVE, with exactly one of everything upstream, and a mapping that says so. */
export async function expectWhole(world: World, key: string): Promise<TenantView> {
  const tenant = await settled(world, key);
  expect(tenant).toMatchObject({ status: "ACTIVE", drift: [] });
  expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["PRESENT"]));
  const upstream = await upstreamOf(world, tenant);
  const counts = Object.entries(upstream).map(([kind, rows]) => `${kind} ${rows.length}`);
  expect(counts).toEqual(["organizations 1", "projects 1", "webhooks 1"]);
  const { organizations, projects } = upstream;
  expect(projects[0]?.decay).toBe(true);
  for (const { members } of [organizations[0], projects[0]].filter((found) => found !== undefined)) {
    expect(members.filter(({ email }) => email === "ada@acme.test")).toHaveLength(1);
  }
  return tenant;
}

/** FAILED, with nothing left upstream, and a mapping in which all is gone. */
export async function expectClean(world: World, key: string): Promise<TenantView> {
  const tenant = await settled(world, key);
  expect(tenant.status).toBe("FAILED");
  expect(tenant.operations.edges[0]?.node.status).toBe("UNWOUND");
  expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["GONE"]));
  expect(await upstreamOf(world, tenant)).toEqual({ organizations: [], projects: [], webhooks: [] });
  return tenant;
}

/** Asserts that the armed fault really fired, this often. */
export async function expectFired(world: World, times: number): Promise<void> {
  const [fault] = await world.emulator.faults();
  expect(fault?.fired).toBe(times);
}
