import { beforeEach, describe, expect, it } from "vitest";
import { remember } from "./remember.ts";
import { type Reply, type Rig, startRig } from "./rig.ts";

const signUpPath = "/api/v1/auth/agent_mode/";
const callerPath = "/api/v1/auth/agent_mode/caller/";
const codePath = "/api/v1/auth/email_code/";
const verifyPath = "/api/v1/auth/email_code/verify/";

interface SignedUp {
  readonly api_key: string;
  readonly default_user_id: string;
  readonly org_id: string;
  readonly project_id: string;
}

/** Without any key, as who has none. */
function open(rig: Rig, path: string, body: object): Promise<Reply> {
  const headers = { "content-type": "application/json" };
  return rig.send(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function signUp(rig: Rig, body: object = {}): Promise<SignedUp> {
  return (await open(rig, signUpPath, body)).body as SignedUp;
}

async function codeFor(rig: Rig, email: string): Promise<string> {
  await open(rig, codePath, { email });
  const { codes } = await rig.control<{ codes: { email: string; code: string }[] }>("GET", "email-codes");
  return codes.find((sent) => sent.email === email)?.code ?? "none";
}

describe("an agent", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  it("signs itself up without a key, into a place of its own whose key works", async () => {
    const reply = await open(rig, signUpPath, { agent_caller: "claude-code", source: "cli" });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      api_key: expect.stringMatching(/^m0-[A-Za-z0-9]{40}$/),
      default_user_id: expect.stringMatching(/^agent-/),
      org_id: expect.stringMatching(/^org_/),
      project_id: expect.stringMatching(/^proj_/),
      mem0_notice: expect.any(String),
    });
    const { api_key, org_id, project_id, default_user_id } = reply.body as SignedUp;
    expect(await rig.as(api_key).ping()).toMatchObject({ org_id, project_id });
    await remember(rig.as(api_key), "Likes tea", { user_id: default_user_id });
    expect(await rig.control("GET", "agent-accounts")).toMatchObject({
      accounts: [{ api_key, agent_caller: "claude-code", source: "cli", is_claimed: false }],
    });
    const other = await signUp(rig);
    expect(other.org_id).not.toBe(org_id);
    expect((await rig.as(other.api_key).call("GET", rig.organizationPath(org_id))).status).toBe(404);
  });

  it("finds the notice in its successes until it is claimed, where agentNotice says; nobody else does", async () => {
    const { api_key, project_id } = await signUp(rig);
    const agent = rig.as(api_key);
    const noticed = async (as: Rig) => {
      const reply = await as.call("GET", "/v1/ping/");
      return ["mem0_notice" in (reply.body as object), reply.headers.has("x-mem0-notice-message")];
    };
    expect(await noticed(agent)).toEqual([true, true]);
    expect(await noticed(rig)).toEqual([false, false]);
    await rig.switches({ agentNotice: "header" });
    expect(await noticed(agent)).toEqual([false, true]);
    await rig.switches({ agentNotice: "none" });
    expect(await noticed(agent)).toEqual([false, false]);
    await rig.switches({ agentNotice: "both", mem0Notice: "body" });
    expect(await noticed(rig)).toEqual([true, false]);
    await rig.switches({ mem0Notice: "none" });
    const code = await codeFor(rig, "ann@acme.test");
    await open(rig, verifyPath, { email: "ann@acme.test", code, agent_mode_api_key: api_key });
    expect(await noticed(agent)).toEqual([false, false]);
    expect(await agent.ping()).toMatchObject({ project_id, user_email: "ann@acme.test" });
  });

  it("says what it is, again and again; who is no unclaimed agent cannot", async () => {
    const { api_key } = await signUp(rig);
    for (const name of ["codex", "cursor"]) {
      const reply = await rig.as(api_key).call("PATCH", callerPath, { agent_caller: name });
      expect(reply).toMatchObject({ status: 200, body: { agent_caller: name } });
    }
    expect(await rig.control("GET", "agent-accounts")).toMatchObject({
      accounts: [{ agent_caller: "cursor" }],
    });
    expect(await rig.call("PATCH", callerPath, { agent_caller: "x" })).toMatchObject({ status: 400 });
    expect((await rig.as("m0-wrong").call("PATCH", callerPath, { agent_caller: "x" })).status).toBe(401);
    expect((await rig.as(api_key).call("PATCH", callerPath, {})).status).toBe(400);
  });

  it("is refused beyond agentSignUpsPerDay with the framework's own 403", async () => {
    for (let count = 0; count < 5; count += 1) await signUp(rig);
    const sixth = await open(rig, signUpPath, {});
    expect(sixth.status).toBe(403);
    expect(sixth.body).toEqual({ detail: "You do not have permission to perform this action." });
    expect(sixth.headers.has("retry-after")).toBe(false);
    await rig.switches({ agentSignUpsPerDay: 0 });
    expect((await open(rig, signUpPath, {})).status).toBe(200);
  });
});

