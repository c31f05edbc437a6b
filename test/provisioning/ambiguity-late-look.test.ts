import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createOrganization } from "../../src/mem0/organizations.ts";
import { createProject, deleteProject } from "../../src/mem0/projects.ts";
import { offboard, settled, signUp, type TenantView, tenantOf, until, upstreamOf } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, place, signUpSteps } from "./whole-or-clean.ts";

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** An ACTIVE tenant whose sign-up was ambiguous, and whose late look is due. */
async function ambiguous(key: string): Promise<TenantView> {
  await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
  await signUp(world, { key, ...place });
  return settled(world, key);
}

const markerOf = (tenant: TenantView) =>
  tenant.resources.find(({ kind }) => kind === "ORGANIZATION")?.marker ?? "";

const newestOf = (tenant: TenantView) => tenant.operations.edges[0]?.node;

/** Sweeps until the newest operation of the tenant is of this kind and has stopped in this status. */
async function swept(key: string, kind: string, status: string): Promise<TenantView> {
  return until(async () => {
    await world.sweep();
    const tenant = await tenantOf(world, key);
    const newest = newestOf(tenant);
    return newest?.kind === kind && newest.status === status ? tenant : null;
  }, `${kind} of ${key} is ${status}`);
}

/** A twin that is ours, with somebody's project in it. */
async function putFullTwin(tenant: TenantView): Promise<string> {
  const { orgId } = await createOrganization(world.provisioning.mem0, { name: `Acme ·${markerOf(tenant)}` });
  await createProject(world.provisioning.mem0, orgId, { name: "Somebody's" });
  return orgId;
}

describe("the late look", () => {
  it("calls for attention only for a twin that is ours and has something in it", async () => {
    const tenant = await ambiguous("full-twin");
    const orgId = await putFullTwin(tenant);
    const looked = await swept("full-twin", "CHECK_TWINS", "NEEDS_ATTENTION");
    expect(newestOf(looked)?.reason).toContain(orgId);
    expect((await upstreamOf(world, looked)).organizations).toHaveLength(2);
  });

  it("that waits for a person gives way to an off-boarding, after which it is made again", async () => {
    const key = "gives-way";
    const orgId = await putFullTwin(await ambiguous(key));
    await swept(key, "CHECK_TWINS", "NEEDS_ATTENTION");
    const answer = await offboard(world, { key });
    expect(answer).toMatchObject({ tenant: { status: "OFFBOARDED" }, operation: { status: "SUCCEEDED" } });
    const superseded = answer.tenant?.operations.edges[1]?.node;
    expect(superseded).toMatchObject({ kind: "CHECK_TWINS", status: "SUCCEEDED" });
    expect(superseded?.reason).toContain("superseded");
    expect(superseded?.steps[0]?.status).toBe("SUPERSEDED");
    // Nothing is left unaccounted: the full twin is named again, now of the tenant that has left.
    const after = await swept(key, "CHECK_TWINS", "NEEDS_ATTENTION");
    expect(newestOf(after)?.reason).toContain(orgId);
    expect(newestOf(after)?.id).not.toBe(superseded?.id);
  });

  it("that was queued or parked gives way, too, and what landed meanwhile is removed after the off-boarding", async () => {
    for (const state of ["QUEUED", "PARKED"] as const) {
      const key = `gives-way-${state}`;
      const tenant = await ambiguous(key);
      const orgId = await putFullTwin(tenant);
      await swept(key, "CHECK_TWINS", "NEEDS_ATTENTION");
      // The twin that stood in the way becomes an empty one.
      const { projects } = await world.emulator.tables();
      const full = projects.find((row) => row.org_id === orgId && !row.is_default);
      await deleteProject(world.provisioning.mem0, orgId, full?.project_id ?? "");
      const { operations } = await world.prisma.tenant.findFirstOrThrow({
        where: { key },
        include: { operations: { where: { kind: "CHECK_TWINS" } } },
      });
      await world.prisma.operation.update({
        where: { id: operations[0]?.id ?? "" },
        data: { status: state, resumeAt: state === "PARKED" ? new Date(Date.now() + 3_600_000) : null },
      });
      expect((await offboard(world, { key })).tenant?.status).toBe("OFFBOARDED");
      const after = await swept(key, "CHECK_TWINS", "SUCCEEDED");
      expect((await upstreamOf(world, after)).organizations).toEqual([]);
    }
  });

  it("that is running does not give way", async () => {
    const key = "running";
    await ambiguous(key);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "removeTwins") await held;
      return proceed();
    });
    await swept(key, "CHECK_TWINS", "RUNNING");
    expect(await offboard(world, { key })).toMatchObject({
      __typename: "OperationInProgress",
      operation: { kind: "CHECK_TWINS", status: "RUNNING" },
    });
    release();
    await settled(world, key);
  });
});

describe("a try to add who waits", () => {
  it("that waits for a person gives way to an off-boarding", async () => {
    const key = "waiting-gives-way";
    await signUp(world, { key, members: [{ email: "nobody@acme.test" }] });
    await settled(world, key);
    world.setAround((deed, proceed) => {
      if (deed.kind === "ADD_WAITING_MEMBERS") throw new Error("Not now.");
      return proceed();
    });
    const waiting = await until(async () => {
      await world.sweep();
      return world.prisma.operation.findFirst({ where: { kind: "ADD_WAITING_MEMBERS", tenant: { key } } });
    }, "it is tried");
    await settled(world, key);
    await world.prisma.operation.update({
      where: { id: waiting.id },
      data: { status: "NEEDS_ATTENTION", reason: "For the test.", finishedAt: null },
    });
    expect((await offboard(world, { key })).tenant?.status).toBe("OFFBOARDED");
    const { status, reason, twinCheckAt } = await world.prisma.operation.findUniqueOrThrow({
      where: { id: waiting.id },
    });
    expect({ status, twinCheckAt }).toEqual({ status: "SUCCEEDED", twinCheckAt: null });
    expect(reason).toContain("It was superseded by op_");
  });
});
