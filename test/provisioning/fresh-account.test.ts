import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { retry, settled, signUp, tenantOf, upstreamOf } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

/** What a lost answer means while nobody has seen yet that Mem0's lists show what our key creates. */

let world: World;
const createOrganization = { method: "POST", path: "/api/v1/orgs/organizations/" };
const createProject = { method: "POST", path: "/api/v1/orgs/organizations/*/projects/" };

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

describe("on an account whose lists are not proved", () => {
  it("a look that finds the marker goes on, and proves the list", async () => {
    await world.emulator.failNext({ match: createOrganization, fault: { kind: "do-then-drop" } });
    const answer = await signUp(world, { key: "found" });
    expect(answer.tenant?.status).toBe("ACTIVE");
    await settled(world, "found");
    const account = await world.prisma.mem0Account.findFirstOrThrow();
    expect(account).toMatchObject({ organizationListSeesCreated: true, projectListSeesCreated: true });
  });

  it.each([
    ["organization", createOrganization],
    ["project", createProject],
  ])(
    "an empty look for a lost %s proves nothing: no second one is made, a person is called",
    async (what, match) => {
      await world.emulator.setSwitches({ listScopedToKey: true, listLagMs: 60_000 });
      await world.emulator.failNext({ match, fault: { kind: "do-then-drop" } });
      const answer = await signUp(world, { key: "mute" });
      expect(answer.operation?.status).toBe("NEEDS_ATTENTION");
      expect(answer.operation?.reason).toContain("its silence proves nothing");
      const posts = (await world.emulator.requests()).requests.filter(
        ({ method, path }) =>
          method === "POST" && path.endsWith(what === "organization" ? "organizations/" : "projects/"),
      );
      expect(posts).toHaveLength(1);

      await world.emulator.setSwitches({ listScopedToKey: false, listLagMs: 0 });
      expect((await retry(world, answer.operation?.id ?? "")).tenant?.status).toBe("ACTIVE");
      const { organizations, projects } = await upstreamOf(world, await settled(world, "mute"));
      expect([organizations.length, projects.length]).toEqual([1, 1]);
    },
  );

  it.each([
    ["organization", createOrganization],
    ["project", createProject],
  ])(
    "what waits for a person because of a lost %s goes on by itself once its list is proved by another",
    async (_what, match) => {
      await world.emulator.setSwitches({ listScopedToKey: true, listLagMs: 60_000 });
      await world.emulator.failNext({ match, fault: { kind: "do-then-drop" } });
      await signUp(world, { key: "waiting" });
      await world.sweep();
      expect((await settled(world, "waiting")).operations.edges[0]?.node.status).toBe("NEEDS_ATTENTION");

      await world.emulator.setSwitches({ listScopedToKey: false, listLagMs: 0 });
      await signUp(world, { key: "proving" });
      await settled(world, "proving");
      await world.sweep();
      const tenant = await settled(world, "waiting");
      expect(tenant.status).toBe("ACTIVE");
      const { organizations, projects } = await upstreamOf(world, tenant);
      expect([organizations.length, projects.length]).toEqual([1, 1]);
    },
  );

  it("what needs attention for another reason stays where it is, proved or not", async () => {
    await world.emulator.setSwitches({ listScopedToKey: true, listLagMs: 60_000 });
    await world.emulator.failNext({ match: createOrganization, fault: { kind: "do-then-drop" } });
    await signUp(world, { key: "waiting" });
    await world.prisma.operationStep.updateMany({ data: { errorCode: "NeedsAttention" } });
    await world.emulator.setSwitches({ listScopedToKey: false, listLagMs: 0 });
    await signUp(world, { key: "proving" });
    await settled(world, "proving");
    await world.sweep();
    expect((await settled(world, "waiting")).operations.edges[0]?.node.status).toBe("NEEDS_ATTENTION");
  });

  it("the read-back of the first sign-up proves the lists, and asks for the list of organizations only then", async () => {
    const listings = async () =>
      (await world.emulator.requests()).requests.filter(
        ({ method, path }) => method === "GET" && path === "/api/v1/orgs/organizations/",
      ).length;
    await signUp(world, { key: "one" });
    await settled(world, "one");
    expect(await listings()).toBe(1);
    await signUp(world, { key: "two" });
    await settled(world, "two");
    expect(await listings()).toBe(1);
  });

  it("a list that does not show what was created is not taken for proved", async () => {
    await world.emulator.setSwitches({ listScopedToKey: true });
    await signUp(world, { key: "scoped" });
    await settled(world, "scoped");
    const account = await world.prisma.mem0Account.findFirstOrThrow();
    expect(account.organizationListSeesCreated).toBe(false);
    expect((await tenantOf(world, "scoped")).status).toBe("ACTIVE");
  });
});

describe("a list that lags behind", () => {
  it("longer than the settle delay leaves a twin for the late look, which removes it", async () => {
    await signUp(world, { key: "first" });
    await settled(world, "first");
    await world.emulator.setSwitches({ listLagMs: 900 });
    await world.emulator.failNext({ match: createOrganization, fault: { kind: "do-then-drop" } });
    await signUp(world, { key: "lagging" });
    const tenant = await settled(world, "lagging");
    expect((await upstreamOf(world, tenant)).organizations).toHaveLength(2);
    await world.emulator.setSwitches({ listLagMs: 0 });
    await world.sweep();
    await settled(world, "lagging");
    const left = await upstreamOf(world, tenant);
    const mapped = tenant.resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId;
    expect(left.organizations.map(({ org_id }) => org_id)).toEqual([mapped]);
  });
});
