import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createProject } from "../../src/mem0/projects.ts";
import { createWebhook } from "../../src/mem0/webhooks.ts";
import { newId } from "../../src/tenants/ids.ts";
import {
  freshKey,
  offboard,
  settled,
  signUp,
  type TenantView,
  tenantOf,
  until,
  upstreamOf,
} from "../main-job.ts";
import { createWorld, type World } from "../world.ts";
import {
  handMade,
  type Sent,
  sentRequests,
  type Target,
  type WriteCase,
  write,
  writeCases,
} from "./mem0-write-cases.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  await world.emulator.registerUser("newcomer@acme.test");
  await world.emulator.registerUser("ada@acme.test");
});
afterAll(() => world?.close());
afterEach(async () => {
  world.setAround();
  await world.emulator.clearFaults();
});

/** The reads that a mutation makes before, when no organization is being made. */
function looksOf({ looks }: WriteCase, { organizationId, projectId }: Target): Partial<Sent>[] {
  const paths = {
    projects: `/api/v1/orgs/organizations/${organizationId}/projects/`,
    webhooks: `/api/v1/webhooks/projects/${projectId}/`,
  };
  return looks.map((what) => ({ method: "GET", path: paths[what] }));
}

let audited = "";

/** From now on `auditOf` answers what is audited later. */
async function markAudit() {
  const newest = await world.prisma.auditEvent.findFirst({ orderBy: { id: "desc" } });
  audited = newest?.id ?? "";
}

async function auditOf(action: string) {
  return world.prisma.auditEvent.findMany({
    where: { action, id: { gt: audited } },
    select: { decision: true, refusal: true, tenantId: true, reason: true, details: true },
    orderBy: { id: "asc" },
  });
}

beforeEach(markAudit);

describe("a change in what is no tenant's", () => {
  it.each(writeCases)("($verb) is one request, behind the reads that check whose it is", async (one) => {
    const target = await handMade(world);
    await world.emulator.clearRequests();
    const answer = await write(world, one.verb, one.input(target));
    expect(answer.__typename).toBe(`${one.verb.charAt(0).toUpperCase()}${one.verb.slice(1)}Payload`);
    const sent = await sentRequests(world);
    expect(sent).toMatchObject([...looksOf(one, target), one.sends(target)]);
    expect(sent).toHaveLength(one.looks.length + 1);
  });

  it.each(writeCases)(
    "($verb) is in the audit before it is sent, and again with its outcome",
    async (one) => {
      const target = await handMade(world);
      await markAudit();
      const reason = "They asked for it on the phone.";
      await write(world, one.verb, { ...one.input(target), reason });
      const events = await auditOf(one.verb);
      expect(events).toMatchObject([
        { decision: "ALLOWED", refusal: null, tenantId: null, reason, details: { call: expect.any(String) } },
        { decision: "ALLOWED", refusal: null, tenantId: null, reason, details: { outcome: "DONE" } },
      ]);
      const calls = events.map(({ details }) => z.object({ call: z.uuid() }).parse(details).call);
      expect(calls[1]).toBe(calls[0]);
      expect(JSON.stringify(events)).not.toContain("s3cret");
    },
  );

  it("that makes an organization says that Loci does not manage it, and audits its id", async () => {
    const answer = await write(world, "createMem0Organization", { name: "Nobody's" });
    expect(answer.notice).toContain("does not manage it");
    const events = await auditOf("createMem0Organization");
    expect(events[1]?.details).toMatchObject({ organizationId: answer.organizationId });
    const { tenant } = await graphOf(answer.organizationId ?? "");
    expect(tenant).toBeNull();
  });

  it("whose answer is lost may have happened, is not repeated, and its outcome is UNKNOWN", async () => {
    await world.emulator.clearRequests();
    const match = { method: "POST", path: "/api/v1/orgs/organizations/" };
    await world.emulator.failNext({ match, fault: { kind: "do-then-drop" } });
    const answer = await write(world, "createMem0Organization", { name: "Lost" });
    expect(answer).toMatchObject({ __typename: "Mem0Unavailable", mayHaveHappened: true });
    expect(await sentRequests(world)).toHaveLength(1);
    expect((await auditOf("createMem0Organization")).at(-1)?.details).toMatchObject({
      outcome: "UNKNOWN",
      error: "Mem0Unanswered",
    });
  });

  it("that Mem0 refuses is told in Mem0's words, and its outcome is NOT_DONE", async () => {
    const { organizationId } = await handMade(world);
    const input = { organizationId, email: "stranger@acme.test" };
    const answer = await write(world, "removeMem0OrganizationMember", input);
    expect(answer).toMatchObject({ __typename: "Mem0Refused", status: 404 });
    expect((await auditOf("removeMem0OrganizationMember")).at(-1)?.details).toMatchObject({
      outcome: "NOT_DONE",
    });
  });

  it("is free again when its tenant was off-boarded", async () => {
    const key = freshKey();
    await signUp(world, { key });
    const { resources } = await settled(world, key);
    const id = resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId ?? "";
    await offboard(world, { key });
    expect((await tenantOf(world, key)).status).toBe("OFFBOARDED");
    const answer = await write(world, "deleteMem0Organization", { organizationId: id });
    expect(answer).toMatchObject({ __typename: "Mem0Refused", status: 404 });
  });
});

