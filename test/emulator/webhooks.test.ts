import { beforeEach, describe, expect, it } from "vitest";
import { type Rig, startRig } from "./rig.ts";

const url = "https://acme.test/hook";
const given = { name: "hook", url, event_types: ["memory_add", "ingest_job_failed"] };
const uniqueness = { non_field_errors: ["The fields project, url must make a unique set."] };

describe("webhooks", () => {
  let rig: Rig;
  let orgId: string;
  let projectId: string;
  let path: string;

  beforeEach(async () => {
    rig = await startRig();
    orgId = await rig.createOrganization();
    projectId = await rig.createProject(orgId);
    path = rig.webhooksPath(projectId);
  });

  const create = async (over: object = {}): Promise<string> =>
    ((await rig.call("POST", path, { ...given, ...over })).body as { webhook_id: string }).webhook_id;

  it("are created with 201 and the whole object, and listed as a bare array of the same", async () => {
    const reply = await rig.call("POST", path, given);
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({
      webhook_id: expect.stringMatching(/^wh_[A-Za-z0-9]+$/),
      ...given,
      owner: "platform",
      is_active: true,
      project: "memories",
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const list = await rig.call("GET", path);
    expect(list).toMatchObject({ status: 200 });
    expect(list.body).toEqual([reply.body]);
  });

  it("can be created inactive", async () => {
    await create({ is_active: false });
    expect((await rig.call("GET", path)).body).toMatchObject([{ is_active: false }]);
  });

  it.each([
    [{ url, event_types: [] }, { name: ["This field is required."] }],
    [{ name: "w", url }, { event_types: ["This field is required."] }],
    [{ ...given, url: "acme.test" }, { url: ["Enter a valid URL."] }],
    [{ ...given, url: "ftp://acme.test" }, { url: ["Enter a valid URL."] }],
    [
      { ...given, event_types: ["memory_add", "memory:add"] },
      { event_types: { "1": ['"memory:add" is not a valid choice.'] } },
    ],
    [
      { ...given, event_types: "memory_add" },
      { event_types: ['Expected a list of items but got type "str".'] },
    ],
    [{ ...given, is_active: "on" }, { is_active: ["Must be a valid boolean."] }],
  ])("are refused by field for %j", async (body, fields) => {
    const reply = await rig.call("POST", path, body);
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual(fields);
    expect((await rig.call("GET", path)).body).toEqual([]);
  });

  it("have a URL that is unique in the project, and only there", async () => {
    await create();
    expect(await rig.call("POST", path, { ...given, name: "again" })).toMatchObject({
      status: 400,
      body: uniqueness,
    });
    const other = rig.webhooksPath(await rig.createProject(orgId, "other"));
    expect(await rig.call("POST", other, given)).toMatchObject({ status: 201 });
    const second = await create({ url: `${url}/2` });
    const moved = await rig.call("PUT", `/api/v1/webhooks/${second}/`, { url });
    expect(moved).toMatchObject({ status: 400, body: uniqueness });
    const same = await rig.call("PUT", `/api/v1/webhooks/${second}/`, { url: `${url}/2` });
    expect(same.status).toBe(200);
  });

  it("change what PUT names and nothing else; camel case and is_active are ignored", async () => {
    const id = await create();
    const body = { name: "renamed", eventTypes: ["memory_delete"], is_active: false };
    const reply = await rig.call("PUT", `/api/v1/webhooks/${id}/`, body);
    expect(reply).toMatchObject({ status: 200, body: { message: "Webhook updated successfully" } });
    expect((await rig.call("GET", path)).body).toMatchObject([
      { ...given, name: "renamed", is_active: true },
    ]);
    const refused = await rig.call("PUT", `/api/v1/webhooks/${id}/`, { event_types: ["no_such"] });
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({ event_types: { "0": ['"no_such" is not a valid choice.'] } });
  });

  it("are gone from the list at once when deleted, their URL free again; a second delete is a 404", async () => {
    const id = await create();
    const reply = await rig.call("DELETE", `/api/v1/webhooks/${id}/`);
    expect(reply).toMatchObject({ status: 200, body: { message: "Webhook deleted successfully" } });
    expect((await rig.call("GET", path)).body).toEqual([]);
    const gone = { status: 404, body: { error: "Webhook not found" } };
    expect(await rig.call("DELETE", `/api/v1/webhooks/${id}/`)).toMatchObject(gone);
    expect(await rig.call("PUT", `/api/v1/webhooks/${id}/`, { name: "x" })).toMatchObject(gone);
    expect(await rig.call("POST", path, given)).toMatchObject({ status: 201 });
  });

  it("cannot be read by id", async () => {
    const id = await create();
    expect(await rig.call("GET", `/api/v1/webhooks/${id}/`)).toMatchObject({
      status: 405,
      body: { detail: 'Method "GET" not allowed.' },
    });
  });

  it("are forbidden, not hidden, to strangers, and of an unknown project too", async () => {
    const id = await create();
    const eve = await rig.somebodyElse("eve@else.test");
    const noProject = { status: 403, body: { error: "You don't have access to this project" } };
    expect(await eve.call("GET", path)).toMatchObject(noProject);
    expect(await eve.call("POST", path, given)).toMatchObject(noProject);
    expect(await rig.call("GET", rig.webhooksPath("proj_nowhere"))).toMatchObject(noProject);
    const noWebhook = { status: 403, body: { error: "You don't have access to this webhook" } };
    expect(await eve.call("PUT", `/api/v1/webhooks/${id}/`, { name: "x" })).toMatchObject(noWebhook);
    expect(await eve.call("DELETE", `/api/v1/webhooks/${id}/`)).toMatchObject(noWebhook);
  });

  it("can be read but not changed by a READER of the project", async () => {
    const id = await create();
    const ada = await rig.somebodyElse("ada@acme.test");
    const membership = { org_id: orgId, project_id: projectId, email: "ada@acme.test", role: "READER" };
    await rig.control("POST", "members", membership);
    expect(await ada.call("GET", path)).toMatchObject({ status: 200 });
    expect(await ada.call("POST", path, { ...given, url: `${url}/2` })).toMatchObject({ status: 403 });
    expect(await ada.call("DELETE", `/api/v1/webhooks/${id}/`)).toMatchObject({ status: 403 });
  });
});