describe("claiming an agent's account", () => {
  it("makes it the person's, with its key, memories and places unchanged, once", async () => {
    const rig = await startRig();
    const { api_key, org_id, project_id } = await signUp(rig);
    const agent = rig.as(api_key);
    await remember(agent, "Likes tea");
    const email = "ann@acme.test";
    const code = await codeFor(rig, email);
    expect(code).toMatch(/^\d{6}$/);
    const claim = { email, code, agent_mode_api_key: api_key };
    expect(await open(rig, verifyPath, claim)).toMatchObject({
      status: 200,
      body: { claimed: true, claimed_at: expect.any(String), api_key, org_id, project_id },
    });
    expect(await agent.ping()).toMatchObject({ user_email: email, org_id, project_id });
    expect((await agent.call("POST", "/v3/memories/", { filters: { user_id: "alice" } })).body).toMatchObject(
      {
        count: 1,
      },
    );
    expect((await agent.call("GET", rig.organizationPath(org_id))).body).toMatchObject({
      user_role: "OWNER",
      is_default: true,
      members: [{ email, role: "OWNER" }],
    });
    expect((await open(rig, verifyPath, claim)).status).toBe(400);
    const again = { ...claim, code: await codeFor(rig, email) };
    expect(await open(rig, verifyPath, again)).toMatchObject({
      status: 400,
      body: { code: "invalid_agent_key" },
    });
  });

  it("for somebody who has an account is refused by the code that Mem0's program knows", async () => {
    const rig = await startRig();
    const { api_key } = await signUp(rig);
    await rig.control("POST", "users", { email: "ann@acme.test" });
    const code = await codeFor(rig, "ann@acme.test");
    const claim = { email: "ann@acme.test", code, agent_mode_api_key: api_key };
    expect(await open(rig, verifyPath, claim)).toMatchObject({
      status: 409,
      body: { code: "email_already_claimed" },
    });
    expect((await rig.as(api_key).ping()).user_email).not.toBe("ann@acme.test");
  });
});

describe("signing in by e-mail", () => {
  it("answers a person's own key, and signs up who is not known", async () => {
    const rig = await startRig();
    const known = await rig.ping();
    const email = known.user_email;
    const reply = await open(rig, verifyPath, { email, code: await codeFor(rig, email) });
    expect(reply).toMatchObject({
      status: 200,
      body: { api_key: rig.apiKey, org_id: known.org_id, project_id: known.project_id },
    });
    const fresh = "new@acme.test";
    const made = await open(rig, verifyPath, { email: fresh, code: await codeFor(rig, fresh) });
    const { api_key, org_id } = made.body as SignedUp;
    expect(await rig.as(api_key).ping()).toMatchObject({ user_email: fresh, org_id });
  });

  it("takes only the newest code, once, and after five wrong ones none", async () => {
    const rig = await startRig();
    const email = "ann@acme.test";
    const older = await codeFor(rig, email);
    let newer = await codeFor(rig, email);
    // One in a million times both are the same.
    while (newer === older) newer = await codeFor(rig, email);
    const tried = async (code: string) => (await open(rig, verifyPath, { email, code })).status;
    expect(await tried(older)).toBe(400);
    for (let count = 0; count < 4; count += 1) expect(await tried("x")).toBe(400);
    expect(await tried(newer)).toBe(429);
    const good = await codeFor(rig, email);
    expect(await tried(good)).toBe(200);
    expect(await tried(good)).toBe(400);
    expect((await open(rig, codePath, { email: "nobody" })).status).toBe(400);
  });
});
