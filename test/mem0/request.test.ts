import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOrganization, deleteOrganization, listOrganizations } from "../../src/mem0/organizations.ts";
import { ping } from "../../src/mem0/ping.ts";
import { type Mem0, type Mem0Call, openMem0 } from "../../src/mem0/request.ts";
import {
  canaryKey,
  failureOf,
  openClient,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;
let others: Mem0[];

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
  others = [];
});

afterEach(async () => {
  await Promise.all([mem0, ...others].map((client) => client.close()));
  await server.close();
});

/** Another client, closed after the test. */
function open(...args: Parameters<typeof openClient>): Mem0 {
  const client = openClient(...args);
  others.push(client);
  return client;
}

const create = (client: Mem0 = mem0) => createOrganization(client, { name: "Acme" });
const created = { org_id: "org_1" };
const pong = { org_id: "org_1", project_id: "proj_1", user_email: "dev@example.com" };

describe("the client", () => {
  test("passes over informational answers", async () => {
    server.react((response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.writeHead(404).end('{"message":"Organization not found"}');
    });
    expect(await failureOf(create())).toMatchObject({ status: 404, messages: ["Organization not found"] });
  });

  test("sends calls side by side, each on its own connection, and keeps the connections", async () => {
    const sockets: Socket[] = [];
    const releases: (() => void)[] = [];
    for (let call = 0; call < 5; call += 1) {
      server.react((response, socket) => {
        sockets.push(socket);
        releases.push(() => void response.writeHead(201).end(JSON.stringify(created)));
      });
    }
    const calls = Promise.all(Array.from({ length: 5 }, () => create()));
    await server.seenAtLeast(5);
    expect(new Set(sockets).size).toBe(5);
    for (const release of releases) release();
    await calls;
    await nextTurn();
    server.react((response, socket) => {
      sockets.push(socket);
      response.writeHead(201).end(JSON.stringify(created));
    });
    await create();
    expect(new Set(sockets).size).toBe(5);
  });

  test("keeps the path of the base URL as a prefix", async () => {
    const client = open(server, { baseUrl: `${server.baseUrl}/proxy/mem0/` });
    server.answer(200, pong);
    await ping(client);
    expect(server.seen[0]?.url).toBe("/proxy/mem0/v1/ping/");
    expect(client.origin).toBe(server.baseUrl);
  });

  test("tells the difference of the clocks by the last Date header", async () => {
    expect(mem0.clockOffsetMs()).toBeNull();
    const hourMs = 3_600_000;
    for (const offsetMs of [hourMs, -hourMs]) {
      server.answer(400, { detail: "No" }, { date: new Date(Date.now() + offsetMs).toUTCString() });
      await failureOf(create());
      expect(Math.abs((mem0.clockOffsetMs() ?? 0) - offsetMs)).toBeLessThan(2_000);
    }
    server.answer(201, created, { date: "half past nine" });
    await create();
    expect(Math.abs((mem0.clockOffsetMs() ?? 0) + hourMs)).toBeLessThan(2_000);
  });

  test("tells onCall of every call that is over, failed or not", async () => {
    const calls: Mem0Call[] = [];
    const client = open(server, { onCall: (call) => calls.push(call) });
    server.answer(201, created);
    server.answer(404, { message: "Organization not found" });
    server.react((response, socket) => {
      response.writeHead(201, { "content-length": "1000" });
      response.write("{", () => socket.destroy());
    });
    server.react((_response, socket) => socket.destroy());
    await create(client);
    await failureOf(deleteOrganization(client, "org_1"));
    await failureOf(create(client));
    await failureOf(create(client));
    const path = "/api/v1/orgs/organizations/";
    expect(calls).toEqual([
      { method: "POST", path, status: 201, hasLeft: true, durationMs: expect.any(Number) },
      {
        method: "DELETE",
        path: `${path}{org_id}/`,
        status: 404,
        hasLeft: true,
        durationMs: expect.any(Number),
      },
      { method: "POST", path, status: 201, hasLeft: true, durationMs: expect.any(Number) },
      { method: "POST", path, status: null, hasLeft: true, durationMs: expect.any(Number) },
    ]);
    for (const { durationMs } of calls) expect(durationMs).toBeGreaterThan(0);
  });

  test("tells the onCall of a call of that call, and whether it was put on the wire", async () => {
    const calls: Mem0Call[] = [];
    const onCall = (call: Mem0Call) => calls.push(call);
    server.answer(200, []);
    await listOrganizations(mem0, { onCall });
    await failureOf(listOrganizations(mem0, { onCall, signal: AbortSignal.abort() }));
    expect(calls.map(({ status, hasLeft }) => ({ status, hasLeft }))).toEqual([
      { status: 200, hasLeft: true },
      { status: null, hasLeft: false },
    ]);
  });

  test("does not lose an answer to an onCall that throws, but warns", async () => {
    const client = open(server, {
      onCall: () => {
        throw new Error("trace failed");
      },
    });
    const warned = once(process, "warning");
    server.answer(201, created);
    expect(await create(client)).toEqual({ orgId: "org_1" });
    const [warning] = await warned;
    expect(warning).toMatchObject({ message: "trace failed" });
  });

  test("when closed, waits for calls under way; later ones have not happened and may be made by another", async () => {
    server.react((response) => {
      void mem0.close();
      response.writeHead(201).end(JSON.stringify(created));
    });
    expect(await create()).toEqual({ orgId: "org_1" });
    await mem0.close();
    expect(await failureOf(create())).toMatchObject({
      reason: "connect",
      retryable: true,
      mayHaveHappened: false,
    });
    expect(server.seen).toHaveLength(1);
  });

  test("is not opened on nonsense, and does not repeat it", () => {
    const bases = [
      "",
      "mem0",
      "ftp://127.0.0.1/",
      "http://user:secret@127.0.0.1/",
      "http://127.0.0.1/?key=secret",
    ];
    for (const baseUrl of bases)
      expect(() => openMem0({ baseUrl, apiKey: canaryKey })).toThrow(/must be an http/);
    for (const apiKey of ["", "se cret", "secret\r\nx: y", "secrét"]) {
      const attempt = () => openMem0({ baseUrl: server.baseUrl, apiKey });
      expect(attempt).toThrow(/printable ASCII/);
      expect(attempt).not.toThrow(/se/);
    }
    for (const name of ["timeoutMs", "connectTimeoutMs", "bodyBytesMax", "connections"] as const) {
      for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => openClient(server, { [name]: value })).toThrow(RangeError);
      }
    }
  });

  test("refuses a senseless time-out of a call without asking Mem0", async () => {
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await failureOf(listOrganizations(mem0, { timeoutMs }))).toBeInstanceOf(RangeError);
    }
    expect(server.seen).toEqual([]);
  });
});
