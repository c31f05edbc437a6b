import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWebhook } from "../../src/mem0/webhooks.ts";
import { NeedsAttention } from "../../src/provisioning/failures.ts";
import { adoptUpstreamId } from "../../src/tenants/mapping-by-hand.ts";
import { UpstreamAlreadyMapped } from "../../src/tenants/refusals.ts";
import { settled, signUp, tenantOf, upstreamOf } from "../main-job.ts";
import { auditOf, byHand, desk, lastDetails, offers, resourceId } from "../operators.ts";
import { createWorld, type World } from "../world.ts";
import { place, signUpSteps } from "./whole-or-clean.ts";

/** On an account whose lists are not proved: there a lost create needs a person. */

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.emulator.registerUser("ada@acme.test");
});
afterEach(() => world.close());

/** A sign-up that cannot tell what became of a create: its answer is lost, and the list shows nothing. */
async function stuckAt(
  step: "createOrganization" | "createProject",
  kind: "do-then-drop" | "drop",
  key: string,
) {
  await world.emulator.setSwitches({ listScopedToKey: true, listLagMs: 60_000 });
  await world.emulator.failNext({ match: signUpSteps[step], fault: { kind } });
  const { operation } = await signUp(world, { key, ...place });
  expect(operation?.status).toBe("NEEDS_ATTENTION");
  await world.emulator.setSwitches({ listScopedToKey: false, listLagMs: 0 });
  return operation?.id;
}

const ownEmail = () => world.provisioning.account.userEmail;

