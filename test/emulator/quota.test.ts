import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Reply, type Rig, startRig } from "./rig.ts";

const filters = { user_id: "alice" };
const search = { query: "tea", filters };

const ask = {
  search: (rig: Rig): Promise<Reply> => rig.call("POST", "/v3/memories/search/", search),
  list: (rig: Rig): Promise<Reply> => rig.call("POST", "/v3/memories/", { filters }),
  add: (rig: Rig): Promise<Reply> =>
    rig.call("POST", "/v3/memories/add/", {
      messages: [{ role: "user", content: "I like tea" }],
      user_id: "alice",
    }),
};

/** The first of the month after the moment, in UTC, as the real service writes it. */
function firstOfNextMonth(now: Date): string {
  const next = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  return next.toISOString().replace(".000Z", "+00:00");
}

describe("the switch quotaSearchMax", () => {
  it("lets search and list share one meter, and answers 429 with the end of the period when it is spent", async () => {
    const rig = await startRig({ switches: { quotaSearchMax: 2 } });
    expect(await ask.search(rig)).toMatchObject({ status: 200 });
    expect(await ask.list(rig)).toMatchObject({ status: 200 });
    const before = firstOfNextMonth(new Date());
    const replies = [await ask.search(rig), await ask.list(rig)];
    const resets = [before, firstOfNextMonth(new Date())];
    for (const reply of replies) {
      expect(reply.status).toBe(429);
      expect(reply.headers.has("retry-after")).toBe(false);
      expect(reply.body).toEqual({
        error:
          "Usage quota exceeded for this billing period. Please upgrade your plan at https://app.mem0.ai/dashboard/billing.",
        event_type: "SEARCH",
        quota_limit: 2,
        quota_used: 2,
        quota_reset: expect.toBeOneOf(resets),
      });
    }
  });

  it("does not touch adds, pings, reads by id or organizations, and 0 takes it away", async () => {
    const rig = await startRig({ switches: { quotaSearchMax: 1 } });
    const id = await remember(rig, "Alice likes tea");
    await ask.search(rig);
    expect(await ask.search(rig)).toMatchObject({ status: 429 });
    expect(await ask.add(rig)).toMatchObject({ status: 200 });
    for (const path of ["/v1/ping/", `/v1/memories/${id}/`, "/v1/stats/", "/v1/entities/"]) {
      expect(await rig.call("GET", path)).toMatchObject({ status: 200 });
    }
    await rig.switches({ quotaSearchMax: 0 });
    expect(await ask.search(rig)).toMatchObject({ status: 200 });
  });

  it("does not count what was refused", async () => {
    const rig = await startRig({ switches: { quotaSearchMax: 1 } });
    expect(await rig.call("POST", "/v3/memories/search/", { query: "tea" })).toMatchObject({ status: 400 });
    expect(await ask.search(rig)).toMatchObject({ status: 200 });
    expect(await ask.search(rig)).toMatchObject({ status: 429 });
  });
});

describe("the switch quotaAddMax", () => {
  it("refuses adds alone, and nothing is stored", async () => {
    const rig = await startRig({ switches: { quotaAddMax: 1 } });
    await remember(rig, "Alice likes tea");
    const before = await rig.control("GET", "tables");
    expect(await ask.add(rig)).toMatchObject({
      status: 429,
      body: { event_type: "ADD", quota_limit: 1, quota_used: 1 },
    });
    expect(await rig.control("GET", "tables")).toEqual(before);
    expect(await ask.search(rig)).toMatchObject({ status: 200 });
    await rig.switches({ quotaAddMax: 0 });
    expect(await ask.add(rig)).toMatchObject({ status: 200 });
  });
});

describe("the switch quotaScope", () => {
  it.each([
    { quotaScope: "person", refused: ["own", "sibling", "otherOrganization"] },
    { quotaScope: "organization", refused: ["own", "sibling"] },
    { quotaScope: "project", refused: ["own"] },
  ])("counts the calls of one $quotaScope together", async ({ quotaScope, refused }) => {
    const rig = await startRig({ switches: { quotaSearchMax: 1 } });
    await rig.switches({ quotaScope });
    const { org_id } = await rig.ping();
    const otherId = await rig.createOrganization();
    const keyOf = async (orgId: string): Promise<Rig> => {
      const project_id = await rig.createProject(orgId);
      return rig.as(await rig.makeKey({ org_id: orgId, project_id }));
    };
    const callers = {
      own: rig,
      sibling: await keyOf(org_id),
      otherOrganization: await keyOf(otherId),
      stranger: await rig.somebodyElse("other@acme.test"),
    };
    expect(await ask.search(rig)).toMatchObject({ status: 200 });
    const found: string[] = [];
    for (const [name, caller] of Object.entries(callers)) {
      if ((await ask.search(caller)).status === 429) found.push(name);
    }
    expect(found).toEqual(refused);
  });
});