interface Managed {
  readonly key: string;
  readonly mapped: Target;
  /** A project with a webhook that somebody made by hand in the tenant's organization. */
  readonly stray: Target;
}

async function managed(): Promise<Managed> {
  const key = freshKey();
  const hook = { name: "main", url: `https://acme.test/${key}`, eventTypes: ["MEMORY_ADD"] };
  await signUp(world, { key, members: [{ email: "ada@acme.test" }], webhooks: [hook] });
  const tenant = await settled(world, key);
  const { organizationId, projectId, webhookId } = idsOf(tenant);
  const { mem0 } = world.provisioning;
  const stray = await createProject(mem0, organizationId, { name: "stray" });
  const strayHook = await createWebhook(mem0, stray.projectId, {
    ...{ name: "stray", url: "https://acme.test/stray", eventTypes: ["memory_add"] },
  });
  const email = "ada@acme.test";
  return {
    key,
    mapped: { organizationId, projectId, webhookId, email },
    stray: { organizationId, projectId: stray.projectId, webhookId: strayHook.webhookId, email },
  };
}

function idsOf({ resources }: TenantView) {
  const idOf = (kind: string, name: string) =>
    resources.find((resource) => resource.kind === kind && resource.name === name)?.upstreamId ?? "";
  return {
    organizationId: resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId ?? "",
    projectId: idOf("PROJECT", "main"),
    webhookId: idOf("WEBHOOK", "main"),
  };
}

async function graphOf(id: string): Promise<{ readonly tenant: { readonly key: string } | null }> {
  const { mem0Organization } = await world.send<{
    mem0Organization: { readonly tenant: { readonly key: string } | null };
  }>(`query ($id: String!) { mem0Organization(id: $id) { ... on Mem0Organization { tenant { key } } } }`, {
    id,
  });
  return mem0Organization;
}

