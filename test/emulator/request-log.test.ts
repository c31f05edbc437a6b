import { describe, expect, it } from "vitest";
import { criticalPath, type LoggedRequest, type RequestLogLine } from "../../src/emulator/request-log.ts";
import { organizationsPath, type Rig, startRig } from "./rig.ts";

interface Logged {
  readonly requests: readonly LoggedRequest[];
  readonly criticalPath: number;
}

const logged = async (rig: Rig, query = ""): Promise<Logged> =>
  (await rig.control("GET", `requests${query}`)) as unknown as Logged;

describe("the request log", () => {
  it("remembers what was asked and answered, in order, with times that contain each other", async () => {
    const rig = await startRig();
    const beforeMs = Date.now() - 1000;
    await rig.createOrganization("Acme");
    await rig.failNext({ kind: "drop" });
    await rig.call("GET", "/v1/ping/?a=b").catch(() => {});
    const { requests } = await logged(rig);
    expect(requests).toEqual([
      {
        id: 1,
        method: "POST",
        path: organizationsPath,
        query: "",
        body: '{"name":"Acme"}',
        status: 201,
        startedAtMs: expect.any(Number),
        answeredAtMs: expect.any(Number),
        fault: null,
      },
      expect.objectContaining({ id: 2, path: "/v1/ping/", query: "a=b", status: null, fault: "drop" }),
    ]);
    const times = requests.flatMap(({ startedAtMs, answeredAtMs }) => [startedAtMs, answeredAtMs ?? 0]);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(times[0]).toBeGreaterThan(beforeMs);
    expect(times.at(-1)).toBeLessThan(Date.now() + 1000);
  });

  it("selects by id, by time and by text in path, query or body", async () => {
    const rig = await startRig();
    await rig.createOrganization("alpha");
    await rig.createOrganization("beta");
    await rig.call("GET", "/v1/ping/?who=gamma");
    const ids = async (query: string): Promise<number[]> =>
      (await logged(rig, query)).requests.map(({ id }) => id);
    const third = (await logged(rig)).requests[2];
    expect(await ids("?since=1")).toEqual([2, 3]);
    expect(await ids(`?until=${third?.startedAtMs}`)).toEqual([1, 2]);
    expect(await ids("?contains=beta")).toEqual([2]);
    expect(await ids("?contains=gamma")).toEqual([3]);
    expect(await ids("?contains=ping")).toEqual([3]);
    expect((await rig.call("GET", "/_emulator/requests?until=soon")).body).toMatchObject({ field: "until" });
    expect((await rig.call("GET", "/_emulator/requests?before=3")).body).toMatchObject({ field: "before" });
  });

  it("never shows a key, wherever the client writes it", async () => {
    const lines: RequestLogLine[] = [];
    const rig = await startRig({ apiKey: "m0-secret-of-ours", log: (line) => lines.push(line) });
    const other = `m0-${"x".repeat(40)}`;
    await rig.call("POST", `/v1/${rig.apiKey}/?key=${rig.apiKey}`, { name: rig.apiKey, other });
    await rig.as(other).call("GET", "/v1/ping/");
    const shown = JSON.stringify([await logged(rig), lines]);
    expect(shown).toContain("[key]");
    expect(shown).not.toContain("secret-of-ours");
    expect(shown).not.toContain(other);
  });

  it("tells every exchange once, when it has ended, without bodies", async () => {
    const lines: RequestLogLine[] = [];
    const rig = await startRig({ log: (line) => lines.push(line) });
    await rig.createOrganization("private");
    expect(lines).toEqual([
      {
        id: 1,
        method: "POST",
        path: organizationsPath,
        query: "",
        status: 201,
        fault: null,
        startedAtMs: expect.any(Number),
        durationMs: expect.any(Number),
      },
    ]);
    await rig.failNext({ kind: "drop" });
    await rig.ping().catch(() => {});
    expect(lines).toMatchObject([{ id: 1 }, { id: 2, status: null, fault: "drop" }]);
  });

  it("is emptied by DELETE, and ids go on rising", async () => {
    const rig = await startRig();
    await rig.ping();
    await rig.control("DELETE", "requests");
    expect((await logged(rig)).requests).toEqual([]);
    await rig.ping();
    expect((await logged(rig)).requests).toMatchObject([{ id: 2 }]);
  });

  it("holds the last 20,000", async () => {
    const { RequestLog } = await import("../../src/emulator/request-log.ts");
    const log = new RequestLog();
    for (let turn = 0; turn < 45_000; turn += 1) log.begin("GET", "/", "", "").end(200);
    const ids = log.select({}).map(({ id }) => id);
    expect(ids).toHaveLength(20_000);
    expect([ids[0], ids.at(-1)]).toEqual([25_001, 45_000]);
  });

  it("holds fewer when they are long: 32 Mi characters, the oldest go first, and one body is cut", async () => {
    const { RequestLog } = await import("../../src/emulator/request-log.ts");
    const log = new RequestLog();
    const body = "b".repeat(100_000);
    for (let turn = 0; turn < 1500; turn += 1) {
      const request = log.begin("POST", "/", "", "");
      request.setBody(body);
      request.end(200);
    }
    const kept = log.select({});
    expect(kept.every((request) => request.body === "b".repeat(65_536))).toBe(true);
    const lengths = kept.reduce((sum, request) => sum + request.body.length, 0);
    expect(lengths).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(500);
    expect(kept.at(-1)?.id).toBe(1500);
    // Cleared while a body is on its way: what came before counts no more.
    const late = log.begin("POST", "/", "", "");
    log.clear();
    late.setBody(body);
    for (let turn = 0; turn < 400; turn += 1) log.begin("POST", "/", "", "").setBody(body);
    expect(log.select({})).toHaveLength(400);
  });
});

describe("the critical path", () => {
  const request = (startedAtMs: number, answeredAtMs: number | null): LoggedRequest => ({
    id: startedAtMs,
    method: "GET",
    path: "/",
    query: "",
    body: "",
    status: 200,
    startedAtMs,
    answeredAtMs,
    fault: null,
  });

  it.each([
    ["nothing", [], 0],
    ["one after another", [request(0, 1), request(2, 3), request(3, 4)], 3],
    ["side by side", [request(0, 5), request(1, 6), request(2, 7)], 1],
    [
      "two, then three side by side",
      [request(0, 1), request(2, 3), request(4, 9), request(4, 5), request(4, 6)],
      3,
    ],
    ["a long one beside a chain", [request(0, 100), request(1, 2), request(3, 4), request(5, 6)], 3],
    ["one that is never answered ends a chain", [request(0, 1), request(2, null), request(3, 4)], 2],
  ])("of %s", (_name, requests, length) => {
    expect(criticalPath(requests)).toBe(length);
    expect(criticalPath(requests.toReversed())).toBe(length);
  });

  it("counts what went over the wire: two in a row and then three at once are three", async () => {
    const rig = await startRig({ switches: { latencyMs: 60 } });
    await rig.ping();
    await rig.ping();
    await Promise.all([rig.ping(), rig.ping(), rig.ping()]);
    const { requests, criticalPath: length } = await logged(rig);
    expect(requests).toHaveLength(5);
    expect(length).toBe(3);
  });
});
