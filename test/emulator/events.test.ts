import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const alice = { user_id: "alice" };

describe("events", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig({ switches: { addDelayMs: 0 } });
  });

  const types = async (): Promise<readonly string[]> => {
    const { results } = (await rig.call("GET", "/v1/events/")).body as { results: { event_type: string }[] };
    return results.map(({ event_type }) => event_type);
  };

  it("are listed newest first, 100 a page, with a relative next and without graph_status and error", async () => {
    for (let index = 0; index < 101; index += 1) await remember(rig, `fact ${index}`);
    const reply = await rig.call("GET", "/v1/events/");
    expect(reply.body).toMatchObject({ count: 101, next: "/v1/events/?page=2", previous: null });
    const { results } = reply.body as { results: readonly object[] };
    expect(results).toHaveLength(100);
    expect(results[0]).toMatchObject({ payload: { messages: [{ content: "fact 100" }] } });
    expect(results[0]).not.toHaveProperty("error");
    expect(results[0]).not.toHaveProperty("graph_status");
    const second = await rig.call("GET", "/v1/events/?page=2");
    expect(second.body).toMatchObject({ next: null, previous: "/v1/events/" });
    expect(await rig.call("GET", "/v1/events/?page=3")).toMatchObject({
      status: 404,
      body: { detail: "Invalid page." },
    });
  });

  it("of another project are as unknown as none: 404, alone and in the list", async () => {
    await remember(rig, "a");
    const [event] = (await rig.tables()).events as readonly { event_id: string }[];
    const eve = await rig.somebodyElse("eve@else.test");
    const refusal = {
      status: 404,
      body: { error: "Event not found or you don't have permission to access it." },
    };
    for (const id of [event?.event_id, randomUUID(), "x"]) {
      expect(await eve.call("GET", `/v1/event/${id}/`)).toMatchObject(refusal);
    }
    expect((await rig.call("GET", `/v1/event/${event?.event_id}/`)).status).toBe(200);
    expect((await eve.call("GET", "/v1/events/")).body).toMatchObject({ count: 0, results: [] });
  });

  it("come of adds, delete all and entity deletion; of everything under the switch everyCallMakesEvents", async () => {
    const work = async (): Promise<void> => {
      const id = await remember(rig, `fact ${randomUUID()}`);
      await rig.call("GET", `/v1/memories/${id}/`);
      await rig.call("PUT", `/v1/memories/${id}/`, { text: "changed" });
      await rig.call("POST", "/v3/memories/", { filters: alice });
      await rig.call("POST", "/v3/memories/search/", { query: "changed", filters: alice });
      await rig.call("DELETE", `/v1/memories/${id}/`);
      await rig.call("DELETE", "/v1/memories/?user_id=alice");
      await rig.call("DELETE", "/v2/entities/user/alice/");
    };
    await work();
    expect(await types()).toEqual(["DELETE_USER", "DELETE_ALL", "ADD"]);
    await rig.switches({ everyCallMakesEvents: true });
    await work();
    expect((await types()).slice(0, 8)).toEqual([
      "DELETE_USER",
      "DELETE_ALL",
      "DELETE",
      "SEARCH",
      "GET_ALL",
      "UPDATE",
      "GET",
      "ADD",
    ]);
  });
});