describe("a change in what is a tenant's", () => {
  const onManaged = writeCases.filter(({ use }) => use !== null);
  let place: Managed;

  beforeAll(async () => {
    place = await managed();
  });

  it.each(onManaged)("($verb) is refused with what to use instead, and nothing is sent", async (one) => {
    await world.emulator.clearRequests();
    const answer = await write(world, one.verb, one.input(place.mapped));
    expect(answer).toMatchObject({ __typename: "ManagedByTenant", code: "MANAGED_BY_TENANT", use: one.use });
    expect(answer.tenant?.key).toBe(place.key);
    expect(await sentRequests(world)).toEqual([]);
  });

  it.each(onManaged)(
    "($verb) is refused, too, in a project made by hand in its organization",
    async (one) => {
      await world.emulator.clearRequests();
      const answer = await write(world, one.verb, one.input(place.stray));
      expect(answer.__typename).toBe("ManagedByTenant");
      expect(await sentRequests(world)).toEqual([]);
    },
  );

  it("and is refused is in the audit, under the tenant", async () => {
    const { organizationId } = place.mapped;
    await write(world, "deleteMem0Organization", { organizationId });
    const { id } = await world.prisma.tenant.findFirstOrThrow({ where: { key: place.key } });
    expect(await auditOf("deleteMem0Organization")).toMatchObject([
      { decision: "REFUSED", refusal: "MANAGED_BY_TENANT", tenantId: id, details: { organizationId } },
    ]);
  });

  it("never tells to off-board a tenant to be rid of a project that is not in its mapping", async () => {
    const { organizationId, projectId } = place.stray;
    const answer = await write(world, "deleteMem0Project", { organizationId, projectId });
    expect(answer).toMatchObject({ __typename: "ManagedByTenant", use: "changePlace" });
  });

  const elsewhere = writeCases.filter(({ looks }) => looks.length > 0);

  it.each(elsewhere)("($verb) is not let through under another organization's id", async (one) => {
    const other = await handMade(world);
    await world.emulator.clearRequests();
    const input = one.input({ ...place.stray, organizationId: other.organizationId });
    const answer = await write(world, one.verb, input);
    expect(answer).toMatchObject({ __typename: "UpstreamNotFound" });
    expect((await sentRequests(world)).every(({ method }) => method === "GET")).toBe(true);
  });

  it.each(writeCases.filter(({ looks }) => looks.includes("webhooks")))(
    "($verb) is not let through under another project's id",
    async (one) => {
      const other = await handMade(world);
      await world.emulator.clearRequests();
      const answer = await write(world, one.verb, one.input({ ...other, webhookId: place.stray.webhookId }));
      expect(answer).toMatchObject({ __typename: "UpstreamNotFound" });
      expect((await sentRequests(world)).every(({ method }) => method === "GET")).toBe(true);
    },
  );

  it("only since Mem0 was looked at is refused in the last moment", async () => {
    const { organizationId, projectId } = await handMade(world);
    const path = `/api/v1/orgs/organizations/${organizationId}/projects/`;
    await world.emulator.failNext({
      match: { method: "GET", path },
      fault: { kind: "slow", ms: 500, when: "before" },
    });
    await world.emulator.clearRequests();
    const answer = write(world, "deleteMem0Project", { organizationId, projectId });
    await until(async () => (await sentRequests(world)).length === 1, "Mem0 is looked at");
    const { id: tenantId } = await world.prisma.tenant.findFirstOrThrow({ where: { key: place.key } });
    const { id: operationId } = await world.prisma.operation.findFirstOrThrow({ where: { tenantId } });
    const late = {
      id: newId("res"),
      tenantId,
      operationId,
      kind: "PROJECT",
      name: "late",
      desired: {},
    } as const;
    await world.prisma.resource.create({ data: { ...late, state: "PRESENT", upstreamId: projectId } });
    expect(await answer).toMatchObject({ __typename: "ManagedByTenant", tenant: { key: place.key } });
    expect((await sentRequests(world)).map(({ method }) => method)).toEqual(["GET"]);
  });

  it("and bears its marker only, because its sign-up lost the answer, is refused", async () => {
    const key = freshKey();
    const match = { method: "POST", path: "/api/v1/orgs/organizations/" };
    await world.emulator.failNext({ match, fault: { kind: "do-then-drop" } });
    let goOn = () => {};
    const release = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    world.setAround(async (deed, proceed) => {
      if (deed.step === "createOrganization" && deed.attempt > 1) await release;
      return proceed();
    });
    await signUp(world, { key, waitMs: 0 });
    const organizationId = await until(async () => {
      const { organizations } = await upstreamOf(world, await tenantOf(world, key));
      return organizations[0]?.org_id ?? null;
    }, "the organization is there");
    expect(idsOf(await tenantOf(world, key)).organizationId).toBe("");
    await world.emulator.clearRequests();
    const answer = await write(world, "deleteMem0Organization", { organizationId });
    expect(answer).toMatchObject({ __typename: "ManagedByTenant", tenant: { key } });
    expect((await sentRequests(world)).filter(({ method }) => method !== "GET")).toEqual([]);
    goOn();
    expect((await settled(world, key)).status).toBe("ACTIVE");
  });
});

