import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createProject } from "../../src/mem0/projects.ts";
import { createWebhook } from "../../src/mem0/webhooks.ts";
import { distrustOf } from "../../src/provisioning/trust.ts";
import { settled, signUp, type TenantView } from "../main-job.ts";
import type { World } from "../world.ts";
import { slug } from "./survivable-faults.ts";
import { createProvedWorld, place, signUpSteps } from "./whole-or-clean.ts";

/** Things upstream with a copied marker. None of them may ever be adopted or deleted, and people must hear of them. */

let world: World;
const mallory = "mallory@evil.test";

beforeAll(async () => {
  world = await createProvedWorld();
  await world.emulator.registerUser(mallory);
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

const ownEmail = () => world.provisioning.account.userEmail;
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

/** Puts an organization upstream behind our back. */
type Put = (marker: string) => Promise<{ org_id: string }>;

const ours = (marker: string) => ({ name: `Acme Inc. ·${marker}`, owner_email: ownEmail() });

/** An organization that would be ours beyond doubt, if something were not in it. */
async function putWithProject(marker: string) {
  const made = await world.emulator.putOrganization(ours(marker));
  await createProject(world.provisioning.mem0, made.org_id, { name: "Theirs" });
  return made;
}

async function putWithWebhook(marker: string) {
  const made: { org_id: string; project_id?: string } = await world.emulator.putOrganization(ours(marker));
  const hook = { name: "theirs", url: "https://evil.test/", eventTypes: ["memory_add"] as const };
  await createWebhook(world.provisioning.mem0, made.project_id ?? "", hook);
  return made;
}

const lookAlikes: Readonly<Record<string, { readonly put: Put; readonly why: string }>> = {
  "that we do not own": {
    put: (marker) =>
      world.emulator.putOrganization({
        name: `Acme Inc. ·${marker}`,
        owner_email: mallory,
        members: [{ email: ownEmail(), role: "READER" }],
      }),
    why: "we are not its owner",
  },
  "with a stranger in it": {
    put: (marker) =>
      world.emulator.putOrganization({ ...ours(marker), members: [{ email: mallory, role: "READER" }] }),
    why: "it has members that we did not add",
  },
  "older than our first attempt": {
    put: (marker) => world.emulator.putOrganization({ ...ours(marker), created_at: inHours(-1) }),
    why: "it was not created while our attempt was under way",
  },
  "made after our look": {
    put: (marker) => world.emulator.putOrganization({ ...ours(marker), created_at: inHours(1) }),
    why: "it was not created while our attempt was under way",
  },
  "with a project other than the default one": { put: putWithProject, why: "it holds the project proj_" },
  "with webhooks": { put: putWithWebhook, why: "has webhooks" },
  "with the marker in the middle of its name": {
    put: (marker) => world.emulator.putOrganization({ ...ours(marker), name: `Acme ·${marker} Inc.` }),
    why: "its name does not end in the marker as we write it",
  },
  "with the marker in small letters": {
    put: (marker) =>
      world.emulator.putOrganization({ ...ours(marker), name: `Acme ·${marker.toLowerCase()}` }),
    why: "its name does not end in the marker as we write it",
  },
};

/** Puts these upstream before the second attempt at a step, with the marker that is looked for then. */
function putBeforeTheLook(
  step: "createOrganization" | "createProject",
  put: (marker: string) => Promise<void>,
) {
  world.setAround(async (deed, proceed) => {
    if (deed.step === step && deed.attempt === 2) {
      const kind = step === "createOrganization" ? "ORGANIZATION" : "PROJECT";
      const { marker } = await world.prisma.resource.findFirstOrThrow({
        where: { tenantId: deed.tenantId, kind },
      });
      await put(marker ?? "");
    }
    return proceed();
  });
}

const idsUpstream = async () => {
  const { organizations, projects } = await world.emulator.tables();
  return new Set([
    ...organizations.map(({ org_id }) => org_id),
    ...projects.map(({ project_id }) => project_id),
  ]);
};

const rowOf = (tenant: TenantView | undefined, kind: string) =>
  tenant?.resources.find((resource) => resource.kind === kind);

/** Runs the late look, too, and waits for its end. */
async function afterTheLateLook(key: string): Promise<TenantView> {
  await world.sweep();
  const tenant = await settled(world, key);
  expect(tenant.operations.edges[0]?.node).toMatchObject({ kind: "CHECK_TWINS", status: "SUCCEEDED" });
  return tenant;
}

describe("an organization", () => {
  it.each(Object.entries(lookAlikes))(
    "%s is neither adopted nor deleted where ours was not made, and a person is told why",
    async (what, { put, why }) => {
      let orgId = "";
      await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "drop" } });
      putBeforeTheLook("createOrganization", async (marker) => {
        ({ org_id: orgId } = await put(marker));
      });
      const { operation, tenant } = await signUp(world, { key: `alone-${slug(what)}` });
      expect(operation).toMatchObject({ status: "NEEDS_ATTENTION", reason: expect.stringContaining(orgId) });
      expect(operation?.reason).toContain("suspicious");
      expect(operation?.reason).toContain(why);
      expect(rowOf(tenant, "ORGANIZATION")).toMatchObject({
        state: "UNKNOWN",
        upstreamId: null,
        reason: expect.stringContaining(orgId),
      });
      expect(await idsUpstream()).toContain(orgId);
    },
  );

  it.each(Object.entries(lookAlikes))(
    "%s is left alone beside ours, which is adopted, and stands in the drift ever after",
    async (what, { put, why }) => {
      let orgId = "";
      const key = `beside-${slug(what)}`;
      await world.emulator.failNext({
        match: signUpSteps.createOrganization,
        fault: { kind: "do-then-drop" },
      });
      putBeforeTheLook("createOrganization", async (marker) => {
        ({ org_id: orgId } = await put(marker));
      });
      const { tenant } = await signUp(world, { key, ...place });
      expect(tenant?.status).toBe("ACTIVE");
      const after = await settled(world, key);
      expect(after.readBackAt).not.toBeNull();
      expect(after.drift).toEqual([expect.stringContaining(`Suspicious organization ${orgId}`)]);
      expect(after.drift[0]).toContain(why);
      expect(rowOf(after, "ORGANIZATION")).toMatchObject({ state: "PRESENT", reason: null });
      expect(rowOf(after, "ORGANIZATION")?.upstreamId).not.toBe(orgId);
      expect(await idsUpstream()).toContain(orgId);
    },
  );

  it("of two that are suspicious beside ours is not counted: both are told and stay, also after the late look", async () => {
    const orgIds: string[] = [];
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
    putBeforeTheLook("createOrganization", async (marker) => {
      for (const what of ["that we do not own", "older than our first attempt"]) {
        const put = lookAlikes[what]?.put;
        if (put !== undefined) orgIds.push((await put(marker)).org_id);
      }
    });
    await signUp(world, { key: "two-beside", ...place });
    const told = (tenant: TenantView) =>
      orgIds.map((id) => tenant.drift.filter((sentence) => sentence.includes(id)).length);
    expect(told(await settled(world, "two-beside"))).toEqual([1, 1]);
    const after = await afterTheLateLook("two-beside");
    expect(told(after)).toEqual([1, 1]);
    const ids = await idsUpstream();
    expect(orgIds.filter((id) => ids.has(id))).toEqual(orgIds);
    expect(ids).toContain(rowOf(after, "ORGANIZATION")?.upstreamId);
  });

  it("that was suspicious and is gone is not told any more after the late look", async () => {
    let orgId = "";
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "do-then-drop" } });
    putBeforeTheLook("createOrganization", async (marker) => {
      ({ org_id: orgId } = await world.emulator.putOrganization({
        name: `Acme ·${marker}`,
        owner_email: mallory,
        members: [{ email: ownEmail(), role: "READER" }],
      }));
    });
    await signUp(world, { key: "left", ...place });
    expect((await settled(world, "left")).drift).toHaveLength(1);
    await world.emulator.removeMember({ org_id: orgId, email: ownEmail() });
    expect((await afterTheLateLook("left")).drift).toEqual([]);
  });

  it("with the marker of another tenant is nothing to this one", async () => {
    await signUp(world, { key: "other" });
    const other = rowOf(await settled(world, "other"), "ORGANIZATION");
    await world.emulator.failNext({ match: signUpSteps.createOrganization, fault: { kind: "drop" } });
    const { tenant } = await signUp(world, { key: "not-other" });
    expect(tenant?.status).toBe("ACTIVE");
    expect(rowOf(tenant, "ORGANIZATION")?.upstreamId).not.toBe(other?.upstreamId);
    expect(await idsUpstream()).toContain(other?.upstreamId);
    expect((await settled(world, "not-other")).drift).toEqual([]);
  });
});

