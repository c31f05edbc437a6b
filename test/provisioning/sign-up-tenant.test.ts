import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { updateProject } from "../../src/mem0/projects.ts";
import { freshKey, offboard, settled, signUp, tenantOf, until, upstreamOf } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
  await world.emulator.setSwitches({ latencyMs: 0 });
});

const everything = {
  members: [
    { email: "ada@acme.test", role: "READER" },
    { email: "Bob@acme.test", role: "OWNER" },
  ],
  webhooks: [{ url: "https://acme.test/hook", eventTypes: ["MEMORY_ADD", "MEMORY_DELETE"] }],
  settings: {
    customInstructions: "Remember what they build.",
    customCategories: [{ name: "work", description: "What they do" }],
    multilingual: true,
    decay: true,
  },
};

describe("signUpTenant", () => {
  it("makes an organization, a project in it, its settings, members and webhooks, and reads them back", async () => {
    await world.emulator.registerUser("ada@acme.test");
    await world.emulator.registerUser("Bob@acme.test");
    const answer = await signUp(world, { key: "whole", ...everything });
    expect(answer).toMatchObject({
      __typename: "SignUpTenantPayload",
      tenant: { status: "ACTIVE", generation: 1 },
    });

    const tenant = await settled(world, "whole");
    expect(tenant.operations.edges[0]?.node.status).toBe("SUCCEEDED");
    expect(tenant.drift).toEqual([]);
    expect(tenant.readBackAt).not.toBeNull();
    expect(new Set(tenant.resources.map(({ state }) => state))).toEqual(new Set(["PRESENT"]));
    expect(tenant.resources.map(({ kind, name }) => `${kind} ${name}`)).toContain("PROJECT default-project");

    const { organizations, projects, webhooks } = await upstreamOf(world, tenant);
    expect(organizations).toHaveLength(1);
    expect(organizations[0]?.name).toMatch(/^Acme Inc\. ·[A-Z2-7]{16}$/);
    expect(organizations[0]?.members.map(({ email, role }) => `${email} ${role}`)).toEqual(
      expect.arrayContaining(["ada@acme.test READER", "Bob@acme.test OWNER"]),
    );
    expect(projects).toHaveLength(1);
    expect(projects[0]).toMatchObject({ custom_instructions: "Remember what they build.", decay: true });
    expect(projects[0]?.members.map(({ email }) => email)).toContain("ada@acme.test");
    expect(webhooks).toMatchObject([
      { url: "https://acme.test/hook", event_types: ["memory_add", "memory_delete"] },
    ]);
    expect(webhooks[0]?.project_id).toBe(projects[0]?.project_id);
  });

  it("takes three upstream round trips to ACTIVE, in which settings, members and webhooks overlap", async () => {
    await world.emulator.registerUser("ada@acme.test");
    await world.emulator.registerUser("Bob@acme.test");
    await world.emulator.setSwitches({ latencyMs: 200 });
    await world.emulator.clearRequests();
    await signUp(world, { key: "three", ...everything });
    const { activatedAt } = await world.prisma.tenant.findFirstOrThrow({ where: { key: "three" } });
    const until = String(activatedAt?.getTime());
    const { criticalPath, requests } = await world.emulator.requests({ until });
    expect(criticalPath).toBe(3);
    const last = requests.slice(-4);
    expect(last.map(({ method, path }) => `${method} ${path.split("/").at(-2)}`).toSorted()).toEqual([
      expect.stringMatching(/^PATCH proj_/),
      "POST members",
      "POST members",
      expect.stringMatching(/^POST proj_/),
    ]);
    const begun = Math.max(...last.map(({ startedAtMs }) => startedAtMs));
    const answered = Math.min(...last.map(({ answeredAtMs }) => answeredAtMs));
    expect(begun).toBeLessThan(answered);
    await settled(world, "three");
  });

  it("answers the same operation for the same key and input, and asks nothing new of Mem0", async () => {
    const input = { key: "repeat", idempotencyKey: freshKey(), ...everything };
    const first = await signUp(world, input);
    await settled(world, "repeat");
    await world.emulator.clearRequests();
    const again = await signUp(world, { ...input, waitMs: 0 });
    expect(again.operation?.id).toBe(first.operation?.id);
    expect((await world.emulator.requests()).requests).toEqual([]);
    expect(await world.prisma.tenant.count({ where: { key: "repeat" } })).toBe(1);
  });

  it("refuses the same idempotency key with another input, carrying the operation it was used for", async () => {
    const idempotencyKey = freshKey();
    const first = await signUp(world, { key: "reused", idempotencyKey });
    const other = await signUp(world, { key: "reused", idempotencyKey, name: "Another name" });
    expect(other).toMatchObject({ __typename: "IdempotencyKeyReused", code: "IDEMPOTENCY_KEY_REUSED" });
    expect(other.operation?.id).toBe(first.operation?.id);
  });

  it("refuses a key that another tenant has, carrying that tenant", async () => {
    const first = await signUp(world, { key: "taken" });
    const second = await signUp(world, { key: "taken" });
    expect(second).toMatchObject({ __typename: "TenantKeyTaken", retryable: false });
    expect(second.tenant?.id).toBe(first.tenant?.id);
  });

  it("gives one tenant to ten callers who ask for one key at the same moment", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => signUp(world, { key: "race" })));
    const names = answers.map(({ __typename }) => __typename).toSorted();
    expect(names).toEqual(
      ["SignUpTenantPayload", ...Array.from({ length: 9 }, () => "TenantKeyTaken")].toSorted(),
    );
    expect(new Set(answers.map(({ tenant }) => tenant?.id)).size).toBe(1);
  });

  it("gives one operation to ten callers who repeat one request at the same moment", async () => {
    const input = { key: "echo", idempotencyKey: freshKey() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => signUp(world, input)));
    expect(new Set(answers.map(({ operation }) => operation?.id)).size).toBe(1);
    const tenant = await settled(world, "echo");
    expect((await upstreamOf(world, tenant)).organizations).toHaveLength(1);
  });

  it("lets a key be signed up again after it was off-boarded, as the next generation", async () => {
    await signUp(world, { key: "phoenix" });
    expect((await offboard(world, { key: "phoenix" })).tenant?.status).toBe("OFFBOARDED");
    const again = await signUp(world, { key: "phoenix" });
    expect(again.tenant).toMatchObject({ status: "ACTIVE", generation: 2 });
    expect((await tenantOf(world, "phoenix")).generation).toBe(2);
  });

  it("leaves a member whom Mem0 does not know waiting, and adds him once he is registered", async () => {
    const answer = await signUp(world, { key: "waits", members: [{ email: "eve@acme.test" }] });
    expect(answer.tenant?.status).toBe("ACTIVE");
    const waiting = await settled(world, "waits");
    const states = (tenant: typeof waiting) =>
      tenant.resources.filter(({ name }) => name === "eve@acme.test").map(({ state }) => state);
    expect(states(waiting)).toEqual(["AWAITING_REGISTRATION", "AWAITING_REGISTRATION"]);

    await world.emulator.registerUser("eve@acme.test");
    const added = await until(async () => {
      await world.sweep();
      const tenant = await tenantOf(world, "waits");
      return states(tenant).every((state) => state === "PRESENT") ? tenant : null;
    }, "the member is added");
    const { organizations, projects } = await upstreamOf(world, added);
    expect(organizations[0]?.members.map(({ email }) => email)).toContain("eve@acme.test");
    expect(projects[0]?.members.map(({ email }) => email)).toContain("eve@acme.test");
    expect(added.operations.edges[0]?.node.kind).toBe("ADD_WAITING_MEMBERS");
  });

  it.each([
    { unknownOrganizationMember: "message-400" },
    { unknownOrganizationMember: "message-404" },
    { unknownOrganizationMember: "invite" },
    { unknownOrganizationMember: "invite", unknownProjectMember: "message-400" },
    { unknownOrganizationMember: "invite", unknownProjectMember: "errors-400" },
  ])("lets an unknown member wait however Mem0 words it (%o)", async (switches) => {
    const key = `worded-${Object.values(switches).join("-")}`;
    const email = `${key}@acme.test`;
    await world.emulator.setSwitches(switches);
    expect((await signUp(world, { key, members: [{ email }] })).tenant?.status).toBe("ACTIVE");
    const waiting = (await settled(world, key)).resources.find(({ kind }) => kind === "PROJECT_MEMBER");
    expect(waiting).toMatchObject({ state: "AWAITING_REGISTRATION" });
    expect(waiting?.reason).toMatch(/^Mem0 did not take this member: ./);

    await world.emulator.registerUser(email);
    await until(async () => {
      await world.sweep();
      const { resources } = await tenantOf(world, key);
      return resources.filter(({ name }) => name === email).every(({ state }) => state === "PRESENT");
    }, "the member is added");
    await world.emulator.setSwitches({
      unknownOrganizationMember: "errors-400",
      unknownProjectMember: "message-404",
    });
  });

  it("fails and undoes itself for an unknown member when it was told to", async () => {
    const answer = await signUp(world, {
      key: "strict",
      members: [{ email: "nobody@acme.test" }],
      onUnknownMember: "FAIL",
    });
    expect(answer.operation).toMatchObject({ status: "UNWOUND" });
    expect(answer.operation?.reason).toContain("nobody@acme.test");
    expect(answer.tenant?.status).toBe("FAILED");
    expect(await upstreamOf(world, await tenantOf(world, "strict"))).toEqual({
      organizations: [],
      projects: [],
      webhooks: [],
    });
    expect((await signUp(world, { key: "strict" })).tenant).toMatchObject({
      status: "ACTIVE",
      generation: 2,
    });
  });

  it("tells what the read-back found different", async () => {
    world.setAround(async (deed, proceed) => {
      if (deed.step === "readBack") {
        const [project] = (await upstreamOf(world, await tenantOf(world, "drifted"))).projects;
        await updateProject(world.provisioning.mem0, project?.org_id ?? "", project?.project_id ?? "", {
          decay: false,
        });
      }
      return proceed();
    });
    await signUp(world, { key: "drifted", settings: { decay: true } });
    const tenant = await settled(world, "drifted");
    expect(tenant).toMatchObject({
      status: "ACTIVE",
      drift: ["The project's setting decay is not as asked for."],
    });
  });

  it("says when Mem0 did not keep the marker, and does not take its list for proved by it", async () => {
    await world.prisma.mem0Account.updateMany({ data: { projectListSeesCreated: false } });
    await world.emulator.setSwitches({ projectDescriptionKept: false });
    await signUp(world, { key: "unmarked" });
    const { drift } = await settled(world, "unmarked");
    await world.emulator.setSwitches({ projectDescriptionKept: true });
    expect(drift).toEqual(["The project's description does not end in its marker."]);
    expect((await world.prisma.mem0Account.findFirstOrThrow()).projectListSeesCreated).toBe(false);
  });

  it("tells a project that is named like Mem0's own from Mem0's own", async () => {
    await signUp(world, { key: "namesake", name: "default-project" });
    const { resources } = await settled(world, "namesake");
    const projects = resources.filter(({ kind }) => kind === "PROJECT");
    expect(projects.map(({ name }) => name).toSorted()).toEqual(["default-project", "main"]);
    expect(new Set(projects.map(({ upstreamId }) => upstreamId)).size).toBe(2);
  });

  it("stays ACTIVE when the read-back cannot be made", async () => {
    await world.emulator.failNext({ match: { method: "GET" }, fault: { kind: "fail-500" }, count: 1_000 });
    await signUp(world, { key: "unread" });
    const tenant = await settled(world, "unread");
    expect(tenant).toMatchObject({ status: "ACTIVE", readBackAt: null });
    expect(tenant.operations.edges[0]?.node.status).toBe("PARKED");
    await world.prisma.$executeRaw`UPDATE operation_step SET deadline_at = now() WHERE finished_at IS NULL`;
    const operation = await until(async () => {
      await world.sweep();
      const found = (await tenantOf(world, "unread")).operations.edges[0]?.node;
      return found?.status === "SUCCEEDED" ? found : null;
    }, "its time is over");
    expect(operation?.steps.at(-1)).toMatchObject({ name: "readBack", status: "FAILED" });
  });
});
