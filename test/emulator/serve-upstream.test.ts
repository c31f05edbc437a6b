import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { organizationsPath, startRig } from "./rig.ts";

const invalidKey = {
  detail: "Invalid API key. You can find your API key on https://app.mem0.ai/dashboard/api-keys.",
};

describe("ping", () => {
  it("answers the organization, project and person of the key", async () => {
    const rig = await startRig({ userEmail: "ops@acme.test" });
    const reply = await rig.call("GET", "/v1/ping/");
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      status: "ok",
      org_id: expect.stringMatching(/^org_[A-Za-z0-9]{40}$/),
      project_id: expect.stringMatching(/^proj_[A-Za-z0-9]{40}$/),
      user_email: "ops@acme.test",
    });
    expect(rig.apiKey).toMatch(/^m0-[A-Za-z0-9]{40}$/);
  });
});

describe("authentication", () => {
  it("takes the key that was given at the start, as Token or Bearer", async () => {
    const rig = await startRig({ apiKey: "m0-given" });
    for (const authorization of ["Token m0-given", "Bearer m0-given"]) {
      expect(await rig.send("/v1/ping/", { headers: { authorization } })).toMatchObject({ status: 200 });
    }
  });

  it.each([[undefined], ["Basic bTA6"], [""]])("without credentials is a 401: %j", async (authorization) => {
    const rig = await startRig();
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const reply = await rig.send("/v1/ping/", { headers });
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({ detail: "Authentication credentials were not provided." });
  });

  it("with a key that does not exist is a 401 with Mem0's text", async () => {
    const rig = await startRig();
    for (const key of ["m0-wrong", ""]) {
      const reply = await rig.as(key).call("GET", organizationsPath);
      expect(reply).toMatchObject({ status: 401, body: invalidKey });
    }
  });

  it("ends with the key's revocation, its project or its organization", async () => {
    const rig = await startRig();
    const orgId = await rig.createOrganization();
    const projectId = await rig.createProject(orgId);
    const place = { org_id: orgId, project_id: projectId };
    const [revoked, bound] = [await rig.makeKey(place), await rig.makeKey(place)];
    expect(await rig.as(revoked).ping()).toMatchObject({ org_id: orgId, project_id: projectId });
    await rig.control("DELETE", `keys/${revoked}`);
    expect(await rig.as(revoked).call("GET", "/v1/ping/")).toMatchObject({ status: 401, body: invalidKey });
    await rig.call("DELETE", rig.projectPath(orgId, projectId));
    expect(await rig.as(bound).call("GET", "/v1/ping/")).toMatchObject({ status: 401, body: invalidKey });
    const other = await rig.createProject(orgId, "other");
    const ofTheOrganization = await rig.makeKey({ org_id: orgId, project_id: other });
    await rig.switches({ organizationDeleteCascades: false });
    await rig.call("DELETE", rig.organizationPath(orgId));
    expect(await rig.as(ofTheOrganization).call("GET", "/v1/ping/")).toMatchObject({ status: 401 });
  });
});

describe("paths", () => {
  it.each(["GET", "HEAD", "DELETE"])("without their last slash are a 301 for %s", async (method) => {
    const rig = await startRig();
    const { org_id } = await rig.ping();
    const reply = await rig.call(method, `${organizationsPath}${org_id}?a=b`);
    expect(reply.status).toBe(301);
    expect(reply.headers.get("location")).toBe(`${organizationsPath}${org_id}/?a=b`);
    expect((await rig.tables()).organizations).toHaveLength(1);
  });

  it.each(["POST", "PUT", "PATCH"])("without their last slash are a 404 for %s", async (method) => {
    const rig = await startRig();
    const reply = await rig.call(method, organizationsPath.slice(0, -1), { name: "x" });
    expect(reply).toMatchObject({ status: 404, body: { detail: "Not found." } });
    expect((await rig.tables()).organizations).toHaveLength(1);
  });

  it.each([
    ["POST", "/v2/profiles/sources/"],
    ["GET", "/v2/entities/user/alice/members/"],
    ["POST", "/v1/summaries/"],
    ["GET", "/"],
    ["GET", "/v1//ping/"],
    ["GET", "/api/v1/orgs/organizations/x/invitations/"],
  ])("that are not built answer 501, never 404: %s %s", async (method, path) => {
    const rig = await startRig();
    const reply = await rig.call(method, path);
    expect(reply.status).toBe(501);
    expect(reply.body).toMatchObject({ detail: `The emulator has not built ${method} ${path}.` });
  });

  it("answer HEAD as GET without a body", async () => {
    const rig = await startRig();
    expect(await rig.call("HEAD", "/v1/ping/")).toMatchObject({ status: 200, text: "" });
  });
});

describe("bodies", () => {
  it("that are not JSON are a 400 of the framework, and nothing is done", async () => {
    const rig = await startRig();
    const headers = { authorization: `Token ${rig.apiKey}`, "content-type": "application/json" };
    const reply = await rig.send(organizationsPath, { method: "POST", headers, body: '{"name":' });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ detail: expect.stringMatching(/^JSON parse error - /) });
    expect((await rig.tables()).organizations).toHaveLength(1);
  });

  it("that are no object, or not of type JSON, are refused", async () => {
    const rig = await startRig();
    expect(await rig.call("POST", organizationsPath, ["Acme"])).toMatchObject({
      status: 400,
      body: { non_field_errors: ["Invalid data. Expected a dictionary, but got list."] },
    });
    const headers = { authorization: `Token ${rig.apiKey}`, "content-type": "text/plain" };
    const reply = await rig.send(organizationsPath, { method: "POST", headers, body: "{}" });
    expect(reply).toMatchObject({
      status: 415,
      body: { detail: 'Unsupported media type "text/plain" in request.' },
    });
  });

  it("above 2.5 MB are answered 413", async () => {
    const rig = await startRig();
    const reply = await rig.call("POST", organizationsPath, { name: "x".repeat(20_000_000) });
    expect(reply).toMatchObject({ status: 413, body: { detail: "The body has more than 2500000 bytes" } });
    expect((await rig.tables()).organizations).toHaveLength(1);
  });

  it("may hold unknown fields, which are ignored", async () => {
    const rig = await startRig();
    const reply = await rig.call("POST", organizationsPath, {
      name: "Acme",
      source: "CLI",
      output_format: "v1",
    });
    expect(reply.status).toBe(201);
  });
});

describe("an emulator", () => {
  it("listens on loopback only", async () => {
    await expect(startEmulator({ host: "0.0.0.0" })).rejects.toThrow("loopback only");
  });

  it("rejects with the system's own error when the port is taken", async () => {
    const rig = await startRig();
    const port = Number(new URL(rig.url).port);
    await expect(startEmulator({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("closes at once though a connection is kept alive and another waits for its answer, and may be closed twice", async () => {
    const emulator = await startEmulator();
    const idle = connect(emulator.port, "127.0.0.1");
    await new Promise((resolve) => idle.once("connect", resolve));
    const ended = new Promise((resolve) => idle.once("close", resolve));
    idle.on("error", () => {});
    await fetch(`${emulator.url}/_emulator/fail-next`, {
      method: "POST",
      body: JSON.stringify({ fault: { kind: "hang" } }),
    });
    const waiting = fetch(`${emulator.url}/v1/ping/`).catch((error: unknown) => error);
    idle.write("GET /v1/ping/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await emulator.close();
    await emulator.close();
    await Promise.all([ended, waiting]);
    await expect(fetch(`${emulator.url}/_emulator/health`)).rejects.toThrow();
  });
});