describe("the platform's own", () => {
  it("organization and project are never deleted", async () => {
    const { orgId: organizationId, projectId } = await world.prisma.mem0Account.findFirstOrThrow();
    await world.emulator.clearRequests();
    expect(await write(world, "deleteMem0Organization", { organizationId })).toMatchObject({
      __typename: "InvalidInput",
      problems: [{ field: "organizationId" }],
    });
    expect(await write(world, "deleteMem0Project", { organizationId, projectId })).toMatchObject({
      __typename: "InvalidInput",
      problems: [{ field: "projectId" }],
    });
    expect(await sentRequests(world)).toEqual([]);
  });

  it.each([
    ["addMem0OrganizationMember", "READER"],
    ["updateMem0OrganizationMemberRole", "READER"],
    ["removeMem0OrganizationMember", undefined],
    ["addMem0ProjectMember", "READER"],
    ["updateMem0ProjectMemberRole", "READER"],
    ["removeMem0ProjectMember", undefined],
  ])("account is never removed or demoted (%s)", async (verb, role) => {
    const { organizationId, projectId } = await handMade(world);
    const email = world.provisioning.account.userEmail.toUpperCase();
    await world.emulator.clearRequests();
    const ids = verb.includes("Project") ? { organizationId, projectId } : { organizationId };
    const answer = await write(world, verb, { ...ids, email, ...(role === undefined ? {} : { role }) });
    expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field: "email" }] });
    expect(await sentRequests(world)).toEqual([]);
  });
});

describe("an input that breaks a rule", () => {
  const marker = "ABCDEFGH234567AB";
  const ids = { organizationId: "org_1", projectId: "proj_1" };
  const hook = { ...ids, name: "n", url: "https://a.test/", eventTypes: ["MEMORY_ADD"] };

  it.each<[string, string, object]>([
    ["createMem0Organization", "name", { name: `Acme ·${marker}` }],
    ["createMem0Organization", "name", { name: `Acme ·${marker}  ` }],
    ["createMem0Organization", "name", { name: `Acme \u0387${marker}` }],
    ["createMem0Organization", "name", { name: " " }],
    ["createMem0Organization", "reason", { name: "Acme", reason: "" }],
    ["createMem0Project", "name", { organizationId: "org_1", name: `P ·${marker}` }],
    ["createMem0Project", "description", { organizationId: "org_1", name: "P", description: `D ·${marker}` }],
    ["createMem0Project", "organizationId", { organizationId: "../users", name: "P" }],
    ["updateMem0Project", "", ids],
    [
      "updateMem0Project",
      "settings.customCategories.0.name",
      { ...ids, settings: { customCategories: [{ name: "", description: "d" }] } },
    ],
    ["addMem0ProjectMember", "email", { ...ids, email: "nobody", role: "READER" }],
    ["createMem0Webhook", "url", { ...hook, url: "http://a.test/" }],
    ["createMem0Webhook", "eventTypes", { ...hook, eventTypes: [] }],
    ["updateMem0Webhook", "", { ...ids, webhookId: "wh_1" }],
    ["deleteMem0Webhook", "webhookId", { ...ids, webhookId: "" }],
  ])(
    "(%s: %s) is refused by its field, which is audited, and nothing is sent",
    async (verb, field, input) => {
      await world.emulator.clearRequests();
      const answer = await write(world, verb, input);
      expect(answer).toMatchObject({ __typename: "InvalidInput", problems: [{ field }] });
      expect(await sentRequests(world)).toEqual([]);
      expect(await auditOf(verb)).toMatchObject([{ decision: "REFUSED", refusal: "INVALID_INPUT" }]);
    },
  );
});
