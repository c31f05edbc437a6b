import { beforeEach, describe, expect, it } from "vitest";
import type { ArmedFault } from "../../src/emulator/faults.ts";
import type { LoggedRequest } from "../../src/emulator/request-log.ts";
import { organizationsPath, type Reply, type Rig, startRig, until } from "./rig.ts";

describe("a fault", () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await startRig();
  });

  const create = (name = "Acme"): Promise<Reply> => rig.call("POST", organizationsPath, { name });
  const made = async (): Promise<number> => (await rig.tables()).organizations.length - 1;
  const faults = async (): Promise<readonly ArmedFault[]> =>
    (await rig.control<{ faults: readonly ArmedFault[] }>("GET", "faults")).faults;
  /** The fault that was armed last has met its request: what it does at once is done. */
  const fired = async (): Promise<boolean> => (await faults()).at(-1)?.fired === 1;

  describe("refuse", () => {
    it("answers the given status and body without doing the deed, once, and counts that it fired", async () => {
      const id = await rig.failNext({ kind: "refuse", status: 409, body: { message: "no" } });
      expect(await create()).toMatchObject({ status: 409, body: { message: "no" } });
      expect(await made()).toBe(0);
      expect(await create()).toMatchObject({ status: 201 });
      expect(await faults()).toEqual([
        {
          id,
          match: {},
          fault: { kind: "refuse", status: 409, body: { message: "no" } },
          count: 1,
          skip: 0,
          fired: 1,
        },
      ]);
    });

    it("answers so although the deed is done, when it is told to", async () => {
      await rig.failNext({ kind: "refuse", status: 400, body: { message: "no" }, done: true });
      expect(await create()).toMatchObject({ status: 400, body: { message: "no" } });
      expect(await made()).toBe(1);
    });

    it("sends a text as it stands", async () => {
      await rig.failNext({ kind: "refuse", status: 503, body: "<p>later</p>" });
      expect(await create()).toMatchObject({ status: 503, text: "<p>later</p>" });
    });
  });

  it("do-then-drop does the deed and destroys the connection", async () => {
    await rig.failNext({ kind: "do-then-drop" });
    await expect(create()).rejects.toThrow();
    expect(await made()).toBe(1);
  });

  it("drop destroys the connection and never does the deed", async () => {
    await rig.failNext({ kind: "drop" });
    await expect(create()).rejects.toThrow();
    expect(await create("second")).toMatchObject({ status: 201 });
    expect(await made()).toBe(1);
  });

  it("drop-then-do destroys the connection at once and commits late", async () => {
    await rig.failNext({ kind: "drop-then-do", afterMs: 250 });
    const startedMs = performance.now();
    await expect(create()).rejects.toThrow();
    expect(await made()).toBe(0);
    await until(async () => (await made()) === 1);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(249);
  });

  it("drop-then-do is called off by a reset", async () => {
    await rig.failNext({ kind: "drop-then-do", afterMs: 100 });
    await rig.failNext({ kind: "slow", ms: 200, when: "after" }, { match: { path: "/v1/ping/" } });
    await expect(create()).rejects.toThrow();
    // The slow ping outlasts the late deed, so that when it is answered the deed would have been done.
    const outlasting = rig.ping();
    await until(fired);
    await rig.control("POST", "reset");
    await outlasting;
    expect(await made()).toBe(0);
  });

  it("do-then-500 does the deed and answers an HTML 500", async () => {
    await rig.failNext({ kind: "do-then-500" });
    const reply = await create();
    expect(reply.status).toBe(500);
    expect(reply.headers.get("content-type")).toContain("text/html");
    expect(await made()).toBe(1);
  });

  it("fail-500 answers an HTML 500 without doing the deed", async () => {
    await rig.failNext({ kind: "fail-500" });
    const reply = await create();
    expect(reply.status).toBe(500);
    expect(reply.text).toContain("Server Error (500)");
    expect(await made()).toBe(0);
  });

  it.each([
    [1, "second"],
    [7, "seconds"],
  ])("throttle answers 429 with Retry-After: %i", async (retryAfterSeconds, unit) => {
    await rig.failNext({ kind: "throttle", retryAfterSeconds });
    const reply = await create();
    expect(reply.status).toBe(429);
    expect(reply.headers.get("retry-after")).toBe(String(retryAfterSeconds));
    const detail = `Request was throttled. Expected available in ${retryAfterSeconds} ${unit}.`;
    expect(reply.body).toEqual({ detail });
    expect(await made()).toBe(0);
  });

  it("quota answers 429 with the body that was seen live", async () => {
    const resetAt = "2026-12-01T00:00:00+00:00";
    await rig.failNext({ kind: "quota", resetAt, eventType: "SEARCH" });
    const reply = await create();
    expect(reply.status).toBe(429);
    expect(reply.headers.get("retry-after")).toBeNull();
    expect(reply.body).toEqual({
      error:
        "Usage quota exceeded for this billing period. Please upgrade your plan at https://app.mem0.ai/dashboard/billing.",
      event_type: "SEARCH",
      quota_limit: 1000,
      quota_used: 1000,
      quota_reset: resetAt,
    });
    expect(await made()).toBe(0);
  });

  it.each([
    ["before", 0],
    ["after", 1],
  ])("slow, %s the deed, answers late what it would have answered", async (when, madeMeanwhile) => {
    await rig.failNext({ kind: "slow", ms: 600, when });
    const startedMs = performance.now();
    const reply = create();
    await until(fired);
    expect(await made()).toBe(madeMeanwhile);
    expect(await reply).toMatchObject({ status: 201 });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(599);
    expect(await made()).toBe(1);
  });

  it.each([
    [{}, 1],
    [{ done: false }, 0],
  ])("garbage answers 200 with what is not JSON: %j", async (rest, madeAfter) => {
    await rig.failNext({ kind: "garbage", ...rest });
    const reply = await create();
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("application/json");
    expect(() => JSON.parse(reply.text)).toThrow();
    expect(await made()).toBe(madeAfter);
  });

  it.each([
    [{}, 0],
    [{ done: true }, 1],
  ])("html-502 answers a proxy's page: %j", async (rest, madeAfter) => {
    await rig.failNext({ kind: "html-502", ...rest });
    const reply = await create();
    expect(reply.status).toBe(502);
    expect(reply.text).toContain("<h1>502 Bad Gateway</h1>");
    expect(await made()).toBe(madeAfter);
  });

  it.each([
    [{}, 0],
    [{ done: true }, 1],
  ])("hang never answers: %j", async (rest, madeAfter) => {
    await rig.failNext({ kind: "hang", ...rest });
    const client = new AbortController();
    const headers = { authorization: `Token ${rig.apiKey}`, "content-type": "application/json" };
    const init = { method: "POST", headers, body: '{"name":"Acme"}', signal: client.signal };
    const creating = rig.send(organizationsPath, init).catch((error: unknown) => error);
    await until(fired);
    expect(await made()).toBe(madeAfter);
    const open = async (): Promise<LoggedRequest | undefined> =>
      (await rig.control<{ requests: LoggedRequest[] }>("GET", "requests")).requests[0];
    expect(await open()).toMatchObject({ status: null, answeredAtMs: null, fault: "hang" });
    client.abort();
    expect(await creating).toMatchObject({ name: "AbortError" });
    await until(async () => (await open())?.answeredAtMs !== null);
    expect(await open()).toMatchObject({ status: null });
  });

  it.each([
    [{}, 1, 201],
    [{ done: false }, 0, 200],
  ])("wrong-shape answers a success of another shape: %j", async (rest, madeAfter, status) => {
    await rig.failNext({ kind: "wrong-shape", ...rest });
    const reply = await create();
    expect(reply.status).toBe(status);
    expect(reply.body).not.toHaveProperty("org_id");
    expect(await made()).toBe(madeAfter);
  });

  describe("is matched", () => {
    const refuse = { kind: "refuse", status: 418 };
    const status = async (method: string, path: string, body?: unknown): Promise<number> =>
      (await rig.call(method, path, body)).status;

    it("by method", async () => {
      await rig.failNext(refuse, { match: { method: "delete" } });
      expect(await status("GET", "/v1/ping/")).toBe(200);
      expect(await status("DELETE", organizationsPath)).toBe(418);
    });

    it("by the whole path, a star standing for one segment and two for any", async () => {
      const { org_id } = await rig.ping();
      const projects = `${rig.organizationPath(org_id)}projects/`;
      await rig.failNext(refuse, { match: { path: `${organizationsPath}*/` }, count: 9 });
      expect(await status("GET", organizationsPath)).toBe(200);
      expect(await status("GET", projects)).toBe(200);
      expect(await status("GET", rig.organizationPath(org_id))).toBe(418);
      await rig.failNext(refuse, { match: { path: `${organizationsPath}**` }, count: 9 });
      expect(await status("GET", projects)).toBe(418);
    });

    it("by the whole path, not by a part of it", async () => {
      await rig.failNext(refuse, { match: { path: "/ping/" } });
      await rig.failNext(refuse, { match: { path: "/v1/" } });
      expect(await status("GET", "/v1/ping/")).toBe(200);
    });

    it("by an expression", async () => {
      await rig.failNext(refuse, { match: { path: "regex:/v[12]/p.ng/$" } });
      expect(await status("GET", "/v1/ping/")).toBe(418);
    });

    it("by a part of the body, or of the query as sent or decoded", async () => {
      await rig.failNext(refuse, { match: { body: "beta corp" } });
      await rig.failNext(refuse, { match: { body: "b@acme" } });
      expect((await create("alpha corp")).status).toBe(201);
      expect((await create("beta corp")).status).toBe(418);
      expect(await status("GET", "/v1/ping/?email=b%40acme.test")).toBe(418);
    });

    it("after its skip requests have passed, and as often as its count says", async () => {
      await rig.failNext(refuse, { match: { path: "/v1/ping/" }, skip: 1, count: 2 });
      const statuses: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) statuses.push(await status("GET", "/v1/ping/"));
      expect(statuses).toEqual([200, 418, 418, 200]);
      expect(await faults()).toMatchObject([{ fired: 2, skip: 1, count: 2 }]);
    });

    it("in the order of arming", async () => {
      await rig.failNext({ kind: "refuse", status: 410 });
      await rig.failNext({ kind: "refuse", status: 411 });
      expect([await status("GET", "/v1/ping/"), await status("GET", "/v1/ping/")]).toEqual([410, 411]);
    });

    it("no longer once the faults are deleted", async () => {
      await rig.failNext(refuse);
      await rig.control("DELETE", "faults");
      expect(await status("GET", "/v1/ping/")).toBe(200);
      expect(await faults()).toEqual([]);
    });
  });

  it.each([
    [{ fault: { kind: "explode" } }, "fault.kind"],
    [{ fault: { kind: "drop", afterMs: 5 } }, "fault.afterMs"],
    [{ fault: { kind: "drop-then-do" } }, "fault.afterMs"],
    [{ fault: { kind: "slow", ms: 5 } }, "fault.when"],
    [{ fault: { kind: "quota", resetAt: "soon" } }, "fault.resetAt"],
    [{ fault: { kind: "refuse", status: 200 } }, "fault.status"],
    [{ fault: { kind: "hang", done: "yes" } }, "fault.done"],
    [{ fault: { kind: "drop" }, match: { url: "/" } }, "match.url"],
    [{ fault: { kind: "drop" }, match: { path: "regex:(" } }, "match.path"],
    [{ fault: { kind: "drop" }, times: 2 }, "times"],
    [{ fault: { kind: "drop" }, count: 0 }, "count"],
    [{ fault: { kind: "drop" }, skip: -1 }, "skip"],
    [{}, "fault"],
  ])("that cannot be understood is a 400 that names the field: %j", async (order, field) => {
    const reply = await rig.call("POST", "/_emulator/fail-next", order);
    expect(reply).toMatchObject({ status: 400, body: { field, error: expect.stringContaining(field) } });
    expect(await faults()).toEqual([]);
  });
});
