import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { updateProject } from "../../src/mem0/projects.ts";
import { createWebhook } from "../../src/mem0/webhooks.ts";
import { settled, signUp, tenantOf, upstreamOf } from "../main-job.ts";
import type { World } from "../world.ts";
import { createProvedWorld, expectWhole, place, signUpSteps } from "./whole-or-clean.ts";

/** By what a thing is known again after its answer was lost: e-mail, project and URL, the marker in the description. */

let world: World;

beforeAll(async () => {
  world = await createProvedWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** The tenant's place upstream, as its mapping has it. */
async function homeOf(tenantId: string) {
  const rows = await world.prisma.resource.findMany({ where: { tenantId }, orderBy: { id: "asc" } });
  const idOf = (kind: string) => rows.find((row) => row.kind === kind)?.upstreamId ?? "";
  return {
    orgId: idOf("ORGANIZATION"),
    projectId: idOf("PROJECT"),
    projectMarker: rows.find(({ kind }) => kind === "PROJECT")?.marker ?? "",
  };
}

/** Does something upstream before the second attempt at a step. */
function beforeTheLook(step: string, deed: (home: Awaited<ReturnType<typeof homeOf>>) => Promise<unknown>) {
  world.setAround(async ({ step: name, attempt, tenantId }, proceed) => {
    if (name === step && attempt === 2) await deed(await homeOf(tenantId));
    return proceed();
  });
}

describe("a member", () => {
  it.each(["addOrganizationMembers", "addProjectMembers"] as const)(
    "whose adding was lost (%s) is known by his e-mail in whatever case",
    async (step) => {
      const key = `member-${step}`;
      await world.emulator.failNext({ match: signUpSteps[step], fault: { kind: "drop" } });
      beforeTheLook(step, ({ orgId, projectId }) =>
        world.emulator.putMember({
          org_id: orgId,
          ...(step === "addProjectMembers" ? { project_id: projectId } : {}),
          email: "Ada@ACME.test",
          role: "READER",
        }),
      );
      await signUp(world, { key, ...place });
      const tenant = await settled(world, key);
      expect(tenant).toMatchObject({ status: "ACTIVE", drift: [] });
      const kind = step === "addProjectMembers" ? "PROJECT_MEMBER" : "ORGANIZATION_MEMBER";
      expect(tenant.resources.find((row) => row.kind === kind)).toMatchObject({
        state: "PRESENT",
        reason: null,
      });
      const { organizations, projects } = await upstreamOf(world, tenant);
      const [where] = step === "addProjectMembers" ? projects : organizations;
      const adas = where?.members.filter(({ email }) => email.toLowerCase() === "ada@acme.test");
      expect(adas?.map(({ email }) => email)).toEqual(["Ada@ACME.test"]);
    },
  );
});

describe("a webhook", () => {
  it("whose creation was lost is known by its URL in its own project, and no other's is taken", async () => {
    const key = "webhook";
    await world.emulator.failNext({ match: signUpSteps.createWebhooks, fault: { kind: "do-then-drop" } });
    let foreignId = "";
    beforeTheLook("createWebhooks", async ({ orgId }) => {
      const { projects } = await world.emulator.tables();
      const other = projects.find((row) => row.org_id === orgId && row.is_default)?.project_id ?? "";
      const [wished] = place.webhooks;
      const hook = { name: "foreign", url: wished?.url ?? "", eventTypes: ["memory_add"] as const };
      foreignId = (await createWebhook(world.provisioning.mem0, other, hook)).webhookId;
    });
    await signUp(world, { key, ...place });
    const tenant = await settled(world, key);
    expect(tenant).toMatchObject({ status: "ACTIVE", drift: [] });
    const { webhooks, projects } = await upstreamOf(world, tenant);
    const own = webhooks.filter(({ project_id }) => project_id === projects[0]?.project_id);
    const mapped = tenant.resources.find(({ kind }) => kind === "WEBHOOK")?.upstreamId;
    expect(own.map(({ webhook_id }) => webhook_id)).toEqual([mapped]);
    expect(webhooks.map(({ webhook_id }) => webhook_id)).toContain(foreignId);
  });
});

describe("a project", () => {
  const createdIn = async (orgId: string) =>
    (await world.emulator.tables()).projects.filter((row) => row.org_id === orgId && !row.is_default);

  it("whose creation was lost is known by the marker, and what people wrote before it stays", async () => {
    const key = "project";
    let description = "";
    await world.emulator.failNext({ match: signUpSteps.createProject, fault: { kind: "do-then-drop" } });
    beforeTheLook("createProject", async ({ orgId, projectMarker }) => {
      const [made] = await createdIn(orgId);
      description = `Bob's notes: call Eve before you touch it. ·${projectMarker}`;
      await updateProject(world.provisioning.mem0, orgId, made?.project_id ?? "", { description });
    });
    await signUp(world, { key, ...place });
    const tenant = await expectWhole(world, key);
    expect((await upstreamOf(world, tenant)).projects[0]?.description).toBe(description);
  });

  it("whose marker somebody removed later is told in the drift", async () => {
    const key = "unmarked";
    world.setAround(async (deed, proceed) => {
      if (deed.step === "readBack") {
        const { orgId, projectId } = await homeOf(deed.tenantId);
        await updateProject(world.provisioning.mem0, orgId, projectId, { description: "Bob's project now" });
      }
      return proceed();
    });
    await signUp(world, { key, ...place });
    const { drift } = await settled(world, key);
    expect(drift).toEqual(["The project's description does not end in its marker."]);
    expect((await tenantOf(world, key)).status).toBe("ACTIVE");
  });
});