describe("adoptResource", () => {
  it.each([
    ["createOrganization", "ORGANIZATION"],
    ["createProject", "PROJECT"],
  ] as const)("takes what %s made and nobody saw, and the sign-up ends whole", async (step, kind) => {
    const key = "lost";
    const id = await stuckAt(step, "do-then-drop", key);
    expect(await offers(world, id)).toContain("adoptResource");
    const upstream = await upstreamOf(world, await tenantOf(world, key));
    const upstreamId =
      kind === "ORGANIZATION" ? upstream.organizations[0]?.org_id : upstream.projects[0]?.project_id;
    const input = { resourceId: await resourceId(world, key, kind), upstreamId };
    const answer = await byHand(world, "adoptResource", input);
    expect(answer.tenant?.status).toBe("ACTIVE");
    const tenant = await settled(world, key);
    expect(tenant.resources.find((resource) => resource.kind === kind)?.upstreamId).toBe(upstreamId);
    const { organizations, projects, webhooks } = await upstreamOf(world, tenant);
    expect([organizations.length, projects.length, webhooks.length]).toEqual([1, 1, 1]);
    expect(await auditOf(world, id)).toEqual(["adoptResource ALLOWED"]);
    expect(await lastDetails(world, id)).toMatchObject({ upstreamId, overridden: "[]", override: "false" });
    const outcomes = await world.prisma.attempt.findMany({ where: { step }, select: { outcome: true } });
    expect(outcomes).toEqual([{ outcome: "DONE" }]);
  });

  it("leaves the operation where it is when told so; then the step can be skipped", async () => {
    const key = "then-skip";
    const id = await stuckAt("createOrganization", "do-then-drop", key);
    const [found] = (await upstreamOf(world, await tenantOf(world, key))).organizations;
    const adopted = await byHand(world, "adoptResource", {
      resourceId: await resourceId(world, key, "ORGANIZATION"),
      upstreamId: found?.org_id,
      thenRetry: false,
    });
    expect(adopted.operation?.status).toBe("NEEDS_ATTENTION");
    expect(await offers(world, id)).toContain("skipStep createOrganization");
    const step = "createOrganization";
    const skipped = await byHand(world, "skipStep", { id, step, evidence: "It was adopted." });
    expect(skipped.tenant?.status).toBe("ACTIVE");
    await settled(world, key);
  });

  it("says every rule that a look-alike breaks, and takes it only when they are overridden", async () => {
    const key = "look-alike";
    const id = await stuckAt("createOrganization", "drop", key);
    await world.emulator.registerUser("mallory@evil.test");
    const foreign = await world.emulator.putOrganization({
      name: "Acme Inc.",
      owner_email: "mallory@evil.test",
      members: [{ email: ownEmail(), role: "READER" }],
      created_at: "2020-01-01T00:00:00Z",
    });
    const asked = { resourceId: await resourceId(world, key, "ORGANIZATION"), reason: "It looks like ours." };
    const refused = await byHand(world, "adoptResource", { ...asked, upstreamId: foreign.org_id });
    expect(refused).toMatchObject({ __typename: "UpstreamNotTrusted", code: "UPSTREAM_NOT_TRUSTED" });
    expect(refused.rules).toEqual([
      "its name does not end in the marker of this resource",
      "we are not its owner",
      "it has members that we did not add",
      "it was not created while our attempt was under way",
    ]);
    expect((await desk(world, id)).status).toBe("NEEDS_ATTENTION");

    const renamed = await world.emulator.putOrganization({ name: "Acme, renamed", owner_email: ownEmail() });
    const upstreamId = renamed.org_id;
    const taken = await byHand(world, "adoptResource", { ...asked, upstreamId, override: true });
    expect(taken.tenant?.status).toBe("ACTIVE");
    expect(await auditOf(world, id)).toEqual([
      "adoptResource REFUSED UPSTREAM_NOT_TRUSTED",
      "adoptResource ALLOWED",
    ]);
    expect(await lastDetails(world, id)).toMatchObject({
      override: "true",
      overridden: '["its name does not end in the marker of this resource"]',
    });
    expect((await settled(world, key)).drift).toEqual(['The organization is named "Acme, renamed".']);
  });

  it("cannot be talked into what is not there, is another's, or cannot be read", async () => {
    const elsewhere = (await signUp(world, { key: "elsewhere" })).tenant;
    await settled(world, "elsewhere");
    await world.prisma.mem0Account.updateMany({
      data: { organizationListSeesCreated: false, projectListSeesCreated: false },
    });
    const key = "stuck";
    const id = await stuckAt("createOrganization", "drop", key);
    const asked = { resourceId: await resourceId(world, key, "ORGANIZATION"), override: true };
    const absent = await byHand(world, "adoptResource", { ...asked, upstreamId: "org_nowhere" });
    expect(absent.__typename).toBe("UpstreamNotFound");
    const theirs = elsewhere?.resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId;
    const mapped = await byHand(world, "adoptResource", { ...asked, upstreamId: theirs });
    expect(mapped.__typename).toBe("UpstreamAlreadyMapped");
    await world.emulator.failNext({
      match: { method: "GET", path: "/api/v1/orgs/organizations/*/" },
      fault: { kind: "fail-500" },
    });
    const unread = await byHand(world, "adoptResource", { ...asked, upstreamId: "org_unread" });
    expect(unread).toMatchObject({ __typename: "UpstreamNotReadable", retryable: true });
    const dots = await byHand(world, "adoptResource", { ...asked, upstreamId: "../other" });
    expect(dots.__typename).toBe("InvalidInput");
    expect(await auditOf(world, id)).toEqual([
      "adoptResource REFUSED UPSTREAM_NOT_FOUND",
      "adoptResource REFUSED UPSTREAM_ALREADY_MAPPED",
      "adoptResource REFUSED UPSTREAM_NOT_READABLE",
    ]);
    // What lies in it cannot be adopted before it.
    const project = await byHand(world, "adoptResource", {
      resourceId: await resourceId(world, key, "PROJECT"),
      upstreamId: "proj_any",
    });
    expect(project).toMatchObject({ __typename: "ResourceNotAdoptable" });
    expect(project.message).toContain("adopt that first");
  });

  it("is refused for what has an id, has none by its nature, or lies idle", async () => {
    await signUp(world, { key: "whole", ...place });
    await settled(world, "whole");
    for (const kind of ["ORGANIZATION", "ORGANIZATION_MEMBER", "PROJECT_SETTINGS"]) {
      const answer = await byHand(world, "adoptResource", {
        resourceId: await resourceId(world, "whole", kind),
        upstreamId: "org_any",
      });
      expect(answer.__typename).toBe("ResourceNotAdoptable");
    }
    const nobody = Buffer.from("Resource:res_01jd0000000000000000000000").toString("base64");
    const unknown = await byHand(world, "adoptResource", { resourceId: nobody, upstreamId: "org_any" });
    expect(unknown.__typename).toBe("ResourceNotFound");
    const refusals = await world.prisma.auditEvent.findMany({
      where: { action: "adoptResource" },
      orderBy: { id: "asc" },
    });
    expect(refusals.map(({ refusal, operationId }) => `${refusal} ${operationId}`)).toEqual([
      ...Array.from({ length: 3 }, () => "RESOURCE_NOT_ADOPTABLE null"),
      "RESOURCE_NOT_FOUND null",
    ]);
  });

  it("takes a webhook by its URL, in a project of ours", async () => {
    const key = "webhook";
    world.setAround((deed, proceed) => {
      if (deed.step === "createWebhooks") throw new NeedsAttention("Look.");
      return proceed();
    });
    const { operation, tenant } = await signUp(world, { key, ...place });
    expect(operation?.status).toBe("NEEDS_ATTENTION");
    const projectId =
      tenant?.resources.find(({ kind, name }) => kind === "PROJECT" && name === "main")?.upstreamId ?? "";
    const { mem0 } = world.provisioning;
    const eventTypes = ["memory_add"] as const;
    const other = await createWebhook(mem0, projectId, { name: "x", url: "https://b.test/", eventTypes });
    const ours = await createWebhook(mem0, projectId, {
      name: "webhook-1",
      url: "https://acme.test/hook",
      eventTypes,
    });
    world.setAround();
    const asked = { resourceId: await resourceId(world, key, "WEBHOOK") };
    const refused = await byHand(world, "adoptResource", { ...asked, upstreamId: other.webhookId });
    expect(refused.rules).toEqual(["its URL is not the one that was asked for"]);
    const taken = await byHand(world, "adoptResource", { ...asked, upstreamId: ours.webhookId });
    expect(taken.tenant?.status).toBe("ACTIVE");
    expect((await upstreamOf(world, await settled(world, key))).webhooks).toHaveLength(2);
  });

  it("under a sign-up that goes back has the thing deleted, proved", async () => {
    const key = "adopt-to-delete";
    const id = await stuckAt("createOrganization", "do-then-drop", key);
    await world.emulator.setSwitches({ listScopedToKey: true });
    const aborted = await byHand(world, "abortOperation", { id });
    expect(aborted.operation?.status).toBe("NEEDS_ATTENTION");
    const [found] = (await upstreamOf(world, await tenantOf(world, key))).organizations;
    const answer = await byHand(world, "adoptResource", {
      resourceId: await resourceId(world, key, "ORGANIZATION"),
      upstreamId: found?.org_id,
    });
    expect(answer).toMatchObject({ operation: { status: "UNWOUND" }, tenant: { status: "FAILED" } });
    expect((await upstreamOf(world, await tenantOf(world, key))).organizations).toEqual([]);
    expect(await auditOf(world, id)).toEqual(["abortOperation ALLOWED", "adoptResource ALLOWED"]);
  });

  it("is kept from what became another's at the same moment", async () => {
    const { tenant } = await signUp(world, { key: "quicker" });
    await settled(world, "quicker");
    const upstreamId = tenant?.resources.find(({ kind }) => kind === "ORGANIZATION")?.upstreamId ?? "";
    await world.prisma.mem0Account.updateMany({ data: { organizationListSeesCreated: false } });
    const id = await stuckAt("createOrganization", "drop", "slower");
    const { id: slower } = await world.prisma.resource.findFirstOrThrow({
      where: { kind: "ORGANIZATION", tenant: { key: "slower" } },
    });
    const adopted = world.prisma.$transaction((tx) =>
      adoptUpstreamId(tx, { resourceId: slower, upstreamId }),
    );
    await expect(adopted).rejects.toThrow(UpstreamAlreadyMapped);
    expect((await desk(world, id)).status).toBe("NEEDS_ATTENTION");
  });

  it("by two at once is done once, and audited once", async () => {
    const key = "two";
    const id = await stuckAt("createOrganization", "do-then-drop", key);
    const [found] = (await upstreamOf(world, await tenantOf(world, key))).organizations;
    const input = { resourceId: await resourceId(world, key, "ORGANIZATION"), upstreamId: found?.org_id };
    const both = await Promise.all([1, 2].map(() => byHand(world, "adoptResource", input)));
    const typenames = both.map(({ __typename }) => __typename);
    expect(typenames.filter((name) => name === "AdoptResourcePayload")).toHaveLength(1);
    const audit = await auditOf(world, id);
    expect(audit.filter((event) => event === "adoptResource ALLOWED")).toHaveLength(1);
    expect(audit).toHaveLength(2);
    await settled(world, key);
  });
});