describe("a project in the tenant's own organization", () => {
  it.each([
    ["made by a member whom we invited as OWNER", mallory, ""],
    ["made by a stranger", "eve@evil.test", ""],
    ["with the marker in the middle of its description", null, " (edited)"],
  ])("%s is neither adopted nor deleted, and ours beside it is adopted", async (what, maker, behind) => {
    const key = `project-${slug(what)}`;
    let projectId = "";
    await world.emulator.failNext({ match: signUpSteps.createProject, fault: { kind: "do-then-drop" } });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createProject" && deed.attempt === 2) {
        const rows = await world.prisma.resource.findMany({ where: { tenantId: deed.tenantId } });
        const orgId = rows.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId ?? "";
        const marker = rows.find(({ kind }) => kind === "PROJECT")?.marker;
        const description = `The memories of Acme. ·${marker}${behind}`;
        ({ projectId } = await createProject(world.provisioning.mem0, orgId, {
          name: "Copied",
          description,
        }));
        if (maker !== null) {
          const member = { org_id: orgId, project_id: projectId };
          await world.emulator.putMember({ ...member, email: maker, role: "OWNER" });
          await world.emulator.removeMember({ ...member, email: ownEmail() });
        }
      }
      return proceed();
    });
    await signUp(world, { key, members: [{ email: mallory, role: "OWNER" }] });
    const tenant = await settled(world, key);
    expect(tenant.status).toBe("ACTIVE");
    expect(tenant.drift).toEqual([expect.stringContaining(`Suspicious project ${projectId}`)]);
    expect(rowOf(tenant, "PROJECT")?.upstreamId).not.toBe(projectId);
    expect((await afterTheLateLook(key)).drift).toHaveLength(1);
    expect(await idsUpstream()).toContain(projectId);
  });
});

describe("the window of our attempts", () => {
  it("is measured by the upstream's clock, which may be hours off", async () => {
    const { provisioning } = world;
    const { mem0 } = provisioning;
    const offsetMs = 3 * 3_600_000;
    // The emulator's clock is this machine's, so the client's reading of it is moved instead.
    const ahead = {
      ...provisioning,
      mem0: {
        origin: mem0.origin,
        close: () => mem0.close(),
        send: mem0.send.bind(mem0),
        clockOffsetMs: () => offsetMs,
      },
    };
    const since = new Date(Date.now() - 1_000);
    const likeness = (createdMs: number) => ({ isOwner: true, members: [], createdAt: new Date(createdMs) });
    expect(distrustOf(ahead, likeness(Date.now() + offsetMs), since, [])).toBeNull();
    expect(distrustOf(ahead, likeness(Date.now()), since, [])).toContain("not created while");
    expect(distrustOf(provisioning, likeness(Date.now()), since, [])).toBeNull();
    expect(distrustOf(provisioning, likeness(Date.now() + offsetMs), since, [])).toContain(
      "not created while",
    );
  });
});
