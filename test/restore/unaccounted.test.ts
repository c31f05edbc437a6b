import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pause } from "../../src/tenants/pause.ts";
import { type Answer, signUp } from "../main-job.ts";
import { createWorld, type World } from "../world.ts";

let world: World;

interface UnaccountedView {
  readonly id: string;
  readonly kind: string;
  readonly upstreamId: string;
  readonly name: string;
  readonly settledAt: string | null;
}

async function listUnaccounted(args = ""): Promise<UnaccountedView[]> {
  const { unaccounted } = await world.send<{ unaccounted: { edges: { node: UnaccountedView }[] } }>(
    `{ unaccounted(first: 10 ${args}) { edges { node { id kind upstreamId name settledAt } } } }`,
  );
  return unaccounted.edges.map(({ node }) => node);
}

async function mutate(name: string, input: object, fields = ""): Promise<Answer & { unaccounted?: number }> {
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
  const answer = await world.send<Record<string, Answer>>(
    `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename ${fields} ... on Error { code message } } }`,
    { input },
  );
  return answer[name] as Answer;
}

beforeAll(async () => {
  world = await createWorld();
  await signUp(world, { key: "ours" });
  await world.emulator.putOrganization({ name: "Found", owner_email: world.provisioning.account.userEmail });
});
afterAll(() => world.close());

describe("what is unaccounted", () => {
  it("is found by an inventory on demand, and by every further one without another entry", async () => {
    for (const reason of ["Monday", "Tuesday"]) {
      const fields = "... on TakeInventoryPayload { at matched missing unaccounted }";
      const answer = await mutate("takeInventory", { reason }, fields);
      expect(answer).toMatchObject({ matched: 1, missing: 0, unaccounted: 1 });
    }
    const found = await listUnaccounted();
    expect(found).toMatchObject([{ kind: "ORGANIZATION", name: "Found", settledAt: null }]);
    const events = await world.prisma.auditEvent.findMany({ where: { action: "takeInventory" } });
    expect(events.map(({ reason }) => reason).toSorted()).toEqual(["Monday", "Tuesday"]);
  });

  it("is settled by an operator with a reason, and stays so, and there", async () => {
    const [found] = await listUnaccounted();
    const settled = await mutate("settleUnaccounted", { id: found?.id, reason: "The finance team's." });
    expect(settled.__typename).toBe("SettleUnaccountedPayload");
    await mutate("takeInventory", { reason: "Wednesday" });
    expect(await listUnaccounted()).toEqual([]);
    expect(await listUnaccounted("includeSettled: true")).toMatchObject([{ name: "Found" }]);
    const { organizations } = await world.emulator.tables();
    expect(organizations.map(({ name }) => name)).toContain("Found");
    const [event] = await world.prisma.auditEvent.findMany({ where: { action: "settleUnaccounted" } });
    expect(event).toMatchObject({ decision: "ALLOWED", reason: "The finance team's." });
  });

  it("is not settled without a reason, nor by an id that nobody has; the latter is audited", async () => {
    const [found] = await listUnaccounted("includeSettled: true");
    expect(await mutate("settleUnaccounted", { id: found?.id, reason: " " })).toMatchObject({
      code: "INVALID_INPUT",
    });
    const id = Buffer.from("Unaccounted:una_nobody").toString("base64");
    expect(await mutate("settleUnaccounted", { id, reason: "?" })).toMatchObject({
      code: "UNACCOUNTED_NOT_FOUND",
    });
    expect(await world.prisma.auditEvent.count({ where: { refusal: "UNACCOUNTED_NOT_FOUND" } })).toBe(1);
  });

  it("cannot be told while Mem0 cannot be read, which is said", async () => {
    const match = { method: "GET", path: "/api/v1/orgs/organizations/" };
    await world.emulator.failNext({ match, fault: { kind: "refuse", status: 403 } });
    expect(await mutate("takeInventory", { reason: "Thursday" })).toMatchObject({
      code: "UPSTREAM_NOT_READABLE",
    });
  });
});

describe("the pause", () => {
  it("is told with its reason, and ended by an operator, once", async () => {
    await pause(world.prisma, "Restored from a backup.");
    const told = "{ installation { paused { since because } } }";
    expect(await world.send(told)).toMatchObject({
      installation: { paused: { because: "Restored from a backup." } },
    });
    const fields = "... on ResumeProvisioningPayload { retried installation { paused { because } } }";
    const resumed = await mutate("resumeProvisioning", { reason: "Looked at it." }, fields);
    expect(resumed).toMatchObject({ retried: 0, installation: { paused: null } });
    expect(await mutate("resumeProvisioning", { reason: "Again." })).toMatchObject({ code: "NOT_PAUSED" });
    const events = await world.prisma.auditEvent.findMany({
      where: { action: "resumeProvisioning" },
      orderBy: { id: "asc" },
    });
    expect(events.map(({ decision }) => decision)).toEqual(["ALLOWED", "REFUSED"]);
  });
});
