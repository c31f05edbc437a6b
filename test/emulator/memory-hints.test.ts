import { beforeEach, describe, expect, it } from "vitest";
import { alice, tell, texts } from "./memory-calls.ts";
import { remember } from "./remember.ts";
import { type Rig, startRig } from "./rig.ts";

const day = "I bought a car. I voted for the politics party. I like tea.";

describe("the hints of an add", () => {
  it.each([
    [{ excludes: "politics" }, ["I like tea.", "I bought a car."]],
    [{ includes: "cars and other vehicles" }, ["I bought a car."]],
    [{ includes: "car, tea", excludes: "anything about tea" }, ["I bought a car."]],
    [
      { includes: "anything about me" },
      ["I like tea.", "I voted for the politics party.", "I bought a car."],
    ],
    [{ includes: null, excludes: "" }, ["I like tea.", "I voted for the politics party.", "I bought a car."]],
  ])("say which sentences are kept: %j", async (hints, kept) => {
    const rig = await startRig();
    await tell(rig, day, { ...alice, ...hints });
    expect(await texts(rig)).toEqual(kept);
  });

  it("do not touch an import, and are refused when they are no text", async () => {
    const rig = await startRig();
    await remember(rig, "I like politics.", { ...alice, excludes: "politics" });
    expect(await texts(rig)).toEqual(["I like politics."]);
    expect(await tell(rig, day, { ...alice, includes: 1 })).toMatchObject({
      status: 400,
      body: { includes: ["Not a valid string."] },
    });
  });
});

describe("what an add asks for besides", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  async function attributes(text: string, fields: object): Promise<Record<string, unknown>> {
    const reply = await tell(rig, text, { ...alice, ...fields });
    expect([reply.status, reply.body]).toMatchObject([200, {}]);
    const { body } = await rig.call("POST", "/v3/memories/", { filters: alice });
    const { results } = body as { results: { structured_attributes: Record<string, unknown> }[] };
    return results[0]?.structured_attributes ?? {};
  }

  it.each([
    ["I met Bob yesterday", { observation_date: "2025-03-01" }, "2025-02-28"],
    ["I fly in 2 weeks", { observation_date: "2025-03-01" }, "2025-03-15"],
    [
      "I moved 3 days ago",
      { observation_datetime: "2025-03-01T02:00:00Z", timezone: "America/New_York" },
      "2025-02-25",
    ],
    [
      "I leave tomorrow",
      { observation_datetime: "2025-03-01T23:30:00", timezone: "Asia/Tokyo" },
      "2025-03-02",
    ],
    ["I was born on 1990-05-17", { temporal_reasoning: true }, "1990-05-17"],
    ["I eat tonight", { temporal_reasoning: true, timestamp: 1_751_328_000 }, "2025-07-01"],
    ["I like tea", { temporal_reasoning: true }, null],
  ])("names the day that a text speaks of: %s, %j", async (text, fields, expected) => {
    expect(await attributes(text, fields)).toMatchObject({
      event_date: expected,
      quarter: expect.any(Number),
    });
  });

  it("is a structure read out of the text beside the parts of its moment, which win; nothing without being asked", async () => {
    const properties = { drink: { type: "string", description: "tea or coffee" }, year: { type: "string" } };
    const read = await attributes("I like tea", { structured_data_schema: { type: "object", properties } });
    expect(read).toMatchObject({ drink: "I like tea", year: new Date().getUTCFullYear() });
    expect(await attributes("I met Bob yesterday", { structured_data_schema: null })).not.toHaveProperty(
      "event_date",
    );
  });

  it.each([
    [{ observation_date: "01.03.2025" }, "observation_date"],
    [{ observation_datetime: "now" }, "observation_datetime"],
    [{ timezone: "Mars/Olympus" }, "timezone"],
    [{ structured_data_schema: "{}" }, "structured_data_schema"],
    [{ temporal_reasoning: "yes" }, "temporal_reasoning"],
  ])("is refused by field when it cannot be: %j", async (fields, name) => {
    const reply = await tell(rig, "I like tea", { ...alice, ...fields });
    expect([reply.status, Object.keys(reply.body as object)]).toEqual([400, [name]]);
  });

  it("leaves an immutable memory as it is when a newer one contradicts it", async () => {
    await tell(rig, "I live in Rome", { ...alice, immutable: true });
    await tell(rig, "I live in Oslo");
    await tell(rig, "I live in Bern");
    const { body } = await rig.call("POST", "/v3/memories/", { filters: alice, latest_only: true });
    const { results } = body as { results: { memory: string }[] };
    expect(results.map(({ memory }) => memory)).toEqual(["I live in Bern", "I live in Rome"]);
  });
});
