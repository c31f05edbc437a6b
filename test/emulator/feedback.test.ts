import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const path = "/v1/feedback/";

async function rows(rig: Rig): Promise<unknown> {
  return (await rig.control<{ feedback: unknown }>("GET", "tables")).feedback;
}

describe("feedback", () => {
  it("is kept with its reason, and said anew under the same id", async () => {
    const rig = await startRig();
    const memory_id = await remember(rig, "Alice likes tea");
    const given = { memory_id, feedback: "POSITIVE", feedback_reason: "true" };
    const first = await rig.call("POST", path, given);
    expect(first).toMatchObject({ status: 200, body: { feedback: "POSITIVE", feedback_reason: "true" } });
    const { id } = first.body as { id: string };
    const second = await rig.call("POST", path, { memory_id, feedback: "VERY_NEGATIVE" });
    expect(second.body).toEqual({ id, feedback: "VERY_NEGATIVE", feedback_reason: null });
    const { project_id } = await rig.ping();
    const kept = { feedback_id: id, memory_id, project_id, feedback: "VERY_NEGATIVE" };
    expect(await rows(rig)).toMatchObject([kept]);
  });

  it("is taken back by null, and by leaving it out", async () => {
    const rig = await startRig();
    const memory_id = await remember(rig, "Alice likes tea");
    for (const nothing of [{ feedback: null, feedback_reason: null }, {}]) {
      const given = await rig.call("POST", path, { memory_id, feedback: "NEGATIVE" });
      const { id } = given.body as { id: string };
      const back = await rig.call("POST", path, { memory_id, ...nothing });
      expect(back.body).toEqual({ id, feedback: null, feedback_reason: null });
      expect(await rows(rig)).toEqual([]);
    }
    expect(await rig.call("POST", path, { memory_id, feedback: null })).toMatchObject({
      status: 200,
      body: { feedback: null },
    });
  });

  it("on what is no UUID is a 400, and so are a word that does not exist and a reason that is no text", async () => {
    const rig = await startRig();
    for (const memory_id of [undefined, null, 7, "m-1", { memory_id: randomUUID() }]) {
      const reply = await rig.call("POST", path, { memory_id, feedback: "POSITIVE" });
      expect(reply).toMatchObject({ status: 400, body: { error: "Invalid memory_id" } });
    }
    const memory_id = await remember(rig, "Alice likes tea");
    const reply = await rig.call("POST", path, { memory_id, feedback: "GREAT", feedback_reason: 7 });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({
      feedback: ['"GREAT" is not a valid choice.'],
      feedback_reason: ["Not a valid string."],
    });
    expect(await rows(rig)).toEqual([]);
  });

  it("on an unknown memory, a deleted one and another project's is a 404, or a 500 by feedbackUnknownMemory", async () => {
    const rig = await startRig();
    const other = await rig.somebodyElse("other@acme.test");
    const foreign = await remember(other, "Bob likes coffee");
    const deleted = await remember(rig, "Alice likes tea");
    await rig.call("DELETE", `/v1/memories/${deleted}/`);
    for (const memory_id of [randomUUID(), foreign, deleted]) {
      const asked = { memory_id, feedback: "POSITIVE" };
      await rig.switches({ feedbackUnknownMemory: "404" });
      const reply = await rig.call("POST", path, asked);
      expect(reply).toMatchObject({ status: 404, body: { error: "Memory not found!" } });
      await rig.switches({ feedbackUnknownMemory: "500" });
      const broken = await rig.call("POST", path, asked);
      expect(broken.status).toBe(500);
      expect(broken.headers.get("content-type")).toContain("text/html");
    }
    expect(await rows(rig)).toEqual([]);
  });

  it("goes to the project of the body's pair of ids, not to one named by half of it or in the query", async () => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const memory_id = await remember(rig.as(await rig.makeKey({ org_id, project_id })), "Alice likes tea");
    const given = { memory_id, feedback: "POSITIVE" };
    expect(await rig.call("POST", path, { ...given, project_id })).toMatchObject({ status: 404 });
    const query = `${path}?org_id=${org_id}&project_id=${project_id}`;
    expect(await rig.call("POST", query, given)).toMatchObject({ status: 404 });
    expect(await rig.call("POST", path, { ...given, org_id, project_id })).toMatchObject({ status: 200 });
    expect(await rows(rig)).toMatchObject([{ memory_id, project_id }]);
  });
});
