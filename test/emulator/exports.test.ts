import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Reply, type Rig, startRig, until } from "./rig.ts";

const orderPath = "/v1/exports/";
const getPath = "/v1/exports/get/";
const hourMs = 3_600_000;
const schema = {
  title: "Person",
  type: "object",
  properties: { facts: { type: "array", items: { type: "string" } }, drink: { type: "string" } },
};
const ofAlice = { AND: [{ user_id: "alice" }] };
const notFound = { status: 404, body: { error: "No memory export request found" } };

async function order(rig: Rig, fields: object = {}): Promise<string> {
  const reply = await rig.call("POST", orderPath, { schema, filters: ofAlice, ...fields });
  if (reply.status !== 201) throw new Error(`No export: ${reply.status} ${reply.text}`);
  return (reply.body as { id: string }).id;
}

function fetchExport(rig: Rig, id: string): Promise<Reply> {
  return rig.call("POST", getPath, { memory_export_id: id });
}

describe("an export", () => {
  it("is ordered with 201, and fills the schema from the memories that match, newest first", async () => {
    const rig = await startRig();
    await remember(rig, "My favourite drink is tea");
    await remember(rig, "I live in Vienna");
    await remember(rig, "My drink is coffee", { user_id: "bob" });
    const reply = await rig.call("POST", orderPath, { schema, filters: ofAlice });
    expect(reply).toMatchObject({
      status: 201,
      body: {
        message: "Memory export request received. The export will be ready in a few seconds.",
        id: expect.stringMatching(/^[\da-f-]{36}$/),
      },
    });
    const { id } = reply.body as { id: string };
    expect(await fetchExport(rig, id)).toMatchObject({
      status: 200,
      body: {
        facts: ["I live in Vienna", "My favourite drink is tea"],
        drink: "My favourite drink is tea",
      },
    });
  });

  it("holds what was there when it was ordered, without what had expired", async () => {
    const rig = await startRig();
    await remember(rig, "I live in Vienna");
    await remember(rig, "I live in Graz", { user_id: "alice", expiration_date: "2020-01-01" });
    const id = await order(rig);
    await remember(rig, "I live in Linz");
    expect((await fetchExport(rig, id)).body).toMatchObject({ facts: ["I live in Vienna"] });
  });

  it("is found by its filters too, flat or not: the newest that has them", async () => {
    const rig = await startRig();
    await order(rig);
    await remember(rig, "I live in Vienna");
    await order(rig);
    await order(rig, { filters: { AND: [{ user_id: "bob" }] } });
    for (const filters of [ofAlice, { user_id: "alice" }]) {
      const reply = await rig.call("POST", getPath, { filters });
      expect(reply).toMatchObject({ status: 200, body: { facts: ["I live in Vienna"] } });
    }
    const other = { AND: [{ user_id: "carol" }] };
    expect(await rig.call("POST", getPath, { filters: other })).toMatchObject(notFound);
    expect((await rig.call("POST", getPath, { filters: { AND: [{ user_id: "bob" }] } })).body).toEqual({
      facts: [],
      drink: null,
    });
  });

  it("without a schema that is an object, or without an id among its filters, is a 400", async () => {
    const rig = await startRig();
    for (const wrong of [undefined, null, [], {}, "{}"]) {
      const reply = await rig.call("POST", orderPath, { schema: wrong, filters: ofAlice });
      expect(reply.status).toBe(400);
      expect(reply.body).toEqual({ message: "Schema is required and must be a valid object" });
    }
    for (const filters of [undefined, {}, [], "alice", { AND: [{ created_at: { gte: "2026-01-01" } }] }]) {
      const reply = await rig.call("POST", orderPath, { schema, filters });
      expect(reply.status).toBe(400);
      expect(reply.body).toEqual({
        error: "One of the filters: app_id, user_id, agent_id, run_id, memory_export_id is required!",
      });
      const got = await rig.call("POST", getPath, { filters });
      expect(got.status).toBe(400);
      expect(got.body).toEqual({
        message: "One of the filters: app_id, user_id, agent_id, run_id is required!",
      });
    }
    const unknown = { AND: [{ user_id: "alice", colour: "red" }] };
    const reply = await rig.call("POST", orderPath, { schema, filters: unknown });
    expect(reply).toMatchObject({
      status: 400,
      body: { filters: [expect.stringMatching(/^Top-level key/)] },
    });
    expect((await rig.control<{ exports: unknown }>("GET", "tables")).exports).toEqual([]);
  });

  it("takes flat filters, unless exportFiltersMustBeStructured", async () => {
    const rig = await startRig();
    await order(rig, { filters: { user_id: "alice" } });
    await rig.switches({ exportFiltersMustBeStructured: true });
    const flat = await rig.call("POST", orderPath, { schema, filters: { user_id: "alice" } });
    expect(flat.status).toBe(400);
    expect(flat.body).toEqual({
      error: "One of the filters: app_id, user_id, agent_id, run_id, memory_export_id is required!",
    });
    await order(rig);
  });

  it("is a 404 until exportDelayMs have passed", async () => {
    const rig = await startRig({ switches: { exportDelayMs: hourMs } });
    const late = await order(rig);
    expect(await fetchExport(rig, late)).toMatchObject(notFound);
    expect(await rig.call("POST", getPath, { filters: ofAlice })).toMatchObject(notFound);
    await rig.switches({ exportDelayMs: 20 });
    const soon = await order(rig);
    await until(async () => (await fetchExport(rig, soon)).status === 200);
    expect(await fetchExport(rig, late)).toMatchObject(notFound);
  });

  it("is gone when exportLifetimeMs have passed, seven days unless said otherwise", async () => {
    const rig = await startRig();
    expect(await rig.control("GET", "switches")).toMatchObject({ exportLifetimeMs: 7 * 24 * hourMs });
    const id = await order(rig);
    expect(await fetchExport(rig, id)).toMatchObject({ status: 200 });
    await rig.switches({ exportLifetimeMs: 0 });
    expect(await fetchExport(rig, id)).toMatchObject(notFound);
    expect(await rig.call("POST", getPath, { filters: ofAlice })).toMatchObject(notFound);
  });

  it("of another project is as absent as one that never was", async () => {
    const rig = await startRig();
    const other = await rig.somebodyElse("other@acme.test");
    const id = await order(rig);
    expect(await fetchExport(other, id)).toMatchObject(notFound);
    expect(await fetchExport(rig, randomUUID())).toMatchObject(notFound);
    expect(await other.call("POST", getPath, { filters: ofAlice })).toMatchObject(notFound);
  });

  it("goes to the project of the body's pair of ids, as memories do", async () => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const project_id = await rig.createProject(org_id);
    const bound = rig.as(await rig.makeKey({ org_id, project_id }));
    await remember(bound, "I live in Vienna");
    const id = await order(rig, { org_id, project_id });
    const expected = { status: 200, body: { facts: ["I live in Vienna"] } };
    expect(await fetchExport(bound, id)).toMatchObject(expected);
    expect(await fetchExport(rig, id)).toMatchObject(notFound);
    const redirected = { memory_export_id: id, org_id, project_id };
    expect(await rig.call("POST", getPath, redirected)).toMatchObject(expected);
  });

  it("is not found without the last slash, as in the real service", async () => {
    const rig = await startRig();
    expect(await rig.call("POST", "/v1/exports/get", { filters: ofAlice })).toMatchObject({ status: 404 });
  });
});
